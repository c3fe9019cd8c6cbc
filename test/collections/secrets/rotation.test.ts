/** The change of keys: the scheduled job seals again what an older key has sealed. */
import { createExecutionContext } from "cloudflare:test"
import { env } from "cloudflare:workers"
import { beforeEach, describe, expect, it } from "vitest"
import { createEdge, type Edge } from "../../../src/app.ts"
import { loadConfig } from "../../../src/config.ts"
import { newSealingKey, readSealingKeys, type SealingKeys } from "../../../src/lib/sealing.ts"
import { resealSecrets } from "../../../src/partition/resealing.ts"
import { gitSecretPurpose, secretPurpose } from "../../../src/partition/secrets.ts"
import { adminToken, createProject } from "../../support/client.ts"
import { euBindings, openRegion } from "../../support/partition.ts"
import { intercept } from "../../support/intercept.ts"
import { captureLog } from "../../support/log.ts"
import { newName, sealedOf, secretPath } from "../../support/secrets.ts"

const [oldKey, newKey, otherKey] = [1, 2, 3].map(() => newSealingKey(new Date()))
const older = keysOf(`${oldKey}`)
const both = keysOf(`${newKey},${oldKey}`)
const newest = keysOf(`${newKey}`)
const eu = openRegion()
const DONE = { resealed: 0, remaining: 0, unreadable: [] }

function keysOf(list: string): SealingKeys {
  const read = readSealingKeys(list)
  if ("problem" in read) throw new Error(read.problem)
  return read.keys
}

beforeEach(async () => {
  await env.DB_EU.batch([
    env.DB_EU.prepare("delete from secrets"),
    env.DB_EU.prepare("update projects set git_secret = null"),
  ])
})

async function put(name: string, sealed: string): Promise<void> {
  await env.DB_EU.prepare("insert into secrets values (?, 'keptn-default', '[]', ?, 1, 1)").bind(name, sealed).run()
}

/** Puts a secret with this text, sealed with the old key; answers its name. */
async function putOld(text: string, keys = older): Promise<string> {
  const name = newName()
  await put(name, await keys.seal(secretPurpose("eu", name), text))
  return name
}

async function textOf(name: string, keys: SealingKeys): Promise<string> {
  const opened = await keys.open(secretPurpose("eu", name), await sealedOf(name))
  return opened.outcome === "opened" ? opened.text : opened.outcome
}

describe("resealing", () => {
  it("makes the old key dispensable, changes nothing else, and is done then", async () => {
    const names = [await putOld("a"), await putOld("b"), await putOld("c", newest)]
    const untouched = await sealedOf(names[2] ?? "")
    expect(await resealSecrets(eu, both)).toEqual({ ...DONE, resealed: 2 })
    expect(await Promise.all(names.map((name) => textOf(name, newest)))).toEqual(["a", "b", "c"])
    expect(await sealedOf(names[2] ?? "")).toBe(untouched)
    expect(await env.DB_EU.prepare("select distinct updated_at from secrets").all()).toMatchObject({
      results: [{ updated_at: 1 }],
    })
    expect(await resealSecrets(eu, both)).toEqual(DONE)
    expect(await resealSecrets(eu, newest)).toEqual(DONE)
  })

  it("does git credentials of projects, too", async () => {
    await createProject("eu", "with-credentials", "dev")
    await createProject("eu", "without-credentials", "dev")
    const purpose = gitSecretPurpose("eu", "with-credentials")
    const sealed = await older.seal(purpose, "token")
    await env.DB_EU.prepare("update projects set git_secret = ? where name = 'with-credentials'").bind(sealed).run()
    expect(await resealSecrets(eu, both)).toEqual({ ...DONE, resealed: 1 })
    const { results } = await env.DB_EU.prepare("select git_secret from projects order by name").all()
    expect(results[1]).toEqual({ git_secret: null })
    expect(await newest.open(purpose, String(results[0]?.["git_secret"]))).toEqual({ outcome: "opened", text: "token" })
  })

  it("takes a few hundred in a run, and the rest in the next", async () => {
    const rows = await Promise.all(
      Array.from({ length: 350 }, async (_, index) => {
        const name = `many-${index}`
        return { name, sealed: await older.seal(secretPurpose("eu", name), String(index)) }
      }),
    )
    for (const { name, sealed } of rows) await put(name, sealed)
    expect(await resealSecrets(eu, both)).toEqual({ ...DONE, resealed: 300, remaining: 50 })
    expect(await resealSecrets(eu, both)).toEqual({ ...DONE, resealed: 50 })
    expect(await textOf("many-349", newest)).toBe("349")
  })

  it("takes a few of the largest in a run, and one at least", async () => {
    for (let index = 0; index < 4; index++) await putOld("x".repeat(1_100_000))
    expect(await resealSecrets(eu, both)).toEqual({ ...DONE, resealed: 2, remaining: 2 })
    expect(await resealSecrets(eu, both)).toEqual({ ...DONE, resealed: 2 })
  })

  it("leaves what no key opens, names it, and does the rest", async () => {
    const lost = await putOld("lost", keysOf(`${otherKey}`))
    const moved = newName()
    await put(moved, await older.seal(secretPurpose("us", moved), "moved"))
    const damaged = await putOld("damaged")
    await env.DB_EU.prepare("update secrets set sealed = sealed || 'AAAA' where name = ?").bind(damaged).run()
    const sound = await putOld("sound")
    const stored = await Promise.all([lost, moved, damaged].map(sealedOf))
    const report = await resealSecrets(eu, both)
    expect({ ...report, unreadable: report.unreadable.toSorted() }).toEqual({
      resealed: 1,
      remaining: 0,
      unreadable: [lost, moved, damaged].map((name) => `secret ${name}`).toSorted(),
    })
    expect(await Promise.all([lost, moved, damaged].map(sealedOf))).toEqual(stored)
    expect(await textOf(sound, newest)).toBe("sound")
    expect((await resealSecrets(eu, keysOf(`${newKey},${otherKey}`))).resealed).toBe(1)
    expect(await textOf(lost, newest)).toBe("lost")
  })

  it("leaves a secret as it is that is written meanwhile", async () => {
    const name = await putOld("before")
    const fresh = await newest.seal(secretPurpose("eu", name), "after")
    let batches = 0
    const racing = intercept(euBindings, async (call, run) => {
      // After it has read the secrets, before it writes them.
      if (call === "batch" && ++batches === 3) {
        await env.DB_EU.prepare("update secrets set sealed = ? where name = ?").bind(fresh, name).run()
      }
      return run()
    })
    await resealSecrets(openRegion(racing), both)
    expect(batches).toBeGreaterThanOrEqual(3)
    expect(await textOf(name, newest)).toBe("after")
  })
})

function edgeOf(secretKeys: SealingKeys | null): Edge {
  return createEdge({ ...loadConfig({ ...env }), secretKeys })
}

/** Creates a secret through an edge. */
async function write(edge: Edge, name: string): Promise<Response> {
  const body = JSON.stringify({ name, data: { k: "the-value" } })
  const request = new Request(`http://eu.api.localhost${secretPath}`, {
    method: "POST",
    headers: { "x-token": adminToken },
    body,
  })
  return edge.fetch(request, createExecutionContext())
}

describe("the scheduled job", () => {
  it("takes a region from one key to the other, and logs how many it has sealed", async () => {
    const log = captureLog()
    const name = newName()
    expect((await write(edgeOf(older), name)).status).toBe(201)
    expect(await textOf(name, newest)).toBe("unknown-key")
    await edgeOf(both).runJobs()
    await edgeOf(both).runJobs()
    expect(await textOf(name, newest)).toBe('{"k":"the-value"}')
    const lines = log.filter(({ fields }) => String(fields["event"]).includes("secrets"))
    expect(lines.map(({ level, fields }) => [level, fields])).toEqual([
      ["log", { event: "secrets-resealed", region: "eu", resealed: 1, remaining: 0 }],
    ])
    for (const { text } of log) expect(text).not.toContain("the-value")
  })

  it("logs an error when a key is missing, and goes on with its other work", async () => {
    const log = captureLog()
    const name = await putOld("text")
    await edgeOf(newest).runJobs()
    expect(log.map(({ level, fields }) => [level, fields])).toContainEqual([
      "error",
      { event: "unreadable-secrets", region: "eu", secrets: [`secret ${name}`] },
    ])
  })

  it("does nothing without keys", async () => {
    const log = captureLog()
    const name = await putOld("text")
    const sealed = await sealedOf(name)
    await edgeOf(null).runJobs()
    expect(await sealedOf(name)).toBe(sealed)
    expect(log.filter(({ fields }) => String(fields["event"]).includes("secrets"))).toEqual([])
  })
})
