/** What the commits of a push change, and the rows that store it. */
import { and, eq, inArray, isNull, sql } from "drizzle-orm"
import { EMPTY_TREE, type ObjectId, parseTree, type TreeEntry } from "../git/objects.ts"
import {
  type DiffBounds,
  type Difference,
  diffTrees,
  MissingTree,
  TooManyDifferences,
  type TreePair,
} from "../git/tree-diff.ts"
import { ancestors } from "../git/tree-update.ts"
import type { HistoryCommit } from "../git/walk.ts"
import { isFilePath } from "../lib/file-path.ts"
import { valuesOf } from "./bulk.ts"
import type { NewCommit, StoredObject } from "./commit.ts"
import { blobSizes, readObjects, readTrees } from "./git-objects.ts"
import type { PackIndex } from "./pack-index.ts"
import type { Database, Partition } from "./partition.ts"
import type { AddedCommits } from "./push-history.ts"
import { RefProblem } from "./push-problem.ts"
import type { Branch, Repository } from "./refs.ts"
import { folders } from "./schema.ts"
import { through } from "./through.ts"

/** The most files and folders that the commits of one push can change, over all its branches. */
const MOST_CHANGES = 50_000
/** A push brings 8 MiB of trees, which have 200,000 entries: this is for those that are compared often. */
const MOST_ENTRIES = 2_000_000
/** How many trees are held at once, in bytes as they are stored. */
const PORTION_BYTES = 2_000_000
/** How often stored trees are read: a level of folders, or 2 MB of them, each time. */
const MOST_READS = 200

/** A branch, the commits that a push adds to it, and what each changes, compared with the one before it. */
export interface Plan {
  branch: Branch
  commits: readonly HistoryCommit[]
  steps: readonly Difference[][]
}

/** Compares the commits of one push, all branches together within one bound. */
export class ChangeFinder {
  readonly #db: Database
  readonly #projectId: string
  readonly #pushed: ReadonlyMap<ObjectId, Uint8Array>
  readonly #bounds: DiffBounds = { differences: MOST_CHANGES, entries: MOST_ENTRIES }
  #reads = 0

  /** `pushed`: the trees of the pack. */
  constructor({ db }: Partition, { projectId }: Repository, pushed: ReadonlyMap<ObjectId, Uint8Array>) {
    this.#db = db
    this.#projectId = projectId
    this.#pushed = pushed
  }

  /**
   * What each commit changes, compared with the one before it (the first: with the head of the branch). Throws a `RefProblem`, also for a
   * file that the API would refuse.
   */
  async find({ commits, startTree }: AddedCommits): Promise<Difference[][]> {
    const pairs = commits.map(({ tree }, index): TreePair => ({
      before: commits[index - 1]?.tree ?? startTree,
      after: tree,
    }))
    const steps = await this.#compared(pairs)
    const refused = steps.flat().find(({ kind, path, after }) => kind === "file" && after !== null && !isFilePath(path))
    if (refused) throw new RefProblem(`'${refused.path}' is not a name that can be stored`)
    return steps
  }

  async #compared(pairs: readonly TreePair[]): Promise<Difference[][]> {
    try {
      return await diffTrees(pairs, (ids) => this.#read(ids), Number.POSITIVE_INFINITY, this.#bounds)
    } catch (error) {
      if (error instanceof MissingTree) throw new RefProblem(error.message)
      if (!(error instanceof TooManyDifferences)) throw error
      throw new RefProblem(
        `more than ${MOST_CHANGES} changes at once, or folders too large: push an older commit first`,
      )
    }
  }

  async #read(ids: readonly ObjectId[]): Promise<Map<ObjectId, TreeEntry[]>> {
    const found = new Map<ObjectId, TreeEntry[]>()
    const others: ObjectId[] = []
    let bytes = 0
    for (const id of ids) {
      const content = id === EMPTY_TREE ? new Uint8Array() : this.#pushed.get(id)
      if (!content) others.push(id)
      else if (bytes < PORTION_BYTES || found.size < 2) found.set(id, parseTree(content))
      bytes += content?.length ?? 0
    }
    if (others.length === 0) return found
    if (++this.#reads > MOST_READS) throw new TooManyDifferences("too many stored trees are compared")
    return new Map([...found, ...(await readTrees(this.#db, this.#projectId, others))])
  }
}

/** The files that plans name. */
export function namedFiles(plans: readonly Plan[]): Set<ObjectId> {
  const steps = plans.flatMap((plan) => plan.steps).flat()
  return new Set(steps.flatMap(({ kind, after }) => (kind === "file" && after !== null ? after : [])))
}

/** The rows of each commit; `stored` are the sizes of the pack's files. Throws a `RefProblem` for a file whose bytes are not there. */
export async function newCommits(
  partition: Partition,
  repository: Repository,
  index: PackIndex,
  stored: ReadonlyMap<ObjectId, number>,
  plan: Plan,
): Promise<NewCommit[]> {
  const { sizes, counts } = await readStanding(partition, repository, stored, plan)
  const contents = await contentsOf(partition, repository, index, plan)
  return plan.commits.map((commit, position) => {
    const step = plan.steps[position] ?? []
    for (const { kind, path, before, after } of step) {
      if (kind === "folder") continue
      const grown = (after === null ? 0 : 1) - (before === null ? 0 : 1)
      for (const folder of ancestors(path)) counts.set(folder, (counts.get(folder) ?? 0) + grown)
    }
    return {
      id: commit.id,
      treeId: commit.tree,
      content: contents.get(commit.id) ?? new Uint8Array(),
      trees: treesOf(index, commit, step),
      files: step.flatMap(({ kind, path, after }) =>
        kind === "file" ? { path, id: after, size: sizes.get(after ?? "") ?? 0 } : [],
      ),
      folders: step.flatMap(({ kind, path, after }) =>
        kind === "folder" ? { path, id: after, fileCount: after === null ? 0 : (counts.get(path) ?? 0) } : [],
      ),
    }
  })
}

/** The sizes of all files that are named, and how many files the changed folders hold at the head. */
async function readStanding(
  { db }: Partition,
  repository: Repository,
  stored: ReadonlyMap<ObjectId, number>,
  plan: Plan,
): Promise<{ sizes: Map<ObjectId, number>; counts: Map<string, number> }> {
  const named = [...namedFiles([plan])]
  const elsewhere = named.filter((id) => !stored.has(id))
  const paths = [...new Set(plan.steps.flat().flatMap(({ kind, path }) => (kind === "folder" ? path : [])))]
  const [sizeRows, countRows] = await db.batch([
    blobSizes(db, repository.projectId, elsewhere),
    db
      .select({ path: sql<string>`path`.as("path"), count: sql<number>`file_count`.as("count") })
      .from(through(folders, "folders_at_head"))
      .where(
        and(
          eq(folders.branchId, plan.branch.id),
          isNull(folders.untilSeq),
          inArray(folders.path, valuesOf(JSON.stringify(paths))),
        ),
      ),
  ])
  const sizes = new Map([...stored, ...sizeRows.map(({ id, size }): [string, number] => [id, size])])
  const missing = named.find((id) => !sizes.has(id))
  if (missing !== undefined) throw new RefProblem(`the content ${missing} is missing`)
  return { sizes, counts: new Map(countRows.map(({ path, count }) => [path, count])) }
}

/** The contents of the commits: from the pack, or of another branch. */
async function contentsOf(
  { db }: Partition,
  { projectId }: Repository,
  index: PackIndex,
  plan: Plan,
): Promise<Map<ObjectId, Uint8Array>> {
  const contents = new Map<ObjectId, Uint8Array>(index.commits)
  const elsewhere = plan.commits.map(({ id }) => id).filter((id) => !contents.has(id))
  for await (const { id, content } of readObjects(db, "commit", projectId, elsewhere)) contents.set(id, content)
  return contents
}

/** The trees of a commit that may be new: those of the pack, and git's empty tree, which packs may leave out. */
function treesOf({ trees }: PackIndex, commit: HistoryCommit, step: readonly Difference[]): StoredObject[] {
  const pushed = step.flatMap(({ kind, after }) => {
    const content = kind === "folder" && after !== null ? trees.get(after) : undefined
    return content && after !== null ? { id: after, content } : []
  })
  return commit.tree === EMPTY_TREE ? [...pushed, { id: EMPTY_TREE, content: new Uint8Array() }] : pushed
}
