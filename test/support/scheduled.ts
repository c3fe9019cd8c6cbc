/**
 * Clients whose calls to storage happen one at a time, in an order that fast-check draws: every interleaving of requests can happen, a failure
 * can be repeated from its seed, and shrinks. Each client has an edge of its own, as if it had met another isolate of the Worker.
 */
import { env } from "cloudflare:workers"
import * as fc from "fast-check"
import { adminToken, type TestRequest } from "./client.ts"
import { edgeWith } from "./edge.ts"
import { type Around, intercept } from "./intercept.ts"
import { euBindings } from "./partition.ts"

/** One who sends requests, to a host label and a path, as `send` does. */
export interface ScheduledClient {
  send: (label: string, path: string, request?: TestRequest) => Promise<Response>
}

/**
 * An order of calls: whose is next, and perhaps one client that after so many calls waits until nobody else has anything to do. What takes one
 * who is late by much would hardly ever be drawn otherwise.
 */
export interface Order {
  schedule: fc.Scheduler
  sleeper: { client: number; calls: number } | null
}

/** Any order of the calls of up to eight clients. */
export const anyOrder: fc.Arbitrary<Order> = fc.record({
  schedule: fc.scheduler(),
  sleeper: fc.option(fc.record({ client: fc.nat({ max: 7 }), calls: fc.nat({ max: 8 }) }), { freq: 2 }),
})

/** No call waits for its turn so long that it fails for that. */
const STORAGE_TIMEOUT = 24 * 60 * 60 * 1000

/** A client and where its work stands. */
class Actor implements ScheduledClient {
  readonly send: ScheduledClient["send"]
  readonly #name: string
  #schedule: fc.Scheduler | null = null
  #waiting = 0
  #running = 0
  /** After so many calls it sleeps. */
  #callsLeft = Infinity
  #sleep: PromiseWithResolvers<void> | null = null

  constructor(name: string) {
    this.#name = name
    const around: Around = (call, run) => this.#pass(call, run)
    const regions = new Map([["eu", intercept(euBindings, around)]])
    const { database: directory } = intercept({ ...euBindings, database: env.DB_GLOBAL }, around)
    const sendToEdge = edgeWith({ regions, directory, storageTimeout: STORAGE_TIMEOUT })
    this.send = (label, path, { method, json, headers: given, token = adminToken, body: bytes } = {}) => {
      const headers = new Headers(given)
      if (token !== null) headers.set("x-token", token)
      if (json !== undefined) headers.set("content-type", "application/json")
      const body = json === undefined ? bytes : JSON.stringify(json)
      const verb = method ?? (body === undefined ? "GET" : "POST")
      return sendToEdge(`http://${label}.api.localhost${path}`, {
        method: verb,
        headers,
        ...(body !== undefined && { body }),
      })
    }
  }

  /** From now on calls wait until `schedule` lets them pass. */
  follow(schedule: fc.Scheduler, callsBeforeSleep: number): void {
    this.#schedule = schedule
    this.#callsLeft = callsBeforeSleep
  }

  /** From now on calls wait for nobody. */
  unfollow(): void {
    this.#schedule = null
  }

  /** Whether nothing happens until a call of this client may pass. */
  get isHeld(): boolean {
    return this.#waiting > 0 && this.#running === 0
  }

  wake(): void {
    this.#sleep?.resolve()
    this.#sleep = null
  }

  async #pass(call: string, run: () => Promise<unknown>): Promise<unknown> {
    if (this.#schedule) {
      this.#waiting++
      if (this.#callsLeft === 0) this.#sleep = Promise.withResolvers()
      this.#callsLeft--
      await this.#sleep?.promise
      await this.#schedule.schedule(Promise.resolve(), `${this.#name} ${call}`)
      this.#waiting--
    }
    this.#running++
    try {
      return await run()
    } finally {
      this.#running--
    }
  }
}

const actors: Actor[] = []

/** The client of a number. Its calls wait for nobody but while `interleave` runs. */
export function scheduledClient(number: number): ScheduledClient {
  return actorOf(number)
}

function actorOf(number: number): Actor {
  return (actors[number] ??= new Actor(`client ${number}`))
}

/** Runs what so many clients do, at once, in an order of their calls to storage, and answers what came of each. */
export async function interleave<T>(
  { schedule, sleeper }: Order,
  works: readonly ((client: ScheduledClient) => Promise<T>)[],
): Promise<T[]> {
  const live = new Set<Actor>()
  const begun: Promise<T>[] = []
  for (const [number, work] of works.entries()) {
    const actor = actorOf(number)
    actor.follow(schedule, sleeper?.client === number ? sleeper.calls : Infinity)
    live.add(actor)
    begun.push(
      work(actor).finally(() => {
        live.delete(actor)
        actor.unfollow()
      }),
    )
    // One after the other, so that a schedule always finds the same calls in the same order.
    await untilHeld(live)
  }
  const all = Promise.allSettled(begun)
  while (live.size > 0) {
    if (schedule.count() > 0) await schedule.waitNext(1)
    else for (const actor of live) actor.wake()
    await untilHeld(live)
  }
  await all
  return Promise.all(begun)
}

/** How many turns of the event loop everybody has to be held for: a request can make several calls at once. */
const CALM_TURNS = 2

async function untilHeld(live: ReadonlySet<Actor>): Promise<void> {
  for (let calm = 0; calm < CALM_TURNS;) {
    await scheduler.wait(0)
    calm = [...live].every((actor) => actor.isHeld) ? calm + 1 : 0
  }
}
