/**
 * Holds everything that is stored of a project in `eu` against itself: at every position of every branch the rows of files and
 * folders must say what the trees of the commit say, all ids must be those of git, every commit must follow its parents, and
 * every file must have its bytes.
 */
import { expect } from "vitest"
import { z } from "zod"
import { objectId, parseTree } from "../../src/git/objects.ts"
import { compareBytes, utf8 } from "../../src/lib/bytes.ts"
import { query, storedBlobs } from "./storage.ts"

const objectSchema = z.object({ id: z.string(), content: z.string() })
const branchSchema = z.object({ id: z.string(), name: z.string(), stage_position: z.number().nullable() })
const positionSchema = z.object({ seq: z.number(), commit_id: z.string() })
const rangeShape = { path: z.string(), from_seq: z.number(), until_seq: z.number().nullable() }
const fileSchema = z.object({ ...rangeShape, walk_key: z.string(), blob_id: z.string(), size: z.number() })
const folderSchema = z.object({ ...rangeShape, tree_id: z.string(), file_count: z.number() })

/** The line of commits of one branch: its messages, the oldest first. */
export type History = string[]

/** Checks a project and answers the history of each of its branches. */
export async function auditProject(project: string): Promise<Record<string, History>> {
  const [found] = await query(z.object({ id: z.string() }), "select id from projects where name = ?", project)
  if (!found) throw new Error(`there is no project ${project}`)
  const blobs = await storedBlobs(project)
  const commits = await readObjects("commit", found.id)
  const trees = await readObjects("tree", found.id)
  const branches = await query(
    branchSchema,
    "select id, name, stage_position from branches where project_id = ?",
    found.id,
  )
  const histories: Record<string, History> = {}
  for (const branch of branches) histories[branch.name] = await auditBranch(branch, commits, trees, blobs)
  return histories
}

async function auditBranch(
  branch: z.infer<typeof branchSchema>,
  commits: ReadonlyMap<string, Uint8Array>,
  trees: ReadonlyMap<string, Uint8Array>,
  blobs: ReadonlyMap<string, number>,
): Promise<History> {
  const of = "where branch_id = ? order by"
  const positions = await query(positionSchema, `select seq, commit_id from branch_commits ${of} seq`, branch.id)
  const files = await query(fileSchema, `select * from files ${of} path`, branch.id)
  const folders = await query(folderSchema, `select * from folders ${of} path`, branch.id)
  expect(positions.map((position) => position.seq)).toEqual(positions.map((_, index) => index))
  for (const file of files) {
    expect(file.walk_key).toBe(file.path.replaceAll("/", "\u0001"))
    expect(blobs.get(file.blob_id)).toBe(file.size)
  }
  const history: History = []
  // A stage starts from a commit of the default branch: what is before that one belongs to the branch, too.
  const standing = ancestorsOf(positions[0]?.commit_id, commits)
  for (const [index, { seq, commit_id: id }] of positions.entries()) {
    const { tree, parents, message } = readCommit(commits.get(id))
    // What a merge brought along stands before it, between the position of its first parent and its own.
    expect(parents.filter((parent) => !standing.has(parent))).toEqual([])
    if (index > 0) expect(parents).not.toEqual([])
    expect(standing.has(id)).toBe(index === 0)
    standing.add(id)
    const walked = walk(tree, "", trees)
    const stands = (range: { from_seq: number; until_seq: number | null }) =>
      range.from_seq <= seq && (range.until_seq === null || range.until_seq > seq)
    expect(files.filter(stands).map((file) => [file.path, file.blob_id])).toEqual(sorted(walked.files))
    expect(folders.filter(stands).map((folder) => [folder.path, `${folder.tree_id} ${folder.file_count}`])).toEqual(
      sorted(walked.folders),
    )
    history.push(message)
  }
  return history
}

async function readObjects(type: "commit" | "tree", projectId: string): Promise<Map<string, Uint8Array>> {
  const table = `${type}s`
  const rows = await query(
    objectSchema,
    `select id, hex(content) as content from ${table} where project_id = ?`,
    projectId,
  )
  const objects = new Map<string, Uint8Array>()
  for (const { id, content } of rows) {
    const bytes = Uint8Array.fromHex(content)
    expect(await objectId(type, bytes)).toBe(id)
    objects.set(id, bytes)
  }
  return objects
}

function readCommit(content: Uint8Array | undefined): { tree: string; parents: string[]; message: string } {
  const text = new TextDecoder().decode(content)
  const [, tree, named = ""] = /^tree ([0-9a-f]{40})\n((?:parent [0-9a-f]{40}\n)*)author /.exec(text) ?? []
  if (tree === undefined) throw new Error(`not a commit: ${text}`)
  const parents = [...named.matchAll(/[0-9a-f]{40}/g)].map(([id]) => id)
  return { tree, parents, message: text.slice(text.indexOf("\n\n") + 2).trimEnd() }
}

/** A commit and all that can be reached from it. */
function ancestorsOf(start: string | undefined, commits: ReadonlyMap<string, Uint8Array>): Set<string> {
  const found = new Set<string>()
  const open = start === undefined ? [] : [start]
  for (let id = open.pop(); id !== undefined; id = open.pop()) {
    if (found.has(id)) continue
    found.add(id)
    open.push(...readCommit(commits.get(id)).parents)
  }
  return found
}

/** Everything below a tree: files with their blobs, folders (the root included) with their trees and numbers of files. */
function walk(id: string, path: string, trees: ReadonlyMap<string, Uint8Array>) {
  const content = trees.get(id)
  if (content === undefined) throw new Error(`the tree of '${path}' is not stored`)
  const files: [string, string][] = []
  const folders: [string, string][] = []
  for (const entry of parseTree(content)) {
    const below = path === "" ? entry.name : `${path}/${entry.name}`
    if (entry.mode !== "40000") {
      files.push([below, entry.id])
      continue
    }
    const inner = walk(entry.id, below, trees)
    files.push(...inner.files)
    folders.push(...inner.folders)
  }
  folders.push([path, `${id} ${files.length}`])
  return { files, folders }
}

/** In the order in which SQLite sorts paths. */
function sorted(pairs: [string, string][]): [string, string][] {
  return pairs.toSorted(([a], [b]) => compareBytes(utf8(a), utf8(b)))
}
