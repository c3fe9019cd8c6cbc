/** How a change of some files changes the trees above them. Pure: the caller brings the trees that stand and keeps the new ones. */
import { encodeTree, FILE_MODE, type ObjectId, objectId, TREE_MODE, type TreeEntry } from "./objects.ts"

/** A folder as it stands: its entries and the number of files in it and below it. The root's path is "". */
export interface Folder {
  entries: TreeEntry[]
  fileCount: number
}

/** One file written (`id` of its blob) or removed (`id` null). Paths have no leading slash. Without a mode, it keeps the one it has. */
export interface FileChange {
  path: string
  id: ObjectId | null
  mode?: string
}

/** A folder after the change, with the object that describes it. */
export interface NewFolder {
  path: string
  id: ObjectId
  content: Uint8Array<ArrayBuffer>
  fileCount: number
}

/**
 * The outcome of a change: new folders, root included, folders that are gone, and those of the asked changes that made a
 * difference; or why it cannot be.
 */
export type TreeUpdate<Change extends FileChange> = NewTrees<Change> | NoTrees

/** The trees after a change. */
export interface NewTrees<Change extends FileChange> {
  outcome: "updated"
  root: ObjectId
  folders: NewFolder[]
  removed: string[]
  changed: Change[]
}

/** Why there are no new trees: nothing would change, or a file stands where a folder must be, or the reverse. */
export type NoTrees =
  | { outcome: "unchanged" }
  | { outcome: "file-in-the-way"; path: string }
  | { outcome: "folder-in-the-way"; path: string }

/** Every folder above `path`, the root first: `a/b/c.yaml` gives "", "a", "a/b". */
export function ancestors(path: string): string[] {
  const segments = path.split("/").slice(0, -1)
  return ["", ...segments.map((_, index) => segments.slice(0, index + 1).join("/"))]
}

/** What stands at `path`, given the folder above it; null for nothing. */
export function entryAt(folders: ReadonlyMap<string, Folder>, path: string): TreeEntry | null {
  const name = basename(path)
  return folders.get(parent(path))?.entries.find((entry) => entry.name === name) ?? null
}

/**
 * Applies `changes` to `folders`, which must hold every existing folder above each changed path. Of several changes of one
 * path the last counts. Writing what already stands, and removing what does not, changes nothing.
 */
export async function updateTrees<Change extends FileChange>(
  folders: ReadonlyMap<string, Folder>,
  changes: readonly Change[],
): Promise<TreeUpdate<Change>> {
  const work = new Map<string, Map<string, TreeEntry>>()
  const counts = new Map<string, number>()
  const touched = new Set<string>()
  const changed: Change[] = []
  const open = (path: string): Map<string, TreeEntry> => {
    const known = work.get(path)
    if (known) return known
    const entries = new Map((folders.get(path)?.entries ?? []).map((entry) => [entry.name, entry]))
    work.set(path, entries)
    counts.set(path, folders.get(path)?.fileCount ?? 0)
    return entries
  }

  for (const change of new Map(changes.map((one) => [one.path, one])).values()) {
    const above = ancestors(change.path)
    const obstacle = above.slice(1).find((folder) => isFile(open(parent(folder)).get(basename(folder))))
    if (obstacle !== undefined) return { outcome: "file-in-the-way", path: obstacle }
    const siblings = open(parent(change.path))
    const name = basename(change.path)
    const standing = siblings.get(name)
    // A folder whose last file went with a change before this one is gone.
    const present = standing?.mode === TREE_MODE && counts.get(change.path) === 0 ? undefined : standing
    if (present?.mode === TREE_MODE) return { outcome: "folder-in-the-way", path: change.path }
    const mode = change.mode ?? present?.mode ?? FILE_MODE
    if (present?.id === (change.id ?? undefined) && (present?.mode ?? mode) === mode) continue
    changed.push(change)
    if (change.id === null) siblings.delete(name)
    else siblings.set(name, { mode, name, id: change.id })
    const grown = (change.id === null ? 0 : 1) - (present ? 1 : 0)
    for (const folder of above) {
      open(folder)
      counts.set(folder, (counts.get(folder) ?? 0) + grown)
      touched.add(folder)
    }
    // A folder must be listed in the one above as soon as it is written to, so that a later change in this request sees it.
    for (const folder of above.slice(1)) {
      open(parent(folder)).set(basename(folder), { mode: TREE_MODE, name: basename(folder), id: "" })
    }
  }
  if (changed.length === 0) return { outcome: "unchanged" }
  return { outcome: "updated", changed, ...(await rehash(folders, work, counts, touched)) }
}

/** Encodes the touched folders from the deepest up, so that each finds the ids of those below it. */
async function rehash(
  before: ReadonlyMap<string, Folder>,
  work: ReadonlyMap<string, Map<string, TreeEntry>>,
  counts: ReadonlyMap<string, number>,
  touched: ReadonlySet<string>,
): Promise<Pick<NewTrees<never>, "root" | "folders" | "removed">> {
  const folders: NewFolder[] = []
  const removed: string[] = []
  let root = ""
  const deepestFirst = [...touched].toSorted((a, b) => depth(b) - depth(a))
  for (const path of deepestFirst) {
    const entries = [...(work.get(path) ?? new Map<string, TreeEntry>()).values()]
    const siblings = work.get(parent(path))
    // Git has no empty folders; only the root may be empty.
    if (entries.length === 0 && path !== "") {
      // A file may stand in its place.
      if (!isFile(siblings?.get(basename(path)))) siblings?.delete(basename(path))
      if (before.has(path)) removed.push(path)
      continue
    }
    const content = encodeTree(entries)
    const id = await objectId("tree", content)
    folders.push({ path, id, content, fileCount: counts.get(path) ?? 0 })
    if (path === "") root = id
    else siblings?.set(basename(path), { mode: TREE_MODE, name: basename(path), id })
  }
  return { root, folders, removed }
}

function isFile(entry: TreeEntry | undefined): boolean {
  return entry !== undefined && entry.mode !== TREE_MODE
}

function parent(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf("/")))
}

function basename(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1)
}

/** The number of folders from the root: "" is 0, "a" is 1, "a/b" is 2. */
function depth(path: string): number {
  return path === "" ? 0 : path.split("/").length
}
