/** Requests of several callers at once, their calls to storage in an order that is drawn. */
import * as fc from "fast-check"
import { vi } from "vitest"
import { clientAt } from "../support/address.ts"
import { send, type TestRequest } from "../support/client.ts"
import { trials } from "../support/property.ts"
import { anyOrder, interleave, type Order } from "../support/scheduled.ts"

/** So many callers want the same at once. */
export const CALLERS = Array.from({ length: 8 }, (_, index) => index)

let scenes = 0

/** Plays a scene under so many orders of its calls to storage. Each time it is given a name that nothing else has. */
export async function underAnyOrder(
  short: number,
  scene: (name: string, order: Order) => Promise<void>,
): Promise<void> {
  // Thousands of requests are logged; what failed is told by the property.
  const log = vi.spyOn(console, "log").mockImplementation(() => undefined)
  const play = fc.asyncProperty(anyOrder, (order) => scene(`scene-${++scenes}`, order))
  try {
    await fc.assert(play, trials(short))
  } finally {
    log.mockRestore()
  }
}

/** A request as it is raced: host label, path, and the rest. */
export type Raced = readonly [label: string, path: string, request: TestRequest]

/** Sends requests, each by a client of its own, at once. */
export function atOnce(order: Order, requests: readonly Raced[]): Promise<Response[]> {
  return interleave(
    order,
    requests.map(
      ([label, path, request]) =>
        (client) =>
          client.send(label, path, request),
    ),
  )
}

/** A request with the statuses that it may be answered with. */
export interface Told {
  request: Raced
  answers: readonly number[]
}

/** Sends requests at once; each must be answered as it may be. */
export async function race(order: Order, requests: readonly Told[]): Promise<Response[]> {
  const sent = requests.map(({ request }) => request)
  const responses = await atOnce(order, sent)
  const allowed = requests.map(({ answers }) => answers)
  expectOnly(responses, allowed)
  return responses
}

/** The statuses of responses, in their order, must be among those that are allowed. */
export function expectOnly(responses: readonly Response[], allowed: readonly (readonly number[])[]): void {
  const wrong = responses.flatMap(({ status }, index) =>
    allowed[index]?.includes(status) ? [] : [`request ${index} was answered ${status}`],
  )
  if (wrong.length > 0) throw new Error(wrong.join(", "))
}

/** How often each status was answered. */
export function tally(responses: readonly Response[]): Record<number, number> {
  const counts: Record<number, number> = {}
  for (const { status } of responses) counts[status] = (counts[status] ?? 0) + 1
  return counts
}

/** The status that a token gets from an isolate that does not remember it. */
export async function statusOf(token: string): Promise<number> {
  return (await send("eu", "/api/v1/metadata", { token, headers: clientAt() })).status
}
