import { beforeAll, describe, expect, it } from "vitest"
import { send, storageCounts } from "../../support/client.ts"
import { failure, statuses } from "../../support/keptn.ts"
import {
  createSecret,
  listSecrets,
  newName,
  postSecret,
  putSecret,
  removeSecret,
  secretPath,
  updateSecret,
} from "../../support/secrets.ts"

const DEFAULT = "keptn-default"
const data = { user: "ann", password: "p4ss" }
const keys = ["password", "user"]

// From then on the token is known, and costs no trip.
beforeAll(() => listSecrets())

describe("creating a secret", () => {
  it("answers 201 with what was sent, in the default scope, and stores it in one trip", async () => {
    const name = newName()
    const response = await postSecret({ name, data })
    expect([response.status, storageCounts(response).trips]).toEqual([201, 1])
    expect(response.headers.get("cache-control")).toBe("private, no-store")
    expect(await response.json()).toEqual({ name, scope: DEFAULT, data })
    expect(await listSecrets(`name=${name}`)).toEqual([{ name, scope: DEFAULT, keys }])
  })

  it("takes any of Keptn's scopes, and an empty one for the default", async () => {
    for (const scope of ["dynatrace-service", "keptn-prometheus-service", "keptn-webhook-service", DEFAULT]) {
      expect((await createSecret(newName(), data, scope)).scope).toBe(scope)
    }
    expect((await createSecret(newName(), data, "")).scope).toBe(DEFAULT)
    const response = await postSecret({ name: newName(), data, scope: null })
    expect(await response.json()).toMatchObject({ scope: DEFAULT })
  })

  it("takes no data for none, members that it does not know, and JSON of any type", async () => {
    for (const json of [{}, { data: {}, labels: ["x"] }]) {
      const name = newName()
      const body = JSON.stringify({ name, ...json })
      const response = await send("eu", secretPath, { body, headers: { "content-type": "text/plain" } })
      expect([response.status, await response.json()]).toEqual([201, { name, scope: DEFAULT, data: {} }])
      expect(await listSecrets(`name=${name}`)).toEqual([{ name, scope: DEFAULT, keys: [] }])
    }
  })

  it("of a name that is taken, in whichever scope, answers 409 and changes nothing", async () => {
    const name = newName()
    await createSecret(name, data)
    for (const scope of [DEFAULT, "dynatrace-service"]) {
      expect(await failure(await postSecret({ name, scope, data: { other: "x" } }))).toEqual({
        status: 409,
        code: 409,
        message: "Unable to create secret: secret already exists",
      })
    }
    expect(await listSecrets(`name=${name}`)).toEqual([{ name, scope: DEFAULT, keys }])
  })

  it("by many at once succeeds for one of them", async () => {
    const name = newName()
    const responses = await Promise.all(Array.from({ length: 8 }, () => postSecret({ name, data })))
    expect(statuses(responses)).toEqual([201, 409, 409, 409, 409, 409, 409, 409])
  })
})

describe("updating a secret", () => {
  it("answers 200 with what was sent, and replaces all values and the scope", async () => {
    const name = newName()
    await createSecret(name, data)
    const other = { name, scope: "dynatrace-service", data: { token: "t" } }
    const response = await putSecret(other)
    expect([response.status, storageCounts(response).trips]).toEqual([200, 1])
    expect(await response.json()).toEqual(other)
    expect(await listSecrets(`name=${name}`)).toEqual([{ name, scope: "dynatrace-service", keys: ["token"] }])
  })

  it("has no default scope: 400", async () => {
    const name = newName()
    await createSecret(name, data)
    for (const json of [
      { name, data },
      { name, data, scope: "" },
      { name, data, scope: null },
    ]) {
      expect(await failure(await putSecret(json))).toEqual({
        status: 400,
        code: 400,
        message: `Unable to update secret: unable to check defined scope  for secret ${name}: scope not found`,
      })
    }
  })

  it.each([{}, { data: null }, { data: [] }, { data: "x" }, { data: { a: null } }])(
    "without an object of values (%j) is refused with 400, and loses none",
    async (sent) => {
      const name = newName()
      await createSecret(name, data)
      expect((await failure(await putSecret({ name, scope: DEFAULT, ...sent }))).status).toBe(400)
      expect(await listSecrets(`name=${name}`)).toEqual([{ name, scope: DEFAULT, keys }])
    },
  )

  it("that there is not answers 404, and creates none", async () => {
    const name = newName()
    expect(await failure(await putSecret({ name, scope: DEFAULT, data }))).toEqual({
      status: 404,
      code: 404,
      message: "Unable to update secret: secret not found",
    })
    expect(await listSecrets(`name=${name}`)).toEqual([])
  })
})

describe("deleting a secret", () => {
  it("answers 200 without a body, and the name can be used again", async () => {
    const name = newName()
    await createSecret(name, data)
    const response = await removeSecret(`name=${name}&scope=${DEFAULT}`)
    expect([response.status, storageCounts(response).trips, await response.text()]).toEqual([200, 1, ""])
    expect(await listSecrets(`name=${name}`)).toEqual([])
    await createSecret(name, data, "dynatrace-service")
  })

  it("that there is not, or that is in another scope, answers 404", async () => {
    const name = newName()
    await createSecret(name, data)
    for (const parameters of [`name=${newName()}&scope=${DEFAULT}`, `name=${name}&scope=dynatrace-service`]) {
      expect(await failure(await removeSecret(parameters))).toEqual({
        status: 404,
        code: 404,
        message: "Unable to delete secret: secret not found",
      })
    }
    expect(await listSecrets(`name=${name}`)).toHaveLength(1)
  })

  it.each([
    ["", "Invalid request format: name: is required"],
    ["name=a", "Invalid request format: scope: is required"],
    ["scope=keptn-default", "Invalid request format: name: is required"],
    ["name=&scope=keptn-default", "Invalid request format: name: is required"],
    ["name=a&scope=", "Invalid request format: scope: is required"],
    ["name=a&scope=b", "Unable to delete secret: unable to check defined scope b for secret a: scope not found"],
  ])("with the query %j answers 400", async (parameters, message) => {
    expect(await failure(await removeSecret(parameters))).toEqual({ status: 400, code: 400, message })
  })
})

describe("the list of secrets", () => {
  it("is sorted by name, in one trip, and can be narrowed to a name and a scope", async () => {
    const region = "us"
    for (const [name, scope] of [
      ["b", DEFAULT],
      ["a", DEFAULT],
      ["c", "keptn-webhook-service"],
    ]) {
      expect((await send(region, secretPath, { json: { name, scope, data } })).status).toBe(201)
    }
    const names = async (parameters: string) => (await listSecrets(parameters, region)).map(({ name }) => name)
    expect(await names("")).toEqual(["a", "b", "c"])
    expect(await names("name=&scope=")).toEqual(["a", "b", "c"])
    expect(await names(`scope=${DEFAULT}`)).toEqual(["a", "b"])
    expect(await names("name=b")).toEqual(["b"])
    expect(await names("name=b&scope=keptn-webhook-service")).toEqual([])
    expect(await names("scope=nowhere")).toEqual([])
    expect(storageCounts(await send(region, secretPath)).trips).toBe(1)
  })

  it("is empty for a name that there is not", async () => {
    const response = await send("eu", `${secretPath}?name=${newName()}`)
    expect([response.status, await response.text()]).toEqual([200, '{"Secrets":[]}'])
  })

  it("holds no secret of another region", async () => {
    const name = newName()
    await createSecret(name, data)
    expect(await listSecrets(`name=${name}`, "us")).toEqual([])
    const here = { json: { name, scope: DEFAULT, data } }
    expect((await send("us", secretPath, { ...here, method: "PUT" })).status).toBe(404)
    expect((await send("us", `${secretPath}?name=${name}&scope=${DEFAULT}`, { method: "DELETE" })).status).toBe(404)
    expect((await send("us", secretPath, here)).status).toBe(201)
  })
})

it("the scopes are Keptn's, sorted, and cost no trip", async () => {
  const response = await send("eu", "/api/secrets/v1/scope")
  expect([response.status, storageCounts(response).trips]).toEqual([200, 0])
  expect(await response.json()).toEqual({
    scopes: ["dynatrace-service", "keptn-default", "keptn-prometheus-service", "keptn-webhook-service"],
  })
})

it("values of every kind are taken as they are", async () => {
  const values = { a: "", b: "ü € 🐙", c: "line\nline\r\n\u0000", "d.e_f-G9": '"\\{}', constructor: "c", toString: "t" }
  const name = newName()
  expect((await createSecret(name, values)).data).toEqual(values)
  expect((await updateSecret(name, values, DEFAULT)).data).toEqual(values)
})
