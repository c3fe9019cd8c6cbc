/** Whose turn it is in a line, and what those that wait are told. */
import { describe, expect, it } from "vitest"
import { type Lead, type Served, TurnLines } from "../../src/partition/turn-line.ts"

const PATIENT = { inLine: 600_000, forLeader: 600_000 }
const LINE = "a branch"

/** Lines in which groups of up to three are served; whoever leads waits until `release` is called. Time passes when `clock` does. */
function lineOfThree(patience = PATIENT, clock = { time: 0 }) {
  const turns = new TurnLines<number, string>(
    (group) => group.length < 3,
    patience,
    () => clock.time,
  )
  const groups: number[][] = []
  const { promise: held, resolve: release } = Promise.withResolvers<void>()
  const lead: Lead<number, string> = async (group) => {
    groups.push([...group])
    await held
    return served(group, "did")
  }
  return { groups, release, take: (work: number, how = lead) => turns.take(LINE, work, how) }
}

function served(group: readonly number[], how: string): Map<number, Served<string>> {
  return new Map(group.map((work) => [work, { outcome: "served", result: `${how} ${work}` }]))
}

describe("a line", () => {
  it("serves all that came while another one led, in groups", async () => {
    const { groups, release, take } = lineOfThree()
    const all = [1, 2, 3, 4, 5, 6].map((work) => take(work))
    release()
    const expected = [1, 2, 3, 4, 5, 6].map((work) => ({ outcome: "served", result: `did ${work}` }))
    expect(await Promise.all(all)).toEqual(expected)
    expect(groups[0]).toEqual([1])
    expect(groups.flat().toSorted((a, b) => a - b)).toEqual([1, 2, 3, 4, 5, 6])
    expect(groups.every((group) => group.length <= 3)).toBe(true)
    // Six, of which one was alone: they would be six groups if nobody was served by another.
    expect(groups.length).toBeLessThan(6)
  })

  it("tells a group what its leader throws, and goes on with the next", async () => {
    const { take } = lineOfThree()
    const error = new Error("the leader failed")
    expect(await take(1, () => Promise.reject(error))).toEqual({ outcome: "failed", error })
    expect(await take(2, async (group) => served(group, "then did"))).toMatchObject({ result: "then did 2" })
  })

  it("tells who waited in vain that nothing was done", async () => {
    const clock = { time: 0 }
    const { groups, release, take } = lineOfThree({ inLine: 10, forLeader: 100 }, clock)
    const leader = take(1)
    const waiting = take(2)
    clock.time = 11
    expect(await waiting).toEqual({ outcome: "left-the-line" })
    release()
    await leader
    await take(3)
    expect(groups).toEqual([[1], [3]])
  })

  it("takes the turn of a leader that is not heard of any more, and tells its group that nobody knows", async () => {
    const clock = { time: 0 }
    const { release, take, groups } = lineOfThree({ inLine: 600_000, forLeader: 100 }, clock)
    const { promise: never } = Promise.withResolvers<never>()
    const opened = take(1)
    const [lost, member] = [take(2, () => never), take(3)]
    release()
    await opened
    const told = { isSo: false }
    void member.then(() => (told.isSo = true))
    while (!told.isSo) {
      clock.time += 1
      await scheduler.wait(1)
    }
    expect(await member).toEqual({ outcome: "leader-lost" })
    expect(await take(4)).toEqual({ outcome: "served", result: "did 4" })
    expect(groups).toEqual([[1], [4]])
    expect(await Promise.race([lost, Promise.resolve("still waits")])).toBe("still waits")
  })

  it("keeps a leader that goes on", async () => {
    const clock = { time: 0 }
    const { take } = lineOfThree({ inLine: 1000, forLeader: 50 }, clock)
    const slow: Lead<number, string> = async (group, goesOn) => {
      for (let sign = 0; sign < 10; sign++) {
        clock.time += 40
        goesOn()
        await scheduler.wait(10)
      }
      return served(group, "slowly did")
    }
    const first = take(1, slow)
    expect(await take(2, slow)).toMatchObject({ result: "slowly did 2" })
    expect(await first).toMatchObject({ result: "slowly did 1" })
  })
})
