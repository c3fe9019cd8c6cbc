import { expect, test } from "vitest"
import { base64, createProject, send } from "./support/client.ts"

test("smoke", async () => {
  const show = async (r: Response) => console.log(r.status, JSON.stringify([...r.headers]), await r.text())
  await show(await send("eu", "/health", { token: null }))
  await show(await send("eu", "/api/v1/metadata", { token: null }))
  await show(await send("eu", "/api/v1/metadata"))
  await createProject("eu", "sockshop", "dev", "staging")
  await show(await send("eu", "/api/controlPlane/v1/project/sockshop"))
  await show(await send("eu", "/api/controlPlane/v1/project/sockshop/service", { json: { serviceName: "carts" } }))
  const b = "/api/resource-service/v1/project/sockshop"
  await show(await send("eu", `${b}/stage/dev/service/carts/resource`, { json: { resources: [{ resourceURI: "/a/slo.yaml", resourceContent: base64("hello") }] } }))
  await show(await send("eu", `${b}/stage/dev/service/carts/resource`))
  await show(await send("eu", `${b}/stage/dev/resource`))
  await show(await send("eu", `${b}/stage/dev/service/carts/resource/a%2Fslo.yaml`))
  await show(await send("eu", `${b}/stage/dev/service/carts/resource/a/slo.yaml`))
  await show(await send("eu", `/api/v1/event`, { json: { type: "x", source: "y", data: { project: "sockshop" } } }))
  await show(await send("eu", `/api/mongodb-datastore/event?project=sockshop`))
  await show(await send("global", `/v3/users/me`))
  await show(await send("eu", `/api/openapi/resource-service.yaml`))
  await show(await send("eu", `/api/controlPlane/v1/project/sockshop`, { method: "DELETE" }))
  expect(1).toBe(1)
})
