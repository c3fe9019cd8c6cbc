/**
 * Takes pushed commits onto branches: as they are, as long as they continue what stands there. What can be refused by what arrived is refused
 * before anything is stored.
 */
import { type ByteReader, MalformedGitData } from "../git/byte-reader.ts"
import type { ObjectId } from "../git/objects.ts"
import { PackTooLarge } from "../git/pack-reader.ts"
import { BlobCollision } from "./blobs.ts"
import { HeldPack } from "./held-pack.ts"
import { storeBlobs } from "./pack-blobs.ts"
import { indexPack, type PackIndex } from "./pack-index.ts"
import type { Partition } from "./partition.ts"
import { ChangeFinder, namedFiles, newCommits, type Plan } from "./push-changes.ts"
import { commitsToAdd } from "./push-history.ts"
import { FETCH_FIRST, RefProblem } from "./push-problem.ts"
import { type Addition, storeAdditions } from "./push-store.ts"
import type { Branch, Repository } from "./refs.ts"

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

const NO_OBJECT = "0".repeat(40)
const TAGS = "refs/tags/"

/** A push on its way: what was asked, and why refs cannot be moved. */
interface Push {
  startedAt: number
  partition: Partition
  repository: Repository
  updates: readonly RefUpdate[]
  atomic: boolean
  problems: Map<string, string>
}

/**
 * Stores what `pack` brings and moves the branches, all of them in one batch. With `atomic`, none is moved when one cannot be.
 * Nothing but unnamed blobs is left of what is refused, and those only of what was sound as far as it could be seen before.
 */
export async function push(
  partition: Partition,
  repository: Repository,
  updates: readonly RefUpdate[],
  pack: ByteReader,
  atomic: boolean,
): Promise<PushReport> {
  const problems = new Map<string, string>()
  const asked: Push = { startedAt: Date.now(), partition, repository, updates, atomic, problems }
  await eachSound(asked, (update) => branchOf(repository, updates, update))
  if (nothingLeft(asked)) {
    await pack.drain()
    return report(asked)
  }
  const held = new HeldPack(partition.portions, repository.project)
  try {
    return await take(asked, pack, held)
  } catch (error) {
    const problem = packProblem(error)
    if (problem === null) throw error
    await pack.drain()
    const refs = updates.map(({ ref }) => ({ ref, problem: problems.get(ref) ?? "the pack was refused" }))
    return { unpacked: problem, refs }
  } finally {
    held.release()
  }
}

/** Reads, checks and stores a pack, in this order. Throws what `packProblem` knows. */
async function take(asked: Push, pack: ByteReader, held: HeldPack): Promise<PushReport> {
  const { partition, repository, updates, startedAt, problems } = asked
  const index = await indexPack(partition, repository, held.firstReader(pack))
  const plans = await planAll(asked, index)
  if (nothingLeft(asked)) return report(asked)
  const wanted = namedFiles(plans)
  const storeAll = () => storeBlobs(partition, repository.project, { held, index }, wanted)
  const stored = await storeAll()
  const additions: Addition[] = []
  await eachSound(asked, async (update) => {
    const branch = branchOf(repository, updates, update)
    const plan = plans.find((one) => one.branch === branch)
    if (plan) additions.push({ branch, commits: await newCommits(partition, repository, index, stored, plan) })
  })
  if (nothingLeft(asked)) return report(asked)
  const files = { startedAt, ids: [...stored.keys()], again: storeAll }
  const problem = await storeAdditions(partition, repository, additions, files)
  if (problem !== null) for (const { branch } of additions) problems.set(refOf(branch), problem)
  return report(asked)
}

/** What is to be done with each branch, as far as that is known without the contents of files. */
async function planAll(asked: Push, index: PackIndex): Promise<Plan[]> {
  const { partition, repository, updates } = asked
  const changes = new ChangeFinder(partition, repository, index.trees)
  const plans: Plan[] = []
  await eachSound(asked, async (update) => {
    const branch = branchOf(repository, updates, update)
    const added = await commitsToAdd(partition, repository, index.commits, branch, update.to)
    plans.push({ branch, commits: added.commits, steps: await changes.find(added) })
  })
  return plans
}

/** Runs `check` for each ref that has no problem so far, and notes the problem if it throws one. */
async function eachSound({ updates, problems }: Push, check: (update: RefUpdate) => unknown): Promise<void> {
  for (const update of updates.filter(({ ref }) => !problems.has(ref))) {
    try {
      await check(update)
    } catch (error) {
      if (!(error instanceof RefProblem)) throw error
      problems.set(update.ref, error.message)
    }
  }
}

/** Whether no branch can be moved any more. */
function nothingLeft({ updates, problems, atomic }: Push): boolean {
  return (atomic && problems.size > 0) || updates.every(({ ref }) => problems.has(ref))
}

function report({ updates, problems, atomic }: Push): PushReport {
  const others = atomic && problems.size > 0 ? "another branch of this atomic push was refused" : null
  return { unpacked: null, refs: updates.map(({ ref }) => ({ ref, problem: problems.get(ref) ?? others })) }
}

function refOf({ name }: Branch): string {
  return `refs/heads/${name}`
}

/** The branch that an update moves. Throws a `RefProblem` when it cannot be moved. */
function branchOf({ branches }: Repository, updates: readonly RefUpdate[], { ref, from, to }: RefUpdate): Branch {
  if (ref.startsWith(TAGS)) {
    throw new RefProblem("tags are not kept: only the branches of the project and its stages are")
  }
  const branch = branches.find((one) => refOf(one) === ref)
  if (!branch) {
    throw new RefProblem("unknown branch: branches are the stages of the shipyard, and none can be made by a push")
  }
  if (updates.filter((one) => one.ref === ref).length > 1) {
    throw new RefProblem("a branch cannot be moved twice at once")
  }
  if (to === NO_OBJECT) throw new RefProblem("a branch cannot be deleted: it belongs to a stage")
  if (from !== branch.head) throw new RefProblem(FETCH_FIRST)
  return branch
}

/** What is wrong with a pack, by what reading or storing it threw; null when the fault is ours. */
function packProblem(error: unknown): string | null {
  if (error instanceof BlobCollision) return "a file has the git object id of another one that is stored"
  return error instanceof MalformedGitData || error instanceof PackTooLarge ? error.message : null
}
