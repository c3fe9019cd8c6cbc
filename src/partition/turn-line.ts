/**
 * How the requests of one isolate take turns: whose turn it is does the work of those that wait behind it, too. They would only be in each
 * other's way.
 *
 * Requests share nothing but plain values here. One that waits looks again by a timer of its own, because the platform may cancel the request
 * that it waits for, and because not every runtime lets a request go on when another one resolves its promise. Where it does, it is
 * woken at once.
 */

/** How long requests wait, in milliseconds. */
export interface Patience {
  /** So long in the line; after it, nothing was done. */
  inLine: number
  /** So long for whoever does the work, since it was last heard of. After it nobody knows what was done. */
  forLeader: number
}

/** What one who waits is told when nobody did its work, or nobody says whether it was done. */
export type NotServed = { outcome: "left-the-line" } | { outcome: "leader-lost" }

/** What became of the work of one in the line. */
export type Served<Outcome> = { outcome: "served"; result: Outcome } | { outcome: "failed"; error: unknown }

/** Those whose work is done together, the leader first. */
export type Group<Work> = readonly [Work, ...Work[]]

/** Does the work of a group, and answers what became of each. `goesOn` tells those who wait that it is alive. */
export type Lead<Work, Outcome> = (
  group: Group<Work>,
  goesOn: () => void,
) => Promise<ReadonlyMap<Work, Served<Outcome>>>

interface Place<Work, Outcome> {
  work: Work
  served: Served<Outcome> | null
  leader: Leader | null
  wake: () => void
}

interface Leader {
  heardAt: number
}

interface Line<Work, Outcome> {
  waiting: Place<Work, Outcome>[]
  leader: Leader | null
}

/**
 * Whether a request may resolve what another one awaits. Without this flag the other one would go on in the context of the first, and hang.
 * Scripts, which open partitions in Node, have nobody to wake.
 */
const CAN_WAKE =
  typeof Cloudflare !== "undefined" && Cloudflare.compatibilityFlags["handle_cross_request_promise_resolution"] === true

/** The first and the longest time between two looks, in milliseconds. */
const LOOK_AGAIN = { first: 8, longest: 250 }

/** Lines by the name of what is waited for. */
export class TurnLines<Work, Outcome> {
  readonly #lines = new Map<string, Line<Work, Outcome>>()
  readonly #mayJoin: (group: readonly Work[], next: Work) => boolean
  readonly #patience: Patience
  readonly #now: () => number

  /** `mayJoin`: whether the work of `next` can be done together with that of `group`. `now` answers milliseconds. */
  constructor(mayJoin: (group: readonly Work[], next: Work) => boolean, patience: Patience, now = Date.now) {
    this.#mayJoin = mayJoin
    this.#patience = patience
    this.#now = now
  }

  /** Waits for a turn in the line of this `name` and has `work` done: by `lead`, together with that of others, or by one of them. */
  async take(name: string, work: Work, lead: Lead<Work, Outcome>): Promise<Served<Outcome> | NotServed> {
    const line = this.#lines.get(name) ?? { waiting: [], leader: null }
    this.#lines.set(name, line)
    const place: Place<Work, Outcome> = { work, served: null, leader: null, wake: () => undefined }
    line.waiting.push(place)
    const cameAt = this.#now()
    for (let pause = LOOK_AGAIN.first; ; pause = Math.min(2 * pause, LOOK_AGAIN.longest)) {
      if (place.served) return place.served
      if (place.leader === null && !this.#isLed(line)) return this.#lead(name, line, place, lead)
      if (place.leader && this.#isLost(place.leader)) return { outcome: "leader-lost" }
      if (place.leader === null && this.#now() - cameAt > this.#patience.inLine) {
        line.waiting.splice(line.waiting.indexOf(place), 1)
        return { outcome: "left-the-line" }
      }
      const { promise: woken, resolve } = Promise.withResolvers<void>()
      if (CAN_WAKE) place.wake = resolve
      await Promise.race([woken, scheduler.wait(pause)])
    }
  }

  #isLed({ leader }: Line<Work, Outcome>): boolean {
    return leader !== null && !this.#isLost(leader)
  }

  #isLost({ heardAt }: Leader): boolean {
    return this.#now() - heardAt > this.#patience.forLeader
  }

  async #lead(
    name: string,
    line: Line<Work, Outcome>,
    place: Place<Work, Outcome>,
    lead: Lead<Work, Outcome>,
  ): Promise<Served<Outcome>> {
    const leader = { heardAt: this.#now() }
    line.leader = leader
    const group = this.#group(line, place)
    for (const member of group) member.leader = leader
    const goesOn = () => {
      leader.heardAt = this.#now()
    }
    const ends = await endsOf(lead, group, goesOn)
    for (const member of group) {
      member.served = ends(member.work)
      member.wake()
    }
    if (line.waiting.length > 0) await scheduler.wait(0)
    this.#stepDown(name, line, leader)
    return ends(place.work)
  }

  /** Takes the leader, and those behind it for as long as each may join, out of the line. */
  #group(line: Line<Work, Outcome>, first: Place<Work, Outcome>): Group<Place<Work, Outcome>> {
    const others = line.waiting.filter((place) => place !== first)
    const works = [first.work]
    for (const { work } of others) {
      if (!this.#mayJoin(works, work)) break
      works.push(work)
    }
    line.waiting = others.slice(works.length - 1)
    return [first, ...others.slice(0, works.length - 1)]
  }

  #stepDown(name: string, line: Line<Work, Outcome>, leader: Leader): void {
    // Another one may lead by now, who took this one for lost.
    if (line.leader === leader) line.leader = null
    line.waiting[0]?.wake()
    if (line.waiting.length === 0 && line.leader === null) this.#lines.delete(name)
  }
}

/** Has the work of a group done; answers how to find what became of each. */
async function endsOf<Work, Outcome>(
  lead: Lead<Work, Outcome>,
  [first, ...others]: Group<Place<Work, Outcome>>,
  goesOn: () => void,
): Promise<(work: Work) => Served<Outcome>> {
  try {
    const served = await lead([first.work, ...others.map(({ work }) => work)], goesOn)
    return (work) => served.get(work) ?? { outcome: "failed", error: new Error("a leader forgot one of its group") }
  } catch (error) {
    return () => ({ outcome: "failed", error })
  }
}
