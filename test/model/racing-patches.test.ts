/**
 * Many who change different members of one thing at once, under any order of their calls to storage: nobody's change is lost, and the audit trail
 * tells of each what it found and what it left.
 */
import { env } from "cloudflare:workers"
import { describe, expect, it } from "vitest"
import { z } from "zod"
import { ask, create, newAccount, withId } from "../support/identity.ts"
import { readOperations } from "../support/openapi.ts"
import { createUser, issueToken } from "../support/people.ts"
import { atOnce, CALLERS, type Raced, tally, underAnyOrder } from "./racing.ts"

type Members = Record<string, unknown>

/** An operation that changes something: what is made for it, and the bodies that the callers send, each of one member. */
interface Patch {
  operationId: string
  make: (name: string) => Promise<{ path: string; id: string }>
  body: (caller: number) => Members
  /** How the audit trail calls a member that it does not call as the API does. */
  audited?: Record<string, string>
}

const eitherOf = (one: string, other: string) => (caller: number) => ({
  [caller % 2 === 0 ? one : other]: `of ${caller}`,
})

const patches: Patch[] = [
  {
    operationId: "updateUser",
    make: async () => placeOf("/v3/users", await createUser()),
    body: eitherOf("full_name", "preferred_name"),
    audited: { full_name: "fullName", preferred_name: "preferredName" },
  },
  {
    operationId: "updateTeam",
    make: async (name) => placeOf("/v3/teams", await create("/v3/teams", { name, labels: { by: "nobody" } })),
    body: (caller) =>
      [{ name: `of ${caller}` }, { description: `of ${caller}` }, { labels: { by: `${caller}` } }][caller % 3] ?? {},
  },
  {
    operationId: "updateSystemAccount",
    make: async (name) => placeOf("/v3/system-accounts", await create("/v3/system-accounts", { name })),
    body: (caller) => (caller % 2 === 0 ? { name: crypto.randomUUID() } : { description: `of ${caller}` }),
  },
  {
    operationId: "renameSystemAccountAccessToken",
    make: async (name) => {
      const { id, tokenId } = await newAccount(name)
      return placeOf(`/v3/system-accounts/${id}/access-tokens`, tokenId)
    },
    body: (caller) => ({ name: `of ${caller}` }),
  },
  {
    operationId: "renameUserAccessToken",
    make: async () => {
      const [user, id] = [await createUser(), crypto.randomUUID()]
      await issueToken(user, { id })
      return placeOf(`/v3/users/${user}/access-tokens`, id)
    },
    body: (caller) => ({ name: `of ${caller}` }),
  },
]

/** Operations that change something and take no body: they are raced in racing-directory.test.ts. */
const WITHOUT_BODY = ["revokeUserAccessToken", "revokeSystemAccountAccessToken"]
/** Keptn's gateway takes every method for the check of a token, which changes nothing. */
const CHANGES_NOTHING = ["checkAuthenticationByPatch"]

describe.each(patches)("eight who at once ask for $operationId", ({ make, body, audited = {} }) => {
  it("are each answered 200: every member is that of somebody who sent it, and the trail has every step", () =>
    underAnyOrder(6, async (name, order) => {
      const { path, id } = await make(name)
      const before = await ask(path, withId)
      const bodies = CALLERS.map(body)
      const requests = bodies.map((json): Raced => ["global", path, { method: "PATCH", json }])
      expect(tally(await atOnce(order, requests))).toEqual({ 200: 8 })
      const after = await ask(path, withId)
      const steps = await stepsOf(id)
      expect(steps).toHaveLength(CALLERS.length)
      for (const member of new Set(bodies.flatMap((one) => Object.keys(one)))) {
        const sent = bodies.flatMap((one) => (member in one ? [one[member]] : []))
        expect(sent).toContainEqual(after[member])
        const told = audited[member] ?? member
        const ofMember = steps.filter((step) => told in step.after)
        expect(ofMember).toHaveLength(sent.length)
        const found = ofMember.map((step) => step.before[told])
        const left = ofMember.map((step) => step.after[told])
        expect(found).toEqual([before[member], ...left.slice(0, -1)])
        expect(left.at(-1)).toEqual(after[member])
      }
      for (const step of steps) expect(Object.keys(step.before)).toEqual(Object.keys(step.after))
    }))
})

it("every operation that is a PATCH is raced", async () => {
  const operations = [...(await readOperations("global")), ...(await readOperations("eu"))]
  const found = operations.filter(({ method }) => method === "PATCH").map(({ operationId }) => operationId)
  const raced = [...patches.map(({ operationId }) => operationId), ...WITHOUT_BODY, ...CHANGES_NOTHING]
  expect(found.toSorted()).toEqual(raced.toSorted())
})

it("a change of nothing changes nothing, and leaves no entry", async () => {
  const { path, id } = placeOf("/v3/teams", await create("/v3/teams", { name: "still" }))
  const before = await ask(path, withId)
  expect(await ask(path, withId, { method: "PATCH", json: {} })).toEqual(before)
  expect(await stepsOf(id)).toEqual([])
})

function placeOf(path: string, id: string) {
  return { path: `${path}/${id}`, id }
}

const members = z.string().transform((text) => z.record(z.string(), z.unknown()).parse(JSON.parse(text)))
const stepSchema = z.object({ before: members, after: members })

/** What the trail tells of each change of something, in the order of the changes. */
async function stepsOf(id: string): Promise<z.infer<typeof stepSchema>[]> {
  const sql = "select before, after from audit_log where entity_id = ? and action = 'update' order by id"
  const { results } = await env.DB_GLOBAL.prepare(sql).bind(id).all()
  return z.array(stepSchema).parse(results)
}
