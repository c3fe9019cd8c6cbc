/** Copies events: downloads what the source has, then imports it into the target, the oldest first. */
import { appendFileSync } from "node:fs"
import { z } from "zod"
import { ApiFailure } from "./http.ts"
import type { Progress } from "./progress.ts"
import type { Source } from "./source.ts"
import { Spool } from "./spool.ts"
import type { ProjectState } from "./state.ts"
import type { Target } from "./target.ts"

/** What became of the events: how many are new at the target, and how many it refused, the first of them with its reason. */
export interface EventsOutcome {
  copied: number
  refused: number
  firstRefusal: string | null
}

/**
 * How far the import is: lines up to `from` are imported, and of those up to `to`, in the order of their times, the first `done`. `project`
 * tells the target's project from one of the same name that was created later.
 */
const stateSchema = z.object({ project: z.string(), from: z.number(), to: z.number(), done: z.number() })

type ImportState = z.infer<typeof stateSchema>

/** What one request holds: below the target's limits. */
const PORTION = { events: 500, bytes: 2 * 1024 * 1024 }
const STATE = "import"
const REFUSED = "refused.jsonl"

/** Copies the events of a project. `project` tells the target's project from others of its name. */
export async function copyEvents(
  { source, target }: { source: Source; target: Target },
  name: string,
  project: string,
  state: ProjectState,
  progress: Progress,
): Promise<EventsOutcome> {
  const spool = await Spool.open(state)
  await spool.download(source, name, progress)
  const outcome: EventsOutcome = { copied: 0, refused: 0, firstRefusal: null }
  const position = readPosition(state, project, spool.count)
  while (position.from < spool.count) {
    if (position.from === position.to) position.to = spool.count
    const order = spool.oldestFirst(position.from, position.to)
    while (position.done < order.length) {
      progress.step("imports events", position.done, order.length)
      const portion = nextPortion(spool, order, position.done)
      await importPortion(target, name, spool.read(portion), state, outcome)
      position.done += portion.length
      state.write(STATE, position)
    }
    position.from = position.to
    position.done = 0
    state.write(STATE, position)
  }
  return outcome
}

function readPosition(state: ProjectState, project: string, count: number): ImportState {
  const noted = state.read(STATE, stateSchema)
  if (noted !== null && noted.project === project && noted.to <= count && noted.from <= noted.to) return noted
  return { project, from: 0, to: 0, done: 0 }
}

function nextPortion(spool: Spool, order: readonly number[], start: number): number[] {
  let bytes = 0
  const portion: number[] = []
  for (const number of order.slice(start, start + PORTION.events)) {
    bytes += spool.lengthOf(number)
    if (portion.length > 0 && bytes > PORTION.bytes) break
    portion.push(number)
  }
  return portion
}

/** Imports lines. Those that the target refuses are put aside: one that it can never take must not keep the others from coming. */
async function importPortion(
  target: Target,
  name: string,
  lines: readonly string[],
  state: ProjectState,
  outcome: EventsOutcome,
): Promise<void> {
  const open = [...lines]
  while (open.length > 0) {
    try {
      outcome.copied += await target.importEvents(name, open)
      return
    } catch (error) {
      const place = refusedPlace(error)
      const refused = place === null ? undefined : open[place]
      if (place === null || refused === undefined) throw error
      appendFileSync(state.path(REFUSED), `${refused}\n`, { mode: 0o600 })
      outcome.refused++
      outcome.firstRefusal ??= error instanceof Error ? error.message : null
      open.splice(place, 1)
    }
  }
}

/** Which line a refusal is about; null when it is about none, or about an archive, which would refuse many. */
function refusedPlace(error: unknown): number | null {
  if (!(error instanceof ApiFailure) || ![400, 413, 422].includes(error.status)) return null
  const [, line] = /^line (\d+)\b/.exec(error.reason) ?? []
  return line === undefined ? null : Number(line) - 1
}
