/** An edge on whose storage one call does not go as it should. */
import { createExecutionContext, waitOnExecutionContext } from "cloudflare:test"
import { env } from "cloudflare:workers"
import { createEdge, type Edge } from "../../src/app.ts"
import { loadConfig } from "../../src/config.ts"
import { adminToken } from "../support/client.ts"
import { expectDocumented } from "../support/contract.ts"
import { Fault, interceptAll, interceptDatabase, type LesserCall, type StorageCall } from "../support/intercept.ts"
import { PATIENCE_MS } from "../support/patience.ts"

/** A request as it is sent. */
export interface SentRequest {
  operationId: string
  label: string
  method: string
  path: string
  headers: Record<string, string>
  body: string | Uint8Array<ArrayBuffer> | null
}

/**
 * What becomes of a call: it fails before it is done, or after that so that only its answer is lost; it is slow; it never returns while
 * anybody waits for it, and fails then, or is done when everything is over and was tried again.
 */
export type FaultKind = "before" | "after" | "slow" | "never" | "late"

/** What a caller gets: an answer, one whose body breaks off, or nothing in all the time that a test has. */
export type Outcome =
  | { kind: "answer" | "broken"; status: number; headers: Headers; body: Uint8Array<ArrayBuffer> }
  | { kind: "nothing" }

/** A request to which something happens. */
export interface Attempt {
  outcome: Outcome
  /** The calls that were made before the caller had its answer. */
  calls: readonly (StorageCall | LesserCall)[]
  /** Lets go of the call that did not return, and waits for what the edge does after the answer. */
  end: () => Promise<void>
}

const config = { ...loadConfig({ ...env }), tokenCacheSeconds: 0 }

/** How long a slow call takes, and how long one may take where it never returns; in milliseconds. */
const SLOW = 20
const TIME_OUT = 50

type Around = (call: StorageCall | LesserCall, run: () => Promise<unknown>) => Promise<unknown>

let current: Around = (_, run) => run()

const patient = edgeOn(config.storageTimeout)
const impatient = edgeOn(TIME_OUT)

/** An edge that looks every token up, so that this is one of the calls of every request. */
function edgeOn(storageTimeout: number): Edge {
  const regions = new Map(
    [...config.regions].map(([region, bindings]) => [region, interceptAll(bindings, (...call) => current(...call))]),
  )
  const directory = interceptDatabase(config.directory, (call, run) => current(call, run))
  return createEdge({ ...config, storageTimeout, regions, directory })
}

/** Sends a request while its call of this number (from 1) goes wrong; with `fault` null all goes well. */
export async function attempt(
  request: SentRequest,
  fault: { number: number; kind: FaultKind } | null = null,
): Promise<Attempt> {
  const calls: (StorageCall | LesserCall)[] = []
  const released = Promise.withResolvers<void>()
  let waits = true
  current = async (call, run) => {
    if (!waits || calls.push(call) !== fault?.number) return run()
    if (fault.kind === "after") await run()
    if (fault.kind === "slow") await scheduler.wait(SLOW)
    if (fault.kind === "never" || fault.kind === "late") await released.promise
    if (fault.kind === "slow" || fault.kind === "late") return run()
    throw new Fault(`${call} is cut off`)
  }
  const context = createExecutionContext()
  const edge = fault?.kind === "never" || fault?.kind === "late" ? impatient : patient
  const outcome = await Promise.race([outcomeOf(edge, request, forgiving(context)), nothing()])
  waits = false
  const end = async () => {
    released.resolve()
    if (outcome.kind !== "nothing") await waitOnExecutionContext(context)
  }
  return { outcome, calls, end }
}

/** A context in which work behind the answer may fail, as it may on the platform. */
function forgiving(context: ExecutionContext): ExecutionContext {
  return new Proxy(context, {
    get(real, name) {
      if (name === "waitUntil") return (task: Promise<unknown>) => real.waitUntil(task.catch(() => undefined))
      return Reflect.get(real, name, real)
    },
  })
}

async function nothing(): Promise<Outcome> {
  await scheduler.wait(PATIENCE_MS)
  return { kind: "nothing" }
}

async function outcomeOf(edge: Edge, sent: SentRequest, context: ExecutionContext): Promise<Outcome> {
  const { label, method, path, body } = sent
  const headers = new Headers(sent.headers)
  if (!headers.has("x-token")) headers.set("x-token", adminToken)
  const url = `http://${label}.api.localhost${path}`
  const response = await edge.fetch(new Request(url, { method, headers, ...(body !== null && { body }) }), context)
  const told = { status: response.status, headers: response.headers }
  const bytes = await response.arrayBuffer().then(
    (buffer) => new Uint8Array(buffer),
    () => null,
  )
  if (bytes === null) return { kind: "broken", ...told, body: new Uint8Array() }
  const whole = new Response(bytes.length === 0 ? null : bytes, told)
  await expectDocumented(new Request(url, { method }), whole)
  return { kind: "answer", ...told, body: bytes }
}
