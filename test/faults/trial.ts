/** One request, once for each of its calls to storage and each way in which that can go wrong. */
import { env } from "cloudflare:workers"
import { expect, vi } from "vitest"
import { z } from "zod"
import { createEdge } from "../../src/app.ts"
import { loadConfig } from "../../src/config.ts"
import { IDEMPOTENCY_KEY, mindsKey } from "../../src/gateway/idempotency.ts"
import { auditProject } from "../support/integrity.ts"
import { captureLog, type LogLine } from "../support/log.ts"
import { query } from "../support/storage.ts"
import { emptyCache } from "../support/empty-stores.ts"
import { readStores, restoreStores, type SavedStores } from "../support/stores.ts"
import { expectAnswer, expectLogged, expectRetried, isDone, isReader, isSeveralChanges, type Usual } from "./answers.ts"
import { chosenFaults } from "./chosen.ts"
import { attempt, type FaultKind, type SentRequest } from "./faulty-edge.ts"
import { differences, idsIn, idsInStores, type State, stateOf, withoutEnds } from "./states.ts"

/** A request, and what has to be stored for it to be answered with success. */
export interface Probe {
  what: string
  request: SentRequest
  start: SavedStores
}

/** What comes of a request when nothing goes wrong, and what is stored then. */
interface Reference extends Usual {
  state: State
}

/** After this time, in milliseconds, jobs take up what a failure has left. */
const ABANDONED = 10 * 60_000
const EDGE = createEdge(loadConfig({ ...env }))

/** Tries the faults that are chosen, on every call that the request makes. Answers how many. */
export async function tryFaults(probe: Probe): Promise<number> {
  const log = captureLog()
  const { reference, calls } = await doneOnce(probe)
  let tried = 0
  for (const [index, call] of calls.entries()) {
    // The platform moves these bytes itself: whoever reads them has to lose patience.
    const isMoved =
      call === "stream" && reference.outcome.kind === "answer" && reference.outcome.headers.has("accept-ranges")
    for (const kind of chosenFaults(probe.what, index + 1, !isReader(probe.request))) {
      if (isMoved && kind === "never") continue
      const from = log.length
      const told = `${probe.what}: ${call} (call ${index + 1}), ${kind}`
      await tryFault(probe, reference, { number: index + 1, kind }, told, () => log.slice(from))
      tried++
    }
  }
  return tried
}

async function doneOnce(probe: Probe): Promise<{ reference: Reference; calls: readonly string[] }> {
  await restoreStores(probe.start)
  const known = idsInStores(await readStores()).union(idsIn(JSON.stringify(probe.request)))
  const { outcome, calls, end } = await attempt(withKey(probe.request))
  await end()
  expect(outcome.kind === "answer" && outcome.status < 400, `${probe.what}: ${JSON.stringify(outcome)}`).toBe(true)
  return { reference: { known, outcome, state: stateOf(await readStores(), known) }, calls }
}

async function tryFault(
  { request, start }: Probe,
  reference: Reference,
  fault: { number: number; kind: FaultKind },
  told: string,
  readLog: () => readonly LogLine[],
): Promise<void> {
  await (isReader(request) ? emptyCache(env.CACHE_EU) : restoreStores(start))
  const keyed = withKey(request)
  const first = await attempt(keyed, fault)
  expectAnswer(keyed, first.outcome, reference, fault.kind, told)
  expectLogged(first.outcome, readLog(), told)
  if (!isReader(request) && isDone(first.outcome)) await expectState(reference, `${told}, at once`)
  if (fault.kind !== "late") await first.end()
  const again = await attempt(keyed)
  await again.end()
  await first.end()
  expectRetried(keyed, again.outcome, reference, told)
  const isPart = isSeveralChanges(request) && !isDone(again.outcome)
  if (!isReader(request)) await expectState(reference, `${told}, in the end`, isPart)
}

function withKey(request: SentRequest): SentRequest {
  if (!mindsKey(request.method, request.path)) return request
  return { ...request, headers: { ...request.headers, [IDEMPOTENCY_KEY]: crypto.randomUUID() } }
}

/** What is stored is what one execution leaves, or a part of it; where jobs have work to do, once they have done it. */
async function expectState(reference: Reference, told: string, isPart = false): Promise<void> {
  const state = stateOf(await readStores(), reference.known)
  if (differences(state, reference.state).length === 0) return
  vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + ABANDONED })
  await EDGE.runJobs().finally(() => vi.useRealTimers())
  const settled = stateOf(await readStores(), reference.known)
  if (!isPart) return expect.soft(differences(settled, reference.state), told).toEqual([])
  const more = differences(withoutEnds(settled), withoutEnds(reference.state)).filter((row) => row.startsWith("+"))
  expect.soft(more, told).toEqual([])
  for (const { name } of await projects()) await auditProject(name)
}

function projects(): Promise<{ name: string }[]> {
  return query(z.object({ name: z.string() }), "select name from projects")
}
