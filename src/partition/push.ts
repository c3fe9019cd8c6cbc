/** Takes pushed commits onto branches: as they are, as long as they continue what stands there. */
import { and, eq, inArray, isNull, sql } from "drizzle-orm"
import { type ByteReader, MalformedGitData } from "../git/byte-reader.ts"
import { EMPTY_TREE, type ObjectId, parseCommit, parseTree, type TreeEntry } from "../git/objects.ts"
import { PackTooLarge } from "../git/pack-reader.ts"
import { type Difference, diffTrees, MissingTree, type TreePair } from "../git/tree-diff.ts"
import { ancestors } from "../git/tree-update.ts"
import { type FindCommit, type HistoryCommit, parentsFirst, walkHistory } from "../git/walk.ts"
import { isFilePath } from "../lib/file-path.ts"
import { isKeyTaken, isParentGone } from "../lib/sqlite-errors.ts"
import { BlobCollision } from "./blobs.ts"
import { valuesOf } from "./bulk.ts"
import { appendCommits, type NewCommit, type Statement, type StoredObject } from "./commit.ts"
import { blobSizes, historyOf, readObjects, readTrees } from "./git-objects.ts"
import type { Partition } from "./partition.ts"
import type { Branch, Repository } from "./refs.ts"
import { branchCommits, folders } from "./schema.ts"
import { through } from "./through.ts"
import { type BlobInTheWay, blobsInTheWay, mayBeCleared, takeBack } from "./unnamed-blobs.ts"
import { unpack, type Unpacked } from "./unpack.ts"

/** A branch to be moved: from the head the client knows to another commit. An id of zeros: there is none. */
export interface RefUpdate {
  ref: string
  from: ObjectId
  to: ObjectId
}

/** What became of a push: `unpacked` and the `problem` of each ref say what went wrong, null for nothing. */
export interface PushReport {
  unpacked: string | null
  refs: { ref: string; problem: string | null }[]
}

/** The most commits that one push can add to a branch, and the most files and folders that they can change together. */
const MOST_COMMITS = 1_000
const MOST_CHANGES = 50_000
const NO_OBJECT = "0".repeat(40)
const FETCH_FIRST = "fetch first"
const AGAIN = "the storage was being cleaned meanwhile: push again"

/** A branch with the commits that a push adds to it. */
interface Addition {
  branch: Branch
  commits: NewCommit[]
}

/** A ref that cannot be moved; the message is for the one who pushes. */
class RefProblem extends Error {
  override name = "RefProblem"
}

/**
 * Stores what `pack` brings and moves the branches, all of them in one batch. With `atomic`, none is moved when one cannot be.
 * Nothing but unnamed blobs is left of what is refused.
 */
export async function push(
  partition: Partition,
  repository: Repository,
  updates: readonly RefUpdate[],
  pack: ByteReader,
  atomic: boolean,
): Promise<PushReport> {
  const startedAt = Date.now()
  const problems = new Map<string, string>()
  for (const update of updates) await judge(problems, update.ref, () => branchOf(repository, update))
  if (problems.size === updates.length) {
    await pack.drain()
    return report(updates, problems, atomic)
  }
  const unpacked = await unpackOrProblem(partition, repository, pack)
  if (typeof unpacked === "string") {
    return { unpacked, refs: updates.map(({ ref }) => ({ ref, problem: problems.get(ref) ?? "the pack was refused" })) }
  }
  const additions: Addition[] = []
  for (const update of updates.filter(({ ref }) => !problems.has(ref))) {
    await judge(problems, update.ref, async () => {
      additions.push(await planAddition(partition, repository, unpacked, update))
    })
  }
  if (additions.length > 0 && !(atomic && problems.size > 0)) {
    const problem = await store(partition, repository, unpacked, additions, startedAt)
    if (problem !== null) for (const { branch } of additions) problems.set(refOf(branch), problem)
  }
  return report(updates, problems, atomic)
}

function report(updates: readonly RefUpdate[], problems: ReadonlyMap<string, string>, atomic: boolean): PushReport {
  const others = atomic && problems.size > 0 ? "another branch of this atomic push was refused" : null
  return { unpacked: null, refs: updates.map(({ ref }) => ({ ref, problem: problems.get(ref) ?? others })) }
}

/** Notes the problem of a ref, if `check` throws one. */
async function judge(problems: Map<string, string>, ref: string, check: () => unknown): Promise<void> {
  try {
    await check()
  } catch (error) {
    if (!(error instanceof RefProblem)) throw error
    problems.set(ref, error.message)
  }
}

function refOf({ name }: Branch): string {
  return `refs/heads/${name}`
}

/** The branch that an update moves. Throws a `RefProblem` when it cannot be moved. */
function branchOf({ branches }: Repository, { ref, from, to }: RefUpdate): Branch {
  const branch = branches.find((one) => refOf(one) === ref)
  if (!branch) {
    throw new RefProblem("unknown branch: branches are the stages of the shipyard, and none can be made by a push")
  }
  if (to === NO_OBJECT) throw new RefProblem("a branch cannot be deleted: it belongs to a stage")
  if (from !== branch.head) throw new RefProblem(FETCH_FIRST)
  return branch
}

async function unpackOrProblem(
  partition: Partition,
  repository: Repository,
  pack: ByteReader,
): Promise<Unpacked | string> {
  try {
    return await unpack(partition, repository, pack)
  } catch (error) {
    const ofTheirs = error instanceof MalformedGitData || error instanceof PackTooLarge
    if (!ofTheirs && !(error instanceof BlobCollision)) throw error
    await pack.drain()
    return ofTheirs ? error.message : "a file has the git object id of another one that is stored"
  }
}

/** The commits that an update adds to its branch, in an order in which each follows its parents. Throws a `RefProblem`. */
async function planAddition(
  partition: Partition,
  repository: Repository,
  unpacked: Unpacked,
  update: RefUpdate,
): Promise<Addition> {
  const branch = branchOf(repository, update)
  const find = findCommit(partition, repository, unpacked)
  const limits = { wantedParents: parentsOf, knownParents: parentsOf, commits: MOST_COMMITS }
  const walk = await walkHistory(find, [update.to], [branch.head], limits)
  if (walk.outcome === "missing") throw new RefProblem(`the commit ${walk.id} is missing`)
  if (walk.outcome === "too-many") {
    throw new RefProblem(`more than ${MOST_COMMITS} commits at once, or another history: push an older commit first`)
  }
  if (!walk.reaches(branch.head)) throw new RefProblem("non-fast-forward: fetch, then merge or rebase")
  const commits = parentsFirst(await notOnBranch(partition, branch, walk.commits))
  const start = await find(branch.head)
  const steps = await differences(partition, repository, unpacked, start?.tree ?? null, commits)
  return { branch, commits: await newCommits(partition, repository, unpacked, branch, commits, steps) }
}

function parentsOf(commit: HistoryCommit): readonly ObjectId[] {
  return commit.parents
}

/** Finds commits of the pack, and of the repository. */
function findCommit({ db }: Partition, { projectId }: Repository, { commits }: Unpacked): FindCommit {
  const stored = historyOf(db, projectId)
  return async (id) => {
    const content = commits.get(id)
    const facts = content && parseCommit(content)
    return facts ? { id, tree: facts.tree, parents: facts.parents, time: facts.committer.time } : stored(id)
  }
}

/** A walk may find commits that stand on the branch already, where clocks were wrong. */
async function notOnBranch(
  { db }: Partition,
  branch: Branch,
  commits: readonly HistoryCommit[],
): Promise<HistoryCommit[]> {
  const ids = JSON.stringify(commits.map(({ id }) => id))
  const [rows] = await db.batch([
    db
      .select({ id: branchCommits.commitId })
      .from(branchCommits)
      .where(and(eq(branchCommits.branchId, branch.id), inArray(branchCommits.commitId, valuesOf(ids)))),
  ])
  const standing = new Set(rows.map(({ id }) => id))
  return commits.filter(({ id }) => !standing.has(id))
}

/** What each of `commits` changes, compared with the one before it (the first: with `start`). */
async function differences(
  { db }: Partition,
  { projectId }: Repository,
  { trees }: Unpacked,
  start: ObjectId | null,
  commits: readonly HistoryCommit[],
): Promise<Difference[][]> {
  const read = async (ids: readonly ObjectId[]): Promise<Map<ObjectId, TreeEntry[]>> => {
    const found = new Map<ObjectId, TreeEntry[]>()
    for (const id of ids) {
      const content = trees.get(id)
      if (content) found.set(id, parseTree(content))
      else if (id === EMPTY_TREE) found.set(id, [])
    }
    const others = ids.filter((id) => !found.has(id))
    if (others.length === 0) return found
    return new Map([...found, ...(await readTrees(db, projectId, others))])
  }
  const steps: Difference[][] = []
  let changes = 0
  let before = start
  for (const { tree } of commits) {
    const pair: TreePair = { before, after: tree }
    const [step = []] = await readable(() => diffTrees([pair], read, MOST_CHANGES + 1 - changes))
    changes += step.length
    if (changes > MOST_CHANGES) {
      throw new RefProblem(`more than ${MOST_CHANGES} changes at once: push an older commit first`)
    }
    steps.push(step)
    before = tree
  }
  return steps
}

async function readable<T>(run: () => Promise<T>): Promise<T> {
  try {
    return await run()
  } catch (error) {
    if (error instanceof MissingTree) throw new RefProblem(error.message)
    throw error
  }
}

/** The rows of each commit. Throws a `RefProblem` for a file that the API would refuse, or whose bytes are not there. */
async function newCommits(
  partition: Partition,
  repository: Repository,
  unpacked: Unpacked,
  branch: Branch,
  commits: readonly HistoryCommit[],
  steps: readonly Difference[][],
): Promise<NewCommit[]> {
  const changes = steps.flat()
  const refused = changes.find(({ kind, path, after }) => kind === "file" && after !== null && !isFilePath(path))
  if (refused) throw new RefProblem(`'${refused.path}' is not a name that can be stored`)
  const named = changes.flatMap(({ kind, after }) => (kind === "file" && after !== null ? after : []))
  const { sizes, counts } = await readStanding(partition, repository, unpacked, branch, named, changes)
  const contents = await contentsOf(partition, repository, unpacked, commits)
  return commits.map((commit, index) => {
    const step = steps[index] ?? []
    for (const { kind, path, before, after } of step) {
      if (kind === "folder") continue
      const grown = (after === null ? 0 : 1) - (before === null ? 0 : 1)
      for (const folder of ancestors(path)) counts.set(folder, (counts.get(folder) ?? 0) + grown)
    }
    return {
      id: commit.id,
      treeId: commit.tree,
      content: contents.get(commit.id) ?? new Uint8Array(),
      trees: treesOf(unpacked, commit, step),
      files: step.flatMap(({ kind, path, after }) =>
        kind === "file" ? { path, id: after, size: sizes.get(after ?? "") ?? 0 } : [],
      ),
      folders: step.flatMap(({ kind, path, after }) =>
        kind === "folder" ? { path, id: after, fileCount: after === null ? 0 : (counts.get(path) ?? 0) } : [],
      ),
    }
  })
}

/** The sizes of all blobs that are named, and how many files the changed folders hold at the head. */
async function readStanding(
  { db }: Partition,
  repository: Repository,
  { blobs }: Unpacked,
  branch: Branch,
  named: readonly ObjectId[],
  changes: readonly Difference[],
): Promise<{ sizes: Map<ObjectId, number>; counts: Map<string, number> }> {
  const elsewhere = [...new Set(named)].filter((id) => !blobs.has(id))
  const paths = [...new Set(changes.flatMap(({ kind, path }) => (kind === "folder" ? path : [])))]
  const [sizeRows, countRows] = await db.batch([
    blobSizes(db, repository.projectId, elsewhere),
    db
      .select({ path: sql<string>`path`.as("path"), count: sql<number>`file_count`.as("count") })
      .from(through(folders, "folders_at_head"))
      .where(
        and(
          eq(folders.branchId, branch.id),
          isNull(folders.untilSeq),
          inArray(folders.path, valuesOf(JSON.stringify(paths))),
        ),
      ),
  ])
  const sizes = new Map([...blobs, ...sizeRows.map(({ id, size }): [string, number] => [id, size])])
  const missing = named.find((id) => !sizes.has(id))
  if (missing !== undefined) throw new RefProblem(`the content ${missing} is missing`)
  return { sizes, counts: new Map(countRows.map(({ path, count }) => [path, count])) }
}

/** The contents of the commits: from the pack, or of another branch. */
async function contentsOf(
  { db }: Partition,
  { projectId }: Repository,
  { commits: pushed }: Unpacked,
  commits: readonly HistoryCommit[],
): Promise<Map<ObjectId, Uint8Array>> {
  const contents = new Map<ObjectId, Uint8Array>(pushed)
  const elsewhere = commits.map(({ id }) => id).filter((id) => !contents.has(id))
  for await (const { id, content } of readObjects(db, "commit", projectId, elsewhere)) contents.set(id, content)
  return contents
}

/** The trees of a commit that may be new: those of the pack, and git's empty tree, which packs may leave out. */
function treesOf({ trees }: Unpacked, commit: HistoryCommit, step: readonly Difference[]): StoredObject[] {
  const pushed = step.flatMap(({ kind, after }) => {
    const content = kind === "folder" && after !== null ? trees.get(after) : undefined
    return content && after !== null ? { id: after, content } : []
  })
  return commit.tree === EMPTY_TREE ? [...pushed, { id: EMPTY_TREE, content: new Uint8Array() }] : pushed
}

/** Moves the branches in one batch; answers what stood in the way of it, null for nothing. */
async function store(
  partition: Partition,
  repository: Repository,
  { blobs }: Unpacked,
  additions: readonly Addition[],
  startedAt: number,
): Promise<string | null> {
  const { db } = partition
  const { projectId, project, clearedAt } = repository
  if (mayBeCleared(clearedAt, startedAt)) return AGAIN
  const values = { project, blobIds: JSON.stringify([...blobs.keys()]) }
  const [, inTheWay] = await db.batch([takeBack(db, values), blobsInTheWay(db, values)])
  const isGone = ({ removedAt }: BlobInTheWay) => removedAt === null || mayBeCleared(removedAt, startedAt)
  if (inTheWay.some(isGone)) return AGAIN
  const [first, ...others] = additions.flatMap(({ branch, commits }): Statement[] =>
    appendCommits(db, { projectId, branchId: branch.id, seq: branch.seq }, commits),
  )
  try {
    if (first) await db.batch([first, ...others])
    return null
  } catch (error) {
    if (isKeyTaken(error, "branch_commits")) return FETCH_FIRST
    if (isParentGone(error)) return "the project was deleted meanwhile"
    throw error
  }
}
