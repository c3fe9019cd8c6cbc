/**
 * Random operations, first one after the other, then by several clients at once, their calls to storage in an order that is drawn. All answers
 * must be those of the model (`model.ts`) in some order that respects who came before whom.
 */
import * as fc from "fast-check"
import { describe, expect, it } from "vitest"
import { z } from "zod"
import { auditProject } from "../support/integrity.ts"
import { trials } from "../support/property.ts"
import { anyOrder, interleave, type ScheduledClient, scheduledClient } from "../support/scheduled.ts"
import { query } from "../support/storage.ts"
import { type Done, linearize } from "./linearize.ts"
import { EMPTY, step } from "./model.ts"
import { Names } from "./names.ts"
import { observations, oldVersions, type Operation, PROJECTS } from "./operations.ts"
import { type Answer, perform } from "./perform.ts"
import { anyOperation } from "./random-operations.ts"

type Entry = Done<Operation<string>, Answer>

let runs = 0

/** What happened in one run, and its clock. */
class History {
  readonly names = new Names(++runs)
  readonly entries: Entry[] = []
  /** The commits that were seen, by project. */
  readonly #commits = new Map<string, string[]>()
  #clock = 0

  /** Has a client do its operations one after the other. */
  async run(number: number, client: ScheduledClient, plan: readonly Operation<number>[]): Promise<void> {
    for (const planned of plan) {
      const chosen = this.#named(planned)
      const sent = ++this.#clock
      const answer = await perform(client, this.names, chosen)
      this.entries.push({ client: number, operation: chosen, answer, sent, answered: ++this.#clock })
      if ("where" in chosen && answer.commit !== undefined) this.#note(chosen.where.project, answer.commit)
    }
  }

  /** Reads everything that stands. */
  async observe(client: ScheduledClient): Promise<void> {
    for (const project of PROJECTS.filter((one) => this.#isNamed(one))) {
      const from = this.entries.length
      await this.run(0, client, observations(project))
      const reads = this.entries.slice(from).flatMap(({ operation: one, answer: { uris = [] } }) => {
        if (one.kind !== "list") return []
        return uris.map((path) => ({ kind: "read" as const, where: one.where, path, commit: null }))
      })
      await this.run(0, client, [...reads, ...oldVersions(project)])
    }
  }

  #isNamed(project: string): boolean {
    return this.entries.some(({ operation: one }) => {
      const named = "where" in one ? one.where.project : "project" in one ? one.project : null
      return named === project
    })
  }

  #note(project: string, commit: string): void {
    const known = this.#commitsOf(project)
    if (!known.includes(commit)) this.#commits.set(project, [...known, commit])
  }

  #commitsOf(project: string): string[] {
    return this.#commits.get(project) ?? []
  }

  /** An operation that names a commit by its id: one of the last that were seen. */
  #named(planned: Operation<number>): Operation<string> {
    if (planned.kind !== "write" && planned.kind !== "read") return planned
    const known = this.#commitsOf(planned.where.project)
    const commit = planned.commit === null ? null : (known.at(-1 - (planned.commit % known.length)) ?? "0".repeat(40))
    return { ...planned, commit }
  }
}

/** A creation may be told that a project of the name is still being deleted, while one is. */
function isExcused({ operation: one, answer, sent, answered }: Entry, all: readonly Entry[]): boolean {
  if (one.kind !== "create-project" || answer.status !== 409) return false
  if (!answer.message?.includes("is still being deleted")) return false
  return all.some(
    (other) =>
      other.operation.kind === "delete-project" &&
      other.operation.project === one.project &&
      other.sent < answered &&
      sent < other.answered,
  )
}

function told(entries: readonly Entry[]): string {
  return entries
    .map(({ client, operation: one, answer, sent, answered }) => {
      return `${sent}-${answered} client ${client}: ${JSON.stringify(one)} -> ${JSON.stringify(answer)}`
    })
    .join("\n")
}

function expectExplained(entries: readonly Entry[]): void {
  const history = entries.filter((one) => !isExcused(one, entries)).toSorted((a, b) => a.sent - b.sent)
  const { explained, longest } = linearize(EMPTY, history, step)
  if (explained) return
  const left = history.filter((one) => !longest.includes(one)).slice(0, 10)
  throw new Error(`no order explains these answers.\nExplained:\n${told(longest)}\nNot any more:\n${told(left)}`)
}

const present = z.object({ n: z.number() })

/** What stands in the stores is sound, and what was begun is finished. */
async function expectSound(names: Names): Promise<void> {
  for (const project of PROJECTS.map((one) => names.full(one))) {
    const rows = await query(present, "select count(*) as n from projects where name = ?", project)
    if (rows[0]?.n === 1) await auditProject(project)
  }
  expect(await query(z.unknown(), "select * from role_changes")).toEqual([])
  expect(await query(z.unknown(), "select * from deleted_projects where cleared_at is null")).toEqual([])
}

const begin: Operation<number>[] = [{ kind: "create-project", project: "a" }]

describe("random operations", () => {
  it("one after the other are answered as the model says", async () => {
    const plan = fc.array(anyOperation, { minLength: 5, maxLength: 30 })
    const property = fc.asyncProperty(plan, async (operations) => {
      const history = new History()
      await history.run(0, scheduledClient(0), [...begin, ...operations])
      await history.observe(scheduledClient(0))
      expectExplained(history.entries)
      await expectSound(history.names)
    })
    await fc.assert(property, trials(15))
  })

  it("of several clients at once are answered as in some order of them", async () => {
    const prefix = fc.array(anyOperation, { maxLength: 5 })
    const clients = fc.array(fc.array(anyOperation, { minLength: 1, maxLength: 3 }), { minLength: 2, maxLength: 3 })
    const property = fc.asyncProperty(prefix, clients, anyOrder, async (before, plans, order) => {
      const history = new History()
      await history.run(0, scheduledClient(0), [...begin, ...before])
      await interleave(
        order,
        plans.map((plan, number) => (client) => history.run(number, client, plan)),
      )
      await history.observe(scheduledClient(0))
      expectExplained(history.entries)
      await expectSound(history.names)
    })
    await fc.assert(property, trials(30))
  })
})
