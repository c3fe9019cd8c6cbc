/** The check of every response against the documents finds what it is there for. */
import { expect, it } from "vitest"
import { expectDocumented } from "./support/contract.ts"

const AUTH = "/api/v1/auth"
const METADATA = "/api/v1/metadata"
const CONTEXT = { keptnContext: "08735340-6f9e-4b32-97ff-3b6c292bc509" }

/** What no operation answers. */
function wrong(): Response {
  return new Response(null, { status: 418 })
}

function check(method: string, path: string, response: Response, label = "eu"): Promise<void> {
  return expectDocumented(new Request(`http://${label}.api.localhost${path}`, { method }), response)
}

it.each([
  [
    "a status",
    "POST",
    AUTH,
    new Response(null, { status: 204 }),
    "answered 204: its document does not tell of this status",
  ],
  [
    "a media type",
    "GET",
    METADATA,
    new Response("{}", { headers: { "content-type": "text/html" } }),
    "answered 200: its type is text/html, its document has application/json",
  ],
  ["a body", "POST", AUTH, Response.json({}), "it has a body of type application/json, and its document tells of none"],
  ["a body without a type", "POST", AUTH, new Response(new TextEncoder().encode("x")), "it has a body"],
  ["an empty body", "GET", METADATA, new Response(null), "its type is null"],
  ["a member that is missing", "POST", "/api/v1/event", Response.json({}), '"keptnContext"'],
  ["a member of another type", "POST", "/api/v1/event", Response.json({ keptnContext: 1 }), "keptnContext"],
  ["a member that is not told of", "POST", "/api/v1/event", Response.json({ ...CONTEXT, more: 1 }), "/more"],
])("refuses %s that the document does not have", async (_, method, path, response, text) => {
  await expect(check(method, path, response)).rejects.toThrow(text)
})

it("names the operation, and what was sent to it", async () => {
  await expect(check("GET", "/api//v1/metadata", wrong())).rejects.toThrow(
    "getMetadata (GET /api/v1/metadata) answered 418",
  )
})

it("knows the operations of each host, under the names that they have", async () => {
  await expect(check("GET", "/v2/users/me", wrong(), "us")).rejects.toThrow("getMe ")
  await expect(check("GET", "/v3/users", wrong(), "global")).rejects.toThrow("listUsers ")
  await expect(check("GET", "/git/sockshop.git/info/refs", wrong())).rejects.toThrow("gitInfoRefs ")
  const file = "/api/resource-service/v1/project/sockshop/resource/helm%2Fcarts/values.yaml"
  await expect(check("GET", file, wrong())).rejects.toThrow("readProjectResource ")
})

it.each([
  ["GET", "/health"],
  ["GET", "/api"],
  ["HEAD", METADATA],
  ["OPTIONS", METADATA],
  ["PATCH", METADATA],
  ["GET", "/api/v1/nowhere"],
])("passes over %s %s, which no document describes", async (method, path) => {
  await check(method, path, wrong())
})

it("leaves the response to be read", async () => {
  const response = Response.json(CONTEXT)
  await check("POST", "/api/v1/event", response)
  expect(await response.json()).toEqual(CONTEXT)
})
