/** When a fetching client has named enough of what it has. The rule is that of git's upload-pack: `ok_to_give_up`. */
import type { ObjectId } from "./objects.ts"
import { type FindCommit, type HistoryCommit, parentsFirst } from "./walk.ts"

/**
 * How many of `haves`, taken in their order, are enough: from every commit in `wants` one of them can be reached, or a parent of one.
 * Null when all of them are not enough. As git does, it does not look behind commits that are older than all of `haves`.
 */
export async function enoughHaves(
  find: FindCommit,
  wants: readonly ObjectId[],
  haves: readonly ObjectId[],
): Promise<number | null> {
  const needed = new Map<ObjectId, number>()
  let oldest = Number.POSITIVE_INFINITY
  for (const [index, id] of haves.entries()) {
    const commit = await find(id)
    if (commit === null) continue
    oldest = Math.min(oldest, commit.time)
    for (const one of [id, ...commit.parents]) if (!needed.has(one)) needed.set(one, index + 1)
  }
  for (const { id, parents } of parentsFirst(await notOlder(find, wants, oldest))) {
    const counts = [id, ...parents].map((one) => needed.get(one) ?? Number.POSITIVE_INFINITY)
    needed.set(id, Math.min(...counts))
  }
  const counts = wants.map((id) => needed.get(id) ?? Number.POSITIVE_INFINITY)
  const most = counts.reduce((a, b) => Math.max(a, b), 0)
  return most > 0 && Number.isFinite(most) ? most : null
}

/** The commits that can be reached from `wants` by commits that are not older than `oldest`. */
async function notOlder(find: FindCommit, wants: readonly ObjectId[], oldest: number): Promise<HistoryCommit[]> {
  const found = new Map<ObjectId, HistoryCommit>()
  const wanted = new Set(wants)
  const open = [...wants]
  for (let id = open.pop(); id !== undefined; id = open.pop()) {
    const commit = found.has(id) ? null : await find(id)
    if (commit === null || (commit.time < oldest && !wanted.has(id))) continue
    found.set(id, commit)
    open.push(...commit.parents)
  }
  return [...found.values()]
}
