/**
 * Writes of one branch, committed: one commit each, one batch for all that wait at the same time. Writers in other isolates are told by the
 * position that only one of them can have; whoever loses reads the branch again.
 */
import { sql } from "drizzle-orm"
import { isKeyTaken, isParentGone } from "../lib/sqlite-errors.ts"
import { StorageError } from "../lib/storage-error.ts"
import { BlobCollision } from "./blobs.ts"
import { type Branch, isServiceMissing, readBranch } from "./branch-state.ts"
import type { QueuedWrite } from "./branch-turns.ts"
import {
  appendCommits,
  type BranchState,
  isUnmoved,
  type NewCommit,
  prepareCommit,
  requireThat,
  type Statement,
} from "./commit.ts"
import type { Database, Partition } from "./partition.ts"
import { pauseBeforeRetry, WRITE_ATTEMPTS } from "./retry.ts"
import type { Missing } from "./scope.ts"
import type { Group, Served } from "./turn-line.ts"
import { mayBeCleared } from "./unnamed-blobs.ts"
import { inScope, type Write, type WriteOutcome, written } from "./write.ts"

/** How many writes of a group put their bytes at the same time: others ask the bucket, too. */
const PUT_AT_ONCE = 8

/** Writers of one branch that are committed together. */
type Writers = Group<QueuedWrite>

/** What became of the writes of a group. */
type Results = Map<QueuedWrite, Served<WriteOutcome>>

/** Commits a write when its turn comes. Throws a `StorageError` when nobody knows what became of it. */
export async function writeInTurn(partition: Partition, write: Write): Promise<WriteOutcome> {
  const { project, stage } = write.scope
  const branch = JSON.stringify([partition.region, project, stage])
  const turn = partition.turns.take(branch, { write, claim: partition.claim }, (group, goesOn) =>
    commitGroup(partition, group, goesOn),
  )
  // Others may wait for this one, also when its client has left.
  partition.later(turn)
  const end = await turn
  switch (end.outcome) {
    case "served":
      return end.result
    case "failed":
      throw end.error
    case "left-the-line":
      return { outcome: "busy" }
    case "leader-lost":
      throw new StorageError("the request that commits this write, too, is not heard of any more")
  }
}

/** What `run` answers; null when other bytes are stored under an id that it puts. */
export async function unlessCollision<T>(run: () => Promise<T>): Promise<T | null> {
  try {
    return await run()
  } catch (error) {
    if (error instanceof BlobCollision) return null
    throw error
  }
}

async function commitGroup(partition: Partition, group: Writers, goesOn: () => void): Promise<Results> {
  // The bytes go first: a blob that no commit names is harmless, the reverse would be a loss.
  const [branch, results] = await Promise.all([readFor(partition, group), putBytes(partition, group, goesOn)])
  const [first, ...others] = group.filter((one) => !results.has(one))
  if (!first) return results
  return new Map([...results, ...(await commitUntilFirst(partition, [first, ...others], branch, goesOn))])
}

/** Puts the bytes of a group; answers what became of the writes whose bytes do not stand. */
async function putBytes({ blobs }: Partition, group: Writers, goesOn: () => void): Promise<Results> {
  const failed: Results = new Map()
  const rest = [...group]
  const lane = async () => {
    for (let one = rest.shift(); one; one = rest.shift()) {
      const { scope, blobs: bytes } = one.write
      const put = await settle(() => unlessCollision(() => blobs.put(scope.project, bytes ?? []).then(() => "put")))
      goesOn()
      if (rest.length > 0) await scheduler.wait(0)
      if (put.outcome === "failed") failed.set(one, put)
      else if (put.result === null) failed.set(one, served({ outcome: "collision" }))
    }
  }
  await Promise.all(Array.from({ length: PUT_AT_ONCE }, lane))
  return failed
}

function readFor(partition: Partition, group: Writers): Promise<Branch | Missing> {
  const services = group.map(({ write }) => write.scope.service)
  const changes = group.flatMap(({ write }) => write.changes)
  return readBranch(partition, group[0].write.scope, services, changes)
}

async function commitUntilFirst(
  partition: Partition,
  group: Writers,
  first: Branch | Missing,
  goesOn: () => void,
): Promise<Results> {
  let branch = first
  for (let attempt = 1; ; attempt++) {
    goesOn()
    if (group.length > 1) await scheduler.wait(0)
    if (branch.outcome === "missing") return allOf(group, branch)
    const tried = await tryCommit(partition, group, branch)
    if (tried === "apart") return commitApart(partition, group, goesOn)
    if (tried !== "again") return tried
    if (attempt === WRITE_ATTEMPTS) return allOf(group, { outcome: "busy" })
    await pauseBeforeRetry(attempt)
    branch = await readFor(partition, group)
  }
}

/** One after the other: something of one of them is in the way of the others. */
async function commitApart(partition: Partition, group: Writers, goesOn: () => void): Promise<Results> {
  const results: Results = new Map()
  for (const one of group) {
    const alone = async () => commitUntilFirst(partition, [one], await readFor(partition, [one]), goesOn)
    const settled = await settle(alone)
    results.set(one, settled.outcome === "failed" ? settled : (settled.result.get(one) ?? served({ outcome: "busy" })))
  }
  return results
}

/** Commits a group on the branch as it was read; `again` when it has to be read anew, `apart` when the group has to be parted. */
async function tryCommit(partition: Partition, group: Writers, branch: Branch): Promise<Results | "again" | "apart"> {
  if (mayLackBytes(group, branch)) {
    if (group.length > 1) return "apart"
    const bytes = await bringBack(partition, group[0].write, branch)
    if (bytes === "gone") return allOf(group, { outcome: "busy" })
    if (bytes === "being-removed") return "again"
  }
  const plan = await planCommits(branch, group)
  const claims = plan.changing.flatMap(({ claim }) => claim ?? [])
  const db = partition.claiming(claims)
  const [head, ...rest] = statementsOf(db, branch.state, plan)
  try {
    if (head) await db.batch([head, ...rest])
    return plan.results
  } catch (error) {
    // Another writer has the position, or the project or service went away under us.
    if (isKeyTaken(error, "branch_commits")) return "again"
    if (group.length === 1 && isParentGone(error)) return "again"
    // When storage failed, the batch may have been carried out.
    if (group.length === 1 || error instanceof StorageError) throw error
    return "apart"
  }
}

/** What a group does to a branch, in its order; the results hold if the batch succeeds. */
interface Plan {
  results: Results
  commits: NewCommit[]
  /** Those that commit, or do something else. */
  changing: QueuedWrite[]
  /** The branch as the last commit leaves it. */
  after: BranchState
}

async function planCommits(branch: Branch, group: Writers): Promise<Plan> {
  const plan: Plan = { results: new Map(), commits: [], changing: [], after: branch.state }
  for (const one of group) plan.results.set(one, served(await planOne(branch, one, plan)))
  return plan
}

async function planOne(branch: Branch, one: QueuedWrite, plan: Plan): Promise<WriteOutcome> {
  const { write } = one
  if (isServiceMissing(branch, write.scope)) return { outcome: "missing", what: "service" }
  const refusal = write.refuse(plan.after)
  if (refusal) return inScope(write.scope, refusal)
  const prepared = await prepareCommit(plan.after, write.changes, write.author, write.message)
  if (prepared.outcome !== "prepared" && prepared.outcome !== "unchanged") return inScope(write.scope, prepared)
  if (prepared.outcome === "prepared" || write.also.length > 0) plan.changing.push(one)
  if (prepared.outcome === "unchanged") return written(write, plan.after.commitId ?? "")
  plan.commits.push(prepared.commit)
  plan.after = prepared.after
  return written(write, prepared.commit.id)
}

function statementsOf(db: Database, branch: BranchState, { commits, changing }: Plan): Statement[] {
  const also = changing.flatMap(({ write }) => write.also)
  if (commits.length === 0) return also.length === 0 ? [] : [requireThat(db, isUnmoved(branch)), ...also]
  const services = new Set(changing.flatMap(({ write }) => write.scope.service ?? []))
  // A service whose folder is empty is deleted without a commit, so that the position tells nothing of it.
  const standing = Array.from(services, (service) =>
    requireThat(db, sql`exists (select 1 from services where branch_id = ${branch.branchId} and name = ${service})`),
  )
  return [...standing, ...appendCommits(db, branch, commits), ...also]
}

/** Whether bytes of a group are being removed from the bucket, or may have been since they were put. */
function mayLackBytes(group: Writers, { inTheWay, clearedAt }: Branch): boolean {
  const startedAt = Math.min(...group.map(({ write }) => write.startedAt))
  const isRemoved = (removedAt: number | null) => removedAt === null || mayBeCleared(removedAt, startedAt)
  return inTheWay.some(({ removedAt }) => isRemoved(removedAt)) || mayBeCleared(clearedAt, startedAt)
}

/** Puts the bytes of a write again. They are `gone` when they were uploaded: only the caller can send those again. */
async function bringBack(
  partition: Partition,
  { scope, blobs }: Write,
  { inTheWay }: Branch,
): Promise<"back" | "being-removed" | "gone"> {
  if (blobs === null) return "gone"
  if (inTheWay.some(({ removedAt }) => removedAt === null)) return "being-removed"
  await partition.blobs.put(scope.project, blobs)
  return "back"
}

function allOf(group: Writers, outcome: WriteOutcome): Results {
  return new Map(group.map((one) => [one, served(outcome)]))
}

function served<T>(result: T): Served<T> {
  return { outcome: "served", result }
}

async function settle<T>(run: () => Promise<T>): Promise<Served<T>> {
  try {
    return served(await run())
  } catch (error) {
    return { outcome: "failed", error }
  }
}
