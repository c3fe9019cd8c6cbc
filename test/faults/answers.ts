/** What a caller has to be told when a call to storage goes wrong, and when the request is sent again. */
import { expect } from "vitest"
import { isGitPath, isIdentityPath } from "../../src/gateway/dialect.ts"
import { IDEMPOTENCY_KEY } from "../../src/gateway/idempotency.ts"
import type { LogLine } from "../support/log.ts"
import type { FaultKind, Outcome, SentRequest } from "./faulty-edge.ts"
import { withoutChance } from "./states.ts"

/** Not one transaction, as their documents say: what was done before a failure stays. */
const SEVERAL_CHANGES = new Set(["importPackage"])
/** Its token is good for one success: who lost the answer finds the invitation used. */
const SPENDS_TOKEN = "activateMe"
/** They are answered with success although something failed, and say what. */
const TELLS_OF_FAILURE: Record<string, RegExp> = {
  getStatus: /"reachable":false/,
  gitUploadPack: /the server failed while it sent the pack/,
}

/** What comes of a request when nothing goes wrong; ids that are not `known` are drawn by lot. */
export interface Usual {
  known: ReadonlySet<string>
  outcome: Outcome
}

/** Whether a request met with success. */
export function isDone(outcome: Outcome): boolean {
  return outcome.kind === "answer" && outcome.status < 400
}

/** Expects the usual answer, a clear 503, or, where the change is made and its answer lost, 409. `told` says of what this is. */
export function expectAnswer(
  request: SentRequest,
  outcome: Outcome,
  usual: Usual,
  kind: FaultKind,
  told: string,
): void {
  if (outcome.kind === "nothing") return expect.soft("an answer", told).toBe(outcome.kind)
  if (outcome.kind === "broken") return expect.soft(kind !== "slow" && isReader(request), told).toBe(true)
  const text = new TextDecoder().decode(outcome.body)
  if (outcome.status < 400 || kind === "slow") {
    if (kind !== "slow" && TELLS_OF_FAILURE[request.operationId]?.test(text)) return
    return expectUsual(outcome, usual, told)
  }
  const isRetried = outcome.status === 409 && IDEMPOTENCY_KEY in request.headers
  if (isSeveralChanges(request) && text.includes("this may be done or not; done: ")) {
    return expect.soft(outcome.status, `${told}: ${text}`).toBe(503)
  }
  const refusal = [outcome.status, outcome.headers.get("retry-after"), outcome.headers.get("content-type")]
  expect.soft(refusal, `${told}: ${text}`).toEqual([isRetried ? 409 : 503, "1", typeOf(request)])
  if (!isRetried) expect.soft(text, told).toContain("the storage failed or did not answer in time")
}

function expectUsual(outcome: Outcome, usual: Usual, told: string): void {
  const [seen, wanted] = [outcome, usual.outcome].map((one) =>
    one.kind === "nothing" ? null : [one.status, withoutChance(new TextDecoder().decode(one.body), usual.known)],
  )
  expect.soft(seen, told).toEqual(wanted)
}

function typeOf({ path }: SentRequest): string {
  if (isIdentityPath(path)) return "application/problem+json"
  return isGitPath(path) ? "text/plain" : "application/json"
}

/** Expects that whoever runs the installation is told what went wrong. */
export function expectLogged(outcome: Outcome, lines: readonly LogLine[], told: string): void {
  if (outcome.kind === "nothing" || outcome.status < 500) return
  const errors = lines.filter(({ level }) => level === "error").map(({ text }) => text)
  expect.soft(errors.join("\n"), told).toMatch(/is cut off|has not answered in/)
}

/** Expects success, with the usual answer, or to be told that all is done. */
export function expectRetried(request: SentRequest, outcome: Outcome, usual: Usual, told: string): void {
  if (outcome.kind === "nothing") return expect.soft("an answer", told).toBe(outcome.kind)
  const isSaid =
    (outcome.status === 409 && IDEMPOTENCY_KEY in request.headers) ||
    (request.method === "DELETE" && saysGone(outcome)) ||
    (outcome.status === 401 && request.operationId === SPENDS_TOKEN)
  const isRepeated = isReader(request) || IDEMPOTENCY_KEY in request.headers
  if (isDone(outcome) && isRepeated) expectUsual(outcome, usual, `${told}, again`)
  const text = `${told}, again: ${outcome.status} ${new TextDecoder().decode(outcome.body)}`
  expect.soft(outcome.kind === "answer" && (outcome.status < 400 || isSaid), text).toBe(true)
}

/** Keptn says it with 500 where its clients look for the text; the catalogue tells that from what is wrong with us. */
function saysGone({ status, headers }: Exclude<Outcome, { kind: "nothing" }>): boolean {
  return status === 404 || (headers.get("link") ?? "").includes("#keptn_failure")
}

/** Whether a part of what is asked can be done without the rest. */
export function isSeveralChanges({ operationId }: SentRequest): boolean {
  return SEVERAL_CHANGES.has(operationId)
}

/** Whether nothing is changed. Such an answer is sent while it is made: once it has begun, all that is left is to break it off. */
export function isReader({ method, operationId }: SentRequest): boolean {
  return method === "GET" || operationId === "gitUploadPack"
}
