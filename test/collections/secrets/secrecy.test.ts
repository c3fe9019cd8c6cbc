/** Values are stored sealed, and are told to nobody but whoever has just sent them. */
import { env } from "cloudflare:workers"
import { describe, expect, it } from "vitest"
import { loadConfig } from "../../../src/config.ts"
import { newSealingKey, readSealingKeys } from "../../../src/lib/sealing.ts"
import { secretPurpose } from "../../../src/partition/secrets.ts"
import { adminToken, send } from "../../support/client.ts"
import { edgeAround, edgeWith } from "../../support/edge.ts"
import { Fault } from "../../support/intercept.ts"
import { failure } from "../../support/keptn.ts"
import { captureLog } from "../../support/log.ts"
import {
  createSecret,
  listSecrets,
  newName,
  postSecret,
  putSecret,
  removeSecret,
  sealedOf,
  secretPath,
  updateSecret,
} from "../../support/secrets.ts"

const VALUE = "the-value-that-nobody-must-see"
const SCOPE = "keptn-default"
const { secretKeys: keys } = loadConfig({ ...env })

/** All of the table, as text. */
async function dump(): Promise<string> {
  const { results } = await env.DB_EU.prepare("select * from secrets").all()
  return JSON.stringify(results)
}

describe("a stored secret", () => {
  it("shows its keys, and its values to the Worker's keys alone", async () => {
    const name = newName()
    await createSecret(name, { "the-key": VALUE })
    const stored = await dump()
    expect(stored).toContain("the-key")
    for (const form of [VALUE, btoa(VALUE), btoa(JSON.stringify({ "the-key": VALUE })).slice(8, -8)]) {
      expect(stored).not.toContain(form)
    }
    const opened = await keys?.open(secretPurpose("eu", name), await sealedOf(name))
    expect(opened).toEqual({ outcome: "opened", text: JSON.stringify({ "the-key": VALUE }) })
  })

  it("is sealed anew with every update", async () => {
    const name = newName()
    await createSecret(name, { k: VALUE })
    const first = await sealedOf(name)
    await updateSecret(name, { k: VALUE }, SCOPE)
    expect((await sealedOf(name)).split(".")[2]).not.toBe(first.split(".")[2])
  })

  it("does not open under another name or in another region", async () => {
    const name = newName()
    await createSecret(name, { k: VALUE })
    const sealed = await sealedOf(name)
    for (const purpose of [secretPurpose("eu", newName()), secretPurpose("us", name), name, ""]) {
      expect(await keys?.open(purpose, sealed)).toEqual({ outcome: "damaged" })
    }
  })
})

it("no log line and no answer but that to a write holds a value, whatever becomes of it", async () => {
  const log = captureLog()
  const name = newName()
  const data = { k: VALUE }
  await createSecret(name, data)
  await updateSecret(name, data, SCOPE)
  const answers = [
    await postSecret({ name, data }),
    await postSecret({ name, data: { k: [VALUE] } }),
    await postSecret({ name: "NOT A NAME", data }),
    await postSecret({ name, scope: "nowhere", data }),
    await putSecret({ name: newName(), scope: SCOPE, data }),
    await postSecret(`{"name":"${name}","data":"${VALUE}`),
    await send("eu", secretPath, { token: null, json: { name, data } }),
    await send("eu", `${secretPath}?name=${name}`),
    await removeSecret(`name=${name}&scope=${SCOPE}`),
  ]
  for (const answer of answers) expect(await answer.text()).not.toContain(VALUE)
  expect(log.length).toBe(answers.length + 2)
  for (const { text } of log) expect(text).not.toContain(VALUE)
})

it("a database that fails puts no value into the log: 503", async () => {
  const log = captureLog()
  const edge = edgeAround(async (call, run) => {
    if (call === "batch") throw new Fault("no database")
    return run()
  })
  for (const method of ["POST", "PUT"]) {
    const response = await edge(`http://eu.api.localhost${secretPath}`, {
      method,
      headers: { "x-token": adminToken },
      body: JSON.stringify({ name: "a", scope: SCOPE, data: { k: VALUE } }),
    })
    expect(await failure(response)).toEqual({
      status: 503,
      code: 503,
      message: expect.stringMatching(/^the storage failed or did not answer in time: try again\./),
    })
  }
  expect(log.map(({ level }) => level)).toEqual(["error", "error"])
  for (const { text } of log) {
    expect(text).toContain("no database")
    expect(text).not.toContain(VALUE)
  }
})

describe("without keys", () => {
  const edge = edgeWith({ secretKeys: null })
  const ask = (method: string, json?: unknown, parameters = "") =>
    edge(`http://eu.api.localhost${secretPath}${parameters}`, {
      method,
      headers: { "x-token": adminToken },
      ...(json !== undefined && { body: JSON.stringify(json) }),
    })

  it.each(["POST", "PUT"])("%s answers 503 and says what to do, and nothing is stored", async (method) => {
    const log = captureLog()
    const name = newName()
    const response = await ask(method, { name, scope: SCOPE, data: { k: VALUE } })
    expect(await failure(response)).toEqual({
      status: 503,
      code: 503,
      message:
        "nothing secret can be stored: SECRET_KEYS is not set. Print a key with `npm run secrets -- new-key`, and set it with " +
        "`npx wrangler secret put SECRET_KEYS`",
    })
    expect(await listSecrets(`name=${name}`)).toEqual([])
    expect(log.map(({ level, fields }) => [level, fields["status"]])).toContainEqual(["log", 503])
  })

  it("bad input still is 400, and reading and deleting work", async () => {
    captureLog()
    const name = newName()
    await createSecret(name, { k: VALUE })
    expect((await ask("POST", { name: "A" })).status).toBe(400)
    expect((await ask("GET")).status).toBe(200)
    expect((await ask("DELETE", undefined, `?name=${name}&scope=${SCOPE}`)).status).toBe(200)
  })
})

it("an edge with other keys lists and replaces what it cannot open", async () => {
  captureLog()
  const read = readSealingKeys(newSealingKey(new Date()))
  if ("problem" in read) throw new Error(read.problem)
  const name = newName()
  await createSecret(name, { k: VALUE })
  const edge = edgeWith({ secretKeys: read.keys })
  const response = await edge(`http://eu.api.localhost${secretPath}`, {
    method: "PUT",
    headers: { "x-token": adminToken },
    body: JSON.stringify({ name, scope: SCOPE, data: { k: "new" } }),
  })
  expect(response.status).toBe(200)
  expect(read.keys.needsResealing(await sealedOf(name))).toBe(false)
})
