/** What is stored for the requests that faults are tried on, and from which state each of them is answered with success. */
import { beforeAll, expect } from "vitest"
import { z } from "zod"
import { exampleDraft, requestOf, sendHostile } from "../fuzz/requests.ts"
import { send } from "../support/client.ts"
import { storeExamples } from "../support/examples.ts"
import type { Operation } from "../support/openapi.ts"
import { restoreStores, type SavedStores, saveStores } from "../support/stores.ts"
import { attempt, type SentRequest } from "./faulty-edge.ts"
import { storeProject } from "./further-requests.ts"
import { isLongForm } from "./chosen.ts"
import { type Probe, tryFaults } from "./trial.ts"

/** What is stored when all is, and before each request that makes a part of that. */
const before = new Map<string, SavedStores>()
let full: SavedStores | undefined
let invitation = ""

/** Stores everything once, before all tests of a file. */
export function useSubjects(regional: readonly Operation[]): void {
  beforeAll(async () => {
    if (regional.length > 0) await storeProject()
    const sent = { email: "invited@example.com" }
    const invited = await send("global", "/v3/invites", { json: sent })
    invitation = z.object({ activation_token: z.string() }).parse(await invited.json()).activation_token
    let state = await saveStores()
    await storeExamples(regional, async (operation) => {
      const response = await sendHostile(requestOf(await exampleDraft(operation)))
      if (response.ok) {
        if (!before.has(operation.operationId)) before.set(operation.operationId, state)
        state = await saveStores()
      }
      return response
    })
    full = await saveStores()
  })
}

/** The request as it can be sent, and the state in which it meets with success. Throws when there is none. */
export async function probeOf(what: string, request: SentRequest): Promise<Probe> {
  const headers = request.operationId === "activateMe" ? { ...request.headers, "x-token": invitation } : request.headers
  const sent = { ...request, headers }
  for (const start of [full, before.get(request.operationId)]) {
    if (start === undefined) continue
    await restoreStores(start)
    const { outcome, end } = await attempt(sent)
    await end()
    if (outcome.kind === "answer" && outcome.status < 400) return { what, request: sent, start }
  }
  throw new Error(`${what} cannot be done`)
}

/** Tries faults on the example of an operation; in the long form also on the same with all that can be asked besides. */
export async function tryOperation(operation: Operation): Promise<void> {
  const { operationId, optionalQueries } = operation
  const draft = await exampleDraft(operation)
  expect(await tryFaults(await probeOf(operationId, requestOf(draft)))).toBeGreaterThan(0)
  if (!isLongForm() || optionalQueries.length === 0) return
  await tryFaults(
    await probeOf(`${operationId} with all parameters`, requestOf({ ...draft, queries: optionalQueries })),
  )
}
