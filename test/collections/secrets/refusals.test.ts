/** Secrets that are not taken: with a 4xx that says why, and without a word of their values. */
import { describe, expect, it } from "vitest"
import { send } from "../../support/client.ts"
import { failure } from "../../support/keptn.ts"
import { createSecret, listSecrets, newName, postSecret, putSecret, secretPath } from "../../support/secrets.ts"

const scope = "keptn-default"
const VALUE = "do-not-repeat-me"
const long = (length: number) => "a".repeat(length)

describe.each([
  ["creating", "create", postSecret],
  ["updating", "update", putSecret],
] as const)("%s", (_, verb, write) => {
  const tooLong = `Unable to ${verb} secret: name and key values must be no more than 253 characters`

  it.each<[unknown, string]>([
    [{ data: { k: VALUE } }, "name: is required"],
    [{ name: "", data: { k: VALUE } }, "name: is required"],
    [{ name: null }, "name: is required"],
    [{ name: 5 }, "name: is required"],
    [{ name: "a", scope: 5 }, "scope: Invalid input: expected string, received number"],
    [{ name: "a", data: VALUE }, "data: Invalid input: expected record, received string"],
    [{ name: "a", data: [VALUE] }, "data: Invalid input: expected record, received array"],
    [{ name: "a", data: { k: 5 } }, "data.k: Invalid input: expected string, received number"],
    [{ name: "a", data: { k: null } }, "data.k: Invalid input: expected string, received null"],
    [{ name: "a", data: { k: { v: VALUE } } }, "data.k: Invalid input: expected string, received object"],
    [[VALUE], "Invalid input: expected object, received array"],
    ["text", "Invalid input: expected object, received string"],
    [null, "Invalid input: expected object, received null"],
  ])("with the body %j answers 400", async (json, text) => {
    const message = `Invalid request format: ${text}`
    expect(await failure(await write(json))).toEqual({ status: 400, code: 400, message })
  })

  it.each(["", "{", VALUE, `{"name":"a","data":{"k":"${VALUE}"`])("with the text %j answers 400", async (body) => {
    const method = verb === "create" ? "POST" : "PUT"
    const { status, message } = await failure(await send("eu", secretPath, { method, body }))
    expect(status).toBe(400)
    expect(message).toMatch(/^Invalid request format: /)
    expect(message).not.toContain(VALUE)
  })

  it("with a key that an object cannot hold answers 400", async () => {
    const method = verb === "create" ? "POST" : "PUT"
    const body = `{"name":"a","scope":"${scope}","data":{"__proto__":"${VALUE}"}}`
    const { status, message } = await failure(await send("eu", secretPath, { method, body }))
    expect([status, message]).toEqual([400, "Invalid request format: data: must not hold the key __proto__"])
  })

  it.each(["nowhere", "Keptn-default", "keptn-default ", "__proto__", "length"])(
    "in the scope %j answers 400",
    async (wrong) => {
      const message = `Unable to ${verb} secret: unable to check defined scope ${wrong} for secret a: scope not found`
      const response = await write({ name: "a", scope: wrong, data: { k: VALUE } })
      expect(await failure(response)).toEqual({ status: 400, code: 400, message })
    },
  )

  it.each(["A", "a_b", "-a", "a-", ".a", "a.", "a..b", "a.-b", "a/b", "a b", "ä", "a\n", " ", "a%2Fb", "🐙"])(
    "with the name %j, which Kubernetes refuses, answers 400",
    async (name) => {
      const { status, message } = await failure(await write({ name, scope, data: { k: VALUE } }))
      expect([status, message.split(" must consist of")[0]]).toEqual([400, `Unable to ${verb} secret: name '${name}'`])
    },
  )

  it.each(["", "a b", "a/b", "ä", ".", "..", "..a", "a=b", "a\n"])("with the key %j answers 400", async (key) => {
    const { status, message } = await failure(await write({ name: "a", scope, data: { ok: "1", [key]: VALUE } }))
    expect([status, message.split(" must consist of")[0]]).toEqual([400, `Unable to ${verb} secret: key '${key}'`])
  })

  it("with a name or a key of more than 253 characters answers 400", async () => {
    for (const json of [
      { name: long(254), data: {} },
      { name: `${long(100_000)}-`, data: {} },
      { name: "a", data: { [long(254)]: VALUE } },
    ]) {
      expect(await failure(await write({ scope, ...json }))).toEqual({ status: 400, code: 400, message: tooLong })
    }
  })

  it("with more than 1,000 keys answers 400", async () => {
    const data = Object.fromEntries([...Array(1001).keys()].map((key) => [`k${key}`, VALUE]))
    const message = `Unable to ${verb} secret: data has more than 1000 keys`
    expect(await failure(await write({ name: "a", scope, data }))).toEqual({ status: 400, code: 400, message })
  })

  it.each([long(1_000_000), "\u0001".repeat(200_000), "€".repeat(340_000)])(
    "with more than 1,000,000 bytes answers 413: %#",
    async (value) => {
      const message = `Unable to ${verb} secret: data is larger than 1000000 bytes as JSON`
      const response = await write({ name: "a", scope, data: { k: value } })
      expect(await failure(response)).toEqual({ status: 413, code: 413, message })
    },
  )
})

it("what is just within the limits is taken", async () => {
  const names = [long(253), "0", "1.a-b.2", `${long(100)}.${long(100)}`]
  for (const name of names) await createSecret(name, {})
  const largest = newName()
  await createSecret(largest, { k: long(999_992) })
  const many = Object.fromEntries(Array.from({ length: 1000 }, (_, index) => [`${index}`.padStart(253, "k"), ""]))
  const widest = newName()
  await createSecret(widest, many)
  expect((await listSecrets(`name=${widest}`))[0]?.keys).toEqual(Object.keys(many).toSorted())
  expect(await listSecrets(`name=${largest}`)).toHaveLength(1)
})
