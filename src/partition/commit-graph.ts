/**
 * The history of a project as one fetch looks at it: commits are read many at a time, so that a fetch of any shape takes few trips. What a
 * fetch names is looked up in one statement, and with it the positions below the highest of them on each branch.
 */
import { type SQL, sql } from "drizzle-orm"
import type { ObjectId } from "../git/objects.ts"
import type { FindCommit, HistoryCommit } from "../git/walk.ts"
import { jsonChunks } from "./bulk.ts"
import { COMMIT_HEAD } from "./git-objects.ts"
import type { Database } from "./partition.ts"
import { branchCommits } from "./schema.ts"
import { through } from "./through.ts"

/** How many positions each trip reads beside what is asked for: few at first, because most fetches need no more. */
const POSITIONS = [1_000, 8_000, 50_000, 50_000, 50_000, 50_000, 50_000]
/** A branch gets at least this many of them. */
const FEWEST_POSITIONS = 20
/** Commits are read as lines, gathered up to about this many characters. */
const PORTION = 1_000_000

/** A history that takes more trips than a fetch may make. */
export class HistoryTooLong extends Error {
  override name = "HistoryTooLong"
}

/** A place of a commit. */
export interface Place {
  branchId: string
  seq: number
}

/** A commit with those of its places that were read. */
export interface PlacedCommit extends HistoryCommit {
  places: Place[]
}

export class CommitGraph {
  readonly #db: Database
  readonly #projectId: string
  readonly #commits = new Map<ObjectId, PlacedCommit>()
  readonly #absent = new Set<ObjectId>()
  /** Parents of commits that were read, which were not. */
  readonly #unread = new Set<ObjectId>()
  #trips = 0

  constructor(db: Database, projectId: string) {
    this.#db = db
    this.#projectId = projectId
  }

  /** Finds a commit; null when there is none. Throws `HistoryTooLong`. */
  readonly find: FindCommit = async (id) => {
    if (!this.has(id) && !this.#absent.has(id)) await this.read([id])
    return this.#commits.get(id) ?? null
  }

  /** Whether a commit was read and is there. */
  has(id: ObjectId): boolean {
    return this.#commits.has(id)
  }

  /** All commits that were read. */
  commits(): Iterable<PlacedCommit> {
    return this.#commits.values()
  }

  /** Reads those of `ids` that were not read yet, with what stands before them. One trip. Throws `HistoryTooLong`. */
  async read(ids: readonly ObjectId[]): Promise<void> {
    const asked = [...new Set([...ids, ...this.#unread])].filter((id) => !this.has(id) && !this.#absent.has(id))
    if (asked.length === 0) return
    const positions = POSITIONS[this.#trips]
    if (positions === undefined) throw new HistoryTooLong("a fetch looks at too many commits")
    this.#trips++
    const [rows] = await this.#db.batch([linesOf(this.#db, this.#projectId, asked, positions)])
    for (const { branchId, lines } of rows) for (const line of lines.split("\n")) this.#add(branchId, line)
    for (const id of asked) if (!this.has(id)) this.#absent.add(id)
    for (const id of asked) this.#unread.delete(id)
  }

  #add(branchId: string, line: string): void {
    const [id = "", tree = "", seq = "", committer = "", parents = ""] = line.split(" ")
    const place = { branchId, seq: Number(seq) }
    const known = this.#commits.get(id)
    if (known) {
      known.places.push(place)
      return
    }
    const commit = { id, tree, parents: parents.match(/.{40}/g) ?? [], time: timeOf(committer), places: [place] }
    this.#commits.set(id, commit)
    this.#unread.delete(id)
    for (const parent of commit.parents) if (!this.has(parent)) this.#unread.add(parent)
  }
}

/** The time that stands at the end of a committer's line, which is given in hexadecimal: names can be in any encoding. */
function timeOf(committer: string): number {
  const text = new TextDecoder("latin1").decode(Uint8Array.fromHex(committer))
  return Number(/(\d+) [+-]\d{4}$/.exec(text)?.[1] ?? 0)
}

const AUTHOR = sql`x'0a617574686f7220'`
const COMMITTER = sql`x'0a636f6d6d697474657220'`
const LINE_FEED = sql`x'0a'`
/** How many bytes at the end of a committer's line are read: a time and a zone fit into them. */
const TIME_BYTES = 30
/** Where the first parent of a commit begins, behind its tree: counted from 1. */
const PARENTS_AT = 47

/** The query for commits: `asked` and, on the branch of each, those before the highest of them, `positions` of all branches together. */
function linesOf(db: Database, projectId: string, asked: readonly ObjectId[], positions: number) {
  const ids = sql.join(
    jsonChunks(asked).map((json) => sql`select value as id from json_each(${json})`),
    sql` union all `,
  )
  return db
    .select({
      branchId: sql<string>`branch_id`.as("branch_id"),
      lines: sql<string>`group_concat(line, char(10))`.as("lines"),
    })
    .from(portions(sql`with asked as (${ids}), ${placesOf(projectId, positions)} ${headsOf(projectId)}`))
    .groupBy(sql`branch_id`, sql`portion`)
}

/** The tables `found`, with one place for each commit that is asked for, and `places`, with those before them. */
function placesOf(projectId: string, positions: number): SQL {
  const share = sql`max(${FEWEST_POSITIONS}, ${positions} / (select count(*) from tops))`
  return sql`found as (
      select min(branch_id) as branch_id, seq, commit_id
      from asked cross join ${through(branchCommits, "branch_commits_by_commit")}
      where project_id = ${projectId} and commit_id = asked.id group by commit_id
    ),
    tops as (select branch_id, max(seq) as top from found group by branch_id),
    places as (
      select branch_id, seq, commit_id from found
      union
      select below.branch_id, below.seq, below.commit_id from tops cross join branch_commits as below
      where below.branch_id = tops.branch_id and below.seq <= top and below.seq > top - ${share}
    )`
}

/** The first bytes of the commits at `places`. */
function headsOf(projectId: string): SQL {
  return sql`select places.branch_id, seq, commits.id, tree_id, substr(content, 1, ${COMMIT_HEAD}) as head
    from places cross join commits where commits.project_id = ${projectId} and commits.id = commit_id`
}

/** What is read of each of `heads`: id, tree, position, end of the committer's line and parents. */
function portions(heads: SQL): SQL {
  const committerLine = sql`substr(committer, 1, instr(committer, ${LINE_FEED}) - 1)`
  const parentLines = sql`cast(substr(head, ${PARENTS_AT}, author_at - ${PARENTS_AT} + 1) as text)`
  const parents = sql`replace(replace(${parentLines}, 'parent ', ''), char(10), '')`
  const line = sql`id || ' ' || tree_id || ' ' || seq || ' ' || hex(substr(${committerLine}, ${-TIME_BYTES})) || ' ' || ${parents}`
  const parts = sql`select branch_id, seq, id, tree_id, head, instr(head, ${AUTHOR}) as author_at,
    substr(head, instr(head, ${COMMITTER}) + 1) as committer from (${heads})`
  return sql`(select branch_id, line, sum(length(line)) over (partition by branch_id rows unbounded preceding) / ${PORTION} as portion
    from (select branch_id, ${line} as line from (${parts})))`
}
