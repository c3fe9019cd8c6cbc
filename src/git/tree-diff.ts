/** What differs between two trees, found by reading only the folders that differ. */
import type { ObjectId, TreeEntry } from "./objects.ts"
import { TREE_MODE } from "./objects.ts"

/** Two trees to compare; null for one that is not there. */
export interface TreePair {
  before: ObjectId | null
  after: ObjectId | null
}

/** A path that is not the same in both trees: a file, or a folder with what it holds. Null where it is not there. */
export interface Difference extends TreePair {
  kind: "file" | "folder"
  path: string
  /** The mode of a file before; null for one that was not there, and for folders. */
  modeBefore: string | null
}

/** Reads trees: as many of `ids`, in their order, as fit into memory, but at least the first two. */
export type ReadTrees = (ids: readonly ObjectId[]) => Promise<ReadonlyMap<ObjectId, TreeEntry[]>>

/** A tree that is named and cannot be read. */
export class MissingTree extends Error {
  override name = "MissingTree"
}

/** The comparison was given up: more differs, or has to be compared, than its bounds allow. */
export class TooManyDifferences extends Error {
  override name = "TooManyDifferences"
}

/** How much work a comparison may be, over all pairs; what is done is taken off. */
export interface DiffBounds {
  differences: number
  /** Entries of trees that are compared. A tree counts wherever it stands. */
  entries: number
}

/** A folder that differs and is still to be looked into. */
interface OpenFolder extends TreePair {
  pair: number
  path: string
}

/**
 * The differences of each of `pairs`, folders before what is in them. The root is the folder "". Folders of a pair are no longer
 * looked into once it has `enough` differences. Throws `MissingTree`, and `TooManyDifferences` beyond `bounds`.
 */
export async function diffTrees(
  pairs: readonly TreePair[],
  read: ReadTrees,
  enough: number = Number.POSITIVE_INFINITY,
  bounds: DiffBounds = { differences: Number.POSITIVE_INFINITY, entries: Number.POSITIVE_INFINITY },
): Promise<Difference[][]> {
  const differences = pairs.map((): Difference[] => [])
  // Counted when they are found: a tree can hold the same folder many times over, and so can that one.
  const counts = pairs.map(() => 0)
  let open: OpenFolder[] = pairs.map((pair, index) => ({ pair: index, path: "", ...pair }))
  open = open.filter(({ before, after }) => before !== after)
  while (open.length > 0) {
    const trees = await read([...new Set(open.flatMap(({ before, after }) => [before ?? [], after ?? []].flat()))])
    const here = (id: ObjectId | null) => id === null || trees.has(id)
    const [first] = open
    if (first && !(here(first.before) && here(first.after))) {
      throw new MissingTree(`the tree of '${first.path}' is named but not stored`)
    }
    const later: OpenFolder[] = []
    const below: OpenFolder[] = []
    for (const folder of open) {
      const found = differences[folder.pair] ?? []
      const count = counts[folder.pair] ?? 0
      const { path, before, after } = folder
      if (count >= enough) {
        found.push({ kind: "folder", path, before, after, modeBefore: null })
        continue
      }
      if (!here(before) || !here(after)) {
        later.push(folder)
        continue
      }
      found.push({ kind: "folder", path, before, after, modeBefore: null })
      bounds.entries -= entriesOf(before, trees) + entriesOf(after, trees)
      if (bounds.entries < 0) throw new TooManyDifferences("its folders have too many entries to be compared at once")
      const inside = differencesIn(folder, trees)
      bounds.differences -= inside.length
      if (bounds.differences < 0) throw new TooManyDifferences("too many files and folders differ")
      counts[folder.pair] = count + inside.length
      for (const one of inside) {
        if (one.kind === "file") found.push(one)
        else below.push({ pair: folder.pair, path: one.path, before: one.before, after: one.after })
      }
    }
    open = [...later, ...below]
  }
  return differences
}

function entriesOf(id: ObjectId | null, trees: ReadonlyMap<ObjectId, TreeEntry[]>): number {
  return trees.get(id ?? "")?.length ?? 0
}

function differencesIn(folder: OpenFolder, trees: ReadonlyMap<ObjectId, TreeEntry[]>): Difference[] {
  const before = byName(trees.get(folder.before ?? ""))
  const after = byName(trees.get(folder.after ?? ""))
  const found: Difference[] = []
  for (const name of new Set([...before.keys(), ...after.keys()])) {
    const old = before.get(name)
    const now = after.get(name)
    if (old?.id === now?.id && old?.mode === now?.mode) continue
    const path = folder.path === "" ? name : `${folder.path}/${name}`
    // A file where a folder was, or the reverse, is two differences: one goes and one comes.
    const folders = { before: idOf(old, true), after: idOf(now, true) }
    const files = { before: idOf(old, false), after: idOf(now, false) }
    if (folders.before !== folders.after) found.push({ kind: "folder", path, modeBefore: null, ...folders })
    if (files.before !== null || files.after !== null) {
      found.push({ kind: "file", path, modeBefore: files.before === null ? null : (old?.mode ?? null), ...files })
    }
  }
  return found
}

function byName(entries: readonly TreeEntry[] | undefined): Map<string, TreeEntry> {
  return new Map((entries ?? []).map((entry) => [entry.name, entry]))
}

function idOf(entry: TreeEntry | undefined, folder: boolean): ObjectId | null {
  return entry !== undefined && (entry.mode === TREE_MODE) === folder ? entry.id : null
}
