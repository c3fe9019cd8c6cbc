/** A repeated request is answered as before only to a caller who still has the rights that it took. */
import { env } from "cloudflare:workers"
import { beforeAll, expect, it } from "vitest"
import { send } from "../support/client.ts"
import { edgeWith } from "../support/edge.ts"
import { storeExamples } from "../support/examples.ts"
import { type Operation, readOperations } from "../support/openapi.ts"
import { assignRole, createUser, issueToken } from "../support/people.ts"

/** What is changed in an example, because what it makes is there already. */
const ANEW: Record<string, [was: string, is: string]> = {
  createProject: ['"sockshop"', '"another"'],
  createSecret: ['"dynatrace"', '"another"'],
  createService: ['"carts"', '"another"'],
}
/** Git names the state that it starts from, and imported events their ids: a repetition of theirs changes nothing. */
const UNKEYED = ["gitUploadPack", "gitReceivePack", "importEvents"]

const regional = await readOperations("eu")
const operations = regional.filter(
  ({ method, requires, operationId }) =>
    (method === "POST" || method === "PATCH") && requires.on !== "token" && !UNKEYED.includes(operationId),
)

beforeAll(() =>
  storeExamples(regional, (operation) => {
    const { path, ...request } = operation.request()
    return send(operation.host, path, request)
  }),
)

// The isolate must not remember what the caller could do a moment ago.
const sendTo = edgeWith({ tokenCacheSeconds: 0 })

async function grantAll(user: string): Promise<void> {
  for (const roleName of ["Admin", "Creator"]) await assignRole(user, { roleName })
  await assignRole(user, { roleName: "Admin", entityTypeName: "Secrets" })
}

async function sendWithKey(operation: Operation, token: string, key: string): Promise<Response> {
  const { path, json, body, headers, method } = operation.request()
  const [was, is] = ANEW[operation.operationId] ?? ["", ""]
  const sent = json === undefined ? body : JSON.stringify(json).replace(was, is)
  return sendTo(`http://eu.api.localhost${path}`, {
    method: method ?? "POST",
    headers: {
      ...(json !== undefined && { "content-type": "application/json" }),
      ...headers,
      "x-token": token,
      "idempotency-key": key,
    },
    ...(sent !== undefined && { body: sent }),
  })
}

it("there are operations of every kind", () => {
  const kinds = new Set(operations.map(({ requires }) => requires.on))
  expect([...kinds].toSorted()).toEqual(expect.arrayContaining(["any-project", "body", "project", "secrets"]))
})

it.each(operations.map((one): [string, Operation] => [one.operationId, one]))(
  "%s is not answered again once the role is gone",
  async (_, operation) => {
    const user = await createUser()
    await grantAll(user)
    const token = await issueToken(user)
    const key = crypto.randomUUID()
    const first = await sendWithKey(operation, token, key)
    expect(first.status).toBeLessThan(300)
    const text = await first.text()
    await env.DB_GLOBAL.prepare("delete from role_assignments where subject_id = ?").bind(user).run()
    const refused = await sendWithKey(operation, token, key)
    // Keptn answers 400 and 500 where the project of an evaluation or a service is not there.
    expect([400, 403, 404, 500]).toContain(refused.status)
    expect(refused.headers.has("idempotent-replayed")).toBe(false)
    await grantAll(user)
    const again = await sendWithKey(operation, token, key)
    expect([again.status, await again.text()]).toEqual([first.status, text])
    // Files that stand already are no change, and no change needs no key.
    if (!/rites?[A-Z]|importPackage/.test(operation.operationId)) {
      expect(again.headers.get("idempotent-replayed")).toBe("true")
    }
  },
)
