/** Events from elsewhere, stored with the ids and times that they have, as if they had been sent here at their time. */
import { eq, inArray, type SQL, sql } from "drizzle-orm"
import { isKeyTaken } from "../lib/sqlite-errors.ts"
import { jsonChunks, valuesOf } from "./bulk.ts"
import type { Statement } from "./commit.ts"
import { archiveMark, type Portion } from "./event-archive.ts"
import { countEvents } from "./event-counts.ts"
import { textOf } from "./events.ts"
import type { Database, Partition } from "./partition.ts"
import { pauseBeforeRetry } from "./retry.ts"
import { events, jobCursors, type KeptnEvent, projects } from "./schema.ts"
import { noteServiceEvents } from "./service-events.ts"

/**
 * What became of an import. `archived`: an event is from before what the archive holds up to `until` (ms since 1970), where none can
 * be put in between. `taken`: its id is that of an event of another project. `index`: the place of that event among those given.
 */
export type ImportOutcome =
  | { outcome: "imported"; stored: number; known: number }
  | { outcome: "no-project" | "busy" }
  | { outcome: "archived"; index: number; until: number }
  | { outcome: "taken"; index: number }

/** How often an import is tried again when somebody stored the same events, or archived, in between. */
const ATTEMPTS = 5
/** How many archived portions are read to see whether events stand in them already. */
const READ_PORTIONS = 20

/** What an import must know of the project: which ids are stored, of which project, and up to where events are archived. */
interface Standing {
  exists: boolean
  projectsById: Map<string, string>
  mark: string | null
  portions: Portion[]
}

/**
 * Stores those of the events of `project` that are not there yet, all or none, in one batch. Nothing is triggered. Counters and what
 * is told of services come out as if the events had been sent at their times.
 */
export async function importEvents(
  partition: Partition,
  project: string,
  imported: readonly KeptnEvent[],
): Promise<ImportOutcome> {
  const unique = withoutRepetitions(imported)
  for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
    const standing = await readStanding(partition, project, unique)
    if (!standing.exists) return { outcome: "no-project" }
    const taken = imported.findIndex(({ id }) => (standing.projectsById.get(id) ?? project) !== project)
    if (taken >= 0) return { outcome: "taken", index: taken }
    const unknown = unique.filter(({ id }) => !standing.projectsById.has(id))
    const archived = await findArchived(partition, standing.portions, unknown)
    if ("conflict" in archived) {
      return { outcome: "archived", index: imported.indexOf(archived.conflict), until: archived.until }
    }
    const fresh = unknown.filter(({ id }) => !archived.ids.has(id))
    if (await store(partition.db, project, fresh, standing.mark)) {
      return { outcome: "imported", stored: fresh.length, known: imported.length - fresh.length }
    }
    await pauseBeforeRetry(attempt)
  }
  return { outcome: "busy" }
}

/** The events without those whose id one before them has. */
function withoutRepetitions(imported: readonly KeptnEvent[]): KeptnEvent[] {
  const ids = new Set<string>()
  return imported.filter(({ id }) => !ids.has(id) && ids.add(id))
}

async function readStanding(
  { db, archive }: Partition,
  project: string,
  imported: readonly KeptnEvent[],
): Promise<Standing> {
  const ids = valuesOf(JSON.stringify(imported.map(({ id }) => id)))
  // Asked of the bucket, too: what was archived before there were marks, or before the project was created, has none.
  const [[known, [ours], [marked]], portions] = await Promise.all([
    db.batch([
      db.select({ id: events.id, project: events.project }).from(events).where(inArray(events.id, ids)),
      db.select({ id: projects.id }).from(projects).where(eq(projects.name, project)),
      db
        .select({ cursor: jobCursors.cursor })
        .from(jobCursors)
        .where(eq(jobCursors.job, archiveMark(project))),
    ]),
    Array.fromAsync(archive.portions(project, null)),
  ])
  return {
    exists: ours !== undefined,
    projectsById: new Map(known.map((row) => [row.id, row.project])),
    mark: marked?.cursor ?? null,
    portions,
  }
}

/**
 * Which of the events are archived already. An event that is not, and is older than one that is, is a conflict: the archive is read in
 * its order, and nobody would find it there.
 */
async function findArchived(
  { archive }: Partition,
  portions: readonly Portion[],
  imported: readonly KeptnEvent[],
): Promise<{ ids: ReadonlySet<string> } | { conflict: KeptnEvent; until: number }> {
  const until = Math.max(-1, ...portions.map(({ last }) => last.time))
  const old = imported.filter(({ time }) => Date.parse(time) <= until)
  const times = old.map(({ time }) => Date.parse(time))
  const [earliest, latest] = [Math.min(...times), Math.max(...times)]
  const near = portions.filter(({ first, last }) => first.time <= latest && last.time >= earliest)
  const wanted = new Set(old.map(({ id }) => id))
  const ids = new Set<string>()
  for (const portion of near.slice(0, READ_PORTIONS)) {
    for await (const id of archive.ids(portion)) if (wanted.has(id)) ids.add(id)
  }
  // One of the same instant as the last that is archived comes behind it: it is stored later.
  const conflict = old.find(({ id, time }) => !ids.has(id) && (Date.parse(time) < until || near.length > READ_PORTIONS))
  return conflict ? { conflict, until } : { ids }
}

/** Stores events; answers whether it did: not when one of them is there by now, or the archive has grown since `mark` was read. */
async function store(
  db: Database,
  project: string,
  fresh: readonly KeptnEvent[],
  mark: string | null,
): Promise<boolean> {
  if (fresh.length === 0) return true
  try {
    await db.batch([
      refuseGrownArchive(db, project, mark),
      ...insertEvents(db, project, fresh),
      ...settleRoots(db, project, fresh),
      ...countEvents(db, project, fresh),
      ...noteServiceEvents(db, project, fresh),
    ])
    return true
  } catch (error) {
    if (isKeyTaken(error, "events") || isKeyTaken(error, "job_cursors")) return false
    throw error
  }
}

/** Puts the mark a second time when it is another one by now: then its key is taken, and the batch fails whole. */
function refuseGrownArchive(db: Database, project: string, mark: string | null): Statement {
  return db
    .insert(jobCursors)
    .select(sql`select job, cursor from job_cursors where job = ${archiveMark(project)} and cursor is not ${mark}`)
}

function insertEvents(db: Database, project: string, fresh: readonly KeptnEvent[]): Statement[] {
  // One event of each context, which is the first when the oldest come first; otherwise it is settled afterwards.
  const perContext = new Set(new Map(fresh.toReversed().map((event) => [event.shkeptncontext, event])).values())
  const rows = fresh.map((event) => ({
    stage: textOf(event.data["stage"]),
    service: textOf(event.data["service"]),
    time: Date.parse(event.time),
    root: perContext.has(event),
    event,
  }))
  // A project that was deleted meanwhile takes no events along.
  return jsonChunks(rows).map((json) =>
    db.insert(events)
      .select(sql`select null, value ->> '$.event.id', ${project}, value ->> 'stage', value ->> 'service',
      value ->> '$.event.shkeptncontext', value ->> '$.event.type', value ->> '$.event.source', value ->> 'time',
      value ->> 'root' and not exists (select 1 from events indexed by events_by_context where context = value ->> '$.event.shkeptncontext'),
      value ->> '$.event.triggeredid', value -> 'event'
      from json_each(${json}) where exists (select 1 from projects where name = ${project}) order by key`),
  )
}

/** Where an event came later that is earlier than the first of its context, that one is the first now. */
function settleRoots(db: Database, project: string, fresh: readonly KeptnEvent[]): Statement[] {
  const contexts = JSON.stringify([...new Set(fresh.map((event) => event.shkeptncontext))])
  const earliest = (condition: SQL) =>
    sql`(select seq from events indexed by events_by_context where context = value and project = ${project} ${condition}
      order by time, seq limit 1)`
  const changed = sql`(with contexts as (select ${earliest(sql``)} as first, ${earliest(sql`and root = 1`)} as root
      from json_each(${contexts}))
    select first from contexts where first <> root union all select root from contexts where first <> root)`
  return [
    db
      .update(events)
      .set({ root: sql`1 - ${events.root}` })
      .where(inArray(events.seq, changed)),
  ]
}
