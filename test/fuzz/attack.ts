/** Hostile requests are sent, each answer is looked at, and afterwards everything still has to work. */
import { afterAll, beforeAll, expect } from "vitest"
import { createProject, send } from "../support/client.ts"
import { isDone, storeExamples } from "../support/examples.ts"
import { auditProject } from "../support/integrity.ts"
import { captureLog, type LogLine } from "../support/log.ts"
import { type Operation, readOperations } from "../support/openapi.ts"
import { putExamples } from "../support/people.ts"
import { share } from "../support/property.ts"
import { exampleDraft, type HostileRequest, printed, requestOf, sendHostile } from "./requests.ts"
import { faultsOf } from "./sound.ts"

/** As many requests are on their way at once. */
const AT_ONCE = 8
/** The project of all examples, and one that none of them speaks of. */
const PROJECT = "sockshop"
const BYSTANDER = "bystander"
/** Its example takes the token of an invitation. */
const NEEDS_OTHER_TOKEN = ["activateMe"]

const regional = await readOperations("eu")
const identity = await readOperations("global")

/** Every operation, those that end something last: what they end has to be made again. */
export const operations = [...regional, ...identity].toSorted((a, b) => rank(a) - rank(b))

/** Operations with their names, for `describe.each`. */
export function eachOperation(chosen: (operation: Operation) => boolean = () => true): [string, Operation][] {
  return operations.filter(chosen).map((operation) => [operation.operationId, operation])
}

function rank({ method }: Operation): number {
  return method === "DELETE" ? 1 : 0
}

/**
 * Stores the examples before all tests of a file, and a project beside them. After the tests that one has to be the same, and what is
 * stored of the other has to fit together.
 */
export function useExamples(): void {
  let before: unknown
  beforeAll(async () => {
    await storeExamples(regional, sendExample)
    await createProject("eu", BYSTANDER, "dev")
    before = await bystander()
  })
  afterAll(async () => {
    expect(await bystander()).toEqual(before)
    await storeExamples(regional, sendExample)
    await auditProject(PROJECT)
  })
}

async function bystander(): Promise<unknown> {
  const history = await auditProject(BYSTANDER)
  const events = await send("eu", `/api/mongodb-datastore/event?project=${BYSTANDER}`)
  const project: unknown = await (await send("eu", `/api/controlPlane/v1/project/${BYSTANDER}`)).json()
  return { history, events: await events.json(), project }
}

/** Sends these, in the short form a share of them, and throws with everything that is wrong with any answer. */
export async function attackWith(operation: Operation, all: readonly HostileRequest[]): Promise<void> {
  const requests = share(all, operations.indexOf(operation))
  const log = captureLog()
  const faults: string[] = []
  for (let start = 0; start < requests.length; start += AT_ONCE) {
    const from = log.length
    const some = requests.slice(start, start + AT_ONCE)
    const found = await Promise.all(some.map((request) => attack(request, () => log.slice(from))))
    faults.push(...found.flatMap((fault) => fault ?? []))
  }
  expect(faults).toEqual([])
}

/** Sends one request. Answers what is wrong with the answer, with the request itself, or null. */
export async function attack(request: HostileRequest, readLog: () => readonly LogLine[]): Promise<string | null> {
  const faults = await attempt(request, readLog)
  return faults.length === 0 ? null : `${faults.join("; ")}\n  by ${printed(request)}`
}

async function attempt(request: HostileRequest, readLog: () => readonly LogLine[]): Promise<string[]> {
  try {
    const response = await sendHostile(request)
    return (await faultsOf(request, response, readLog())).map((fault) => `${response.status}: ${fault}`)
  } catch (error) {
    // What is answered is not what the documents say.
    return [String(error)]
  }
}

/** Expects that the example of an operation is answered as ever, once what it speaks of is there. */
export async function expectAnswered(operation: Operation): Promise<void> {
  if (NEEDS_OTHER_TOKEN.includes(operation.operationId) || isDone(await sendExample(operation))) return
  await (operation.host === "global" ? putExamples() : storeExamples(regional, sendExample))
  const response = await sendExample(operation)
  expect({ status: response.status, done: isDone(response) }).toEqual({ status: response.status, done: true })
}

async function sendExample(operation: Operation): Promise<Response> {
  return sendHostile(requestOf(await exampleDraft(operation)))
}
