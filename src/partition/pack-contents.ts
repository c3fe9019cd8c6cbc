/**
 * Which objects some commits bring that the other side lacks. No tree is read for that: the rows of files and folders say from which position
 * of a branch on a version stands, so that one trip finds those of any number of commits.
 */
import { sql, type SQL } from "drizzle-orm"
import type { ObjectId } from "../git/objects.ts"
import { jsonChunks } from "./bulk.ts"
import type { PlacedCommit } from "./commit-graph.ts"
import type { Database, Partition } from "./partition.ts"
import { files, folders } from "./schema.ts"
import { through } from "./through.ts"

/** The most objects that one pack can have: their ids are held in memory. */
export const LARGEST_PACK = 500_000
/** How many ids are read as one text. */
const IDS_AT_ONCE = 20_000
const ID_LENGTH = 40

/** The ids of the objects of a pack. */
export interface PackContents {
  commits: ObjectId[]
  trees: ObjectId[]
  blobs: ObjectId[]
}

/**
 * Positions whose versions are sent: those that begin between two positions (inclusive) and, unless `at` is null, still stand at `at`.
 * Nothing before `from` is sent, because the other side has or gets all that stands before.
 */
type Span = [branchId: string, from: number, to: number, at: number | null]
/** A position of which everything is sent. */
type Whole = [branchId: string, seq: number]

/** The objects that the commits `sent` bring to one who has the commits `had`; null when they are more than `LARGEST_PACK`. One trip. */
export async function packContents(
  { db }: Partition,
  sent: readonly PlacedCommit[],
  had: readonly PlacedCommit[],
): Promise<PackContents | null> {
  if (sent.length === 0) return { commits: [], trees: [], blobs: [] }
  const { spans, wholes } = positionsToSend(sent, had)
  const [treeRows, blobRows] = await db.batch([
    idsOf(
      db,
      sql`tree_id`,
      { table: folders, byPosition: "folders_by_position", atHead: "folders_at_head" },
      spans,
      wholes,
    ),
    idsOf(db, sql`blob_id`, { table: files, byPosition: "files_by_position", atHead: "files_at_head" }, spans, wholes),
  ])
  const trees = treeRows.flatMap(({ ids }) => idsIn(ids))
  const blobs = blobRows.flatMap(({ ids }) => idsIn(ids))
  if (sent.length + trees.length + blobs.length > LARGEST_PACK) return null
  return { commits: sent.map(({ id }) => id), trees, blobs }
}

/**
 * Which positions are sent. A position has exactly the files of its commit, so that one behind another that the other side has or gets adds
 * only what begins between them, wherever their commits stand in the history.
 */
export function positionsToSend(
  sent: readonly PlacedCommit[],
  had: readonly PlacedCommit[],
): { spans: Span[]; wholes: Whole[] } {
  const standing = new Map<string, number[]>()
  for (const { branchId, seq } of [...sent, ...had].flatMap(({ places }) => places)) {
    const positions = standing.get(branchId)
    if (positions) positions.push(seq)
    else standing.set(branchId, [seq])
  }
  const before = new Map(Array.from(standing, ([branchId, positions]) => [branchId, predecessors(positions)]))
  const spans: Span[] = []
  const wholes: Whole[] = []
  // A commit on several branches is sent on the first of them. So what is taken for sent never depends on itself, in whatever orders
  // branches have their commits. Neighbours become one span.
  const places = sent.flatMap(({ places: all }) => all.toSorted(byPlace)[0] ?? []).toSorted(byPlace)
  for (const { branchId, seq } of places) {
    const previous = before.get(branchId)?.get(seq)
    const last = spans.at(-1)
    if (previous === undefined) wholes.push([branchId, seq])
    else if (previous < seq - 1) spans.push([branchId, previous + 1, seq, seq])
    else if (last?.[0] === branchId && last[2] === seq - 1 && last[3] === null) last[2] = seq
    else spans.push([branchId, seq, seq, null])
  }
  return { spans, wholes }
}

function byPlace(a: { branchId: string; seq: number }, b: { branchId: string; seq: number }): number {
  if (a.branchId === b.branchId) return a.seq - b.seq
  return a.branchId < b.branchId ? -1 : 1
}

/** For each of `positions`, the one before it. */
function predecessors(positions: readonly number[]): Map<number, number> {
  const sorted = positions.toSorted((a, b) => a - b)
  return new Map(sorted.slice(1).map((seq, index) => [seq, sorted[index] ?? 0]))
}

/** Where versions are found. */
interface Versions {
  table: typeof files | typeof folders
  byPosition: string
  atHead: string
}

/** The query for the ids of what is sent, each once, many in one text; one more than a pack can have at most. */
function idsOf(db: Database, id: SQL, versions: Versions, spans: readonly Span[], wholes: readonly Whole[]) {
  const found = sql.join(
    [
      ...jsonChunks(spans).map((json) => inSpans(id, versions, json)),
      ...jsonChunks(wholes).flatMap((json) => inWholes(id, versions, json)),
    ],
    sql` union all `,
  )
  const numbered = sql`select id, row_number() over () as number from (select distinct id from (${found})) limit ${LARGEST_PACK + 1}`
  return db
    .select({ ids: sql<string>`group_concat(id, '')`.as("ids") })
    .from(sql`(${numbered})`)
    .groupBy(sql`number / ${IDS_AT_ONCE}`)
}

function inSpans(id: SQL, { table, byPosition }: Versions, json: string): SQL {
  return sql`select ${id} as id from json_each(${json}) as span cross join ${through(table, byPosition)}
    where branch_id = span.value ->> 0 and from_seq between span.value ->> 1 and span.value ->> 2
    and (span.value ->> 3 is null or until_seq is null or until_seq > span.value ->> 3)`
}

/** Everything at a position: the rows at the head are found directly, for an older one those of the branch are gone through. */
function inWholes(id: SQL, { table, atHead }: Versions, json: string): SQL[] {
  const head = sql`(select max(seq) from branch_commits where branch_id = whole.value ->> 0)`
  return [
    sql`select ${id} as id from json_each(${json}) as whole cross join ${through(table, atHead)}
      where branch_id = whole.value ->> 0 and until_seq is null and ${head} = whole.value ->> 1`,
    sql`select ${id} as id from json_each(${json}) as whole cross join ${table}
      where branch_id = whole.value ->> 0 and +from_seq <= whole.value ->> 1
      and (until_seq is null or until_seq > whole.value ->> 1) and ${head} <> whole.value ->> 1`,
  ]
}

function idsIn(text: string): ObjectId[] {
  return Array.from({ length: text.length / ID_LENGTH }, (_, index) =>
    text.slice(index * ID_LENGTH, (index + 1) * ID_LENGTH),
  )
}
