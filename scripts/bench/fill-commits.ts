/** Many commits on the default branch of a project. */
import { z } from "zod"
import { encodeCommit, objectId, parseTree } from "../../src/git/objects.ts"
import { type Folder, updateTrees } from "../../src/git/tree-update.ts"
import { blobOf } from "../../src/partition/blobs.ts"
import { appendCommits, type FileVersion, type NewCommit } from "../../src/partition/commit.ts"
import type { Partition } from "../../src/partition/partition.ts"
import { createProject } from "../../src/partition/projects.ts"
import { writeFiles } from "../../src/partition/file-writes.ts"
import { FILLED, NEVER, OFTEN } from "./filled.ts"

/** How many commits are stored in one batch. */
const AT_ONCE = 500
/** How many files the commits change in turns, beside the one that each changes. */
const FILES = 50
const AUTHOR = { name: "bench", email: "bench@localhost", time: 1_700_000_000 }

const headShape = z.object({ project_id: z.string(), branch_id: z.string(), seq: z.number(), commit_id: z.string() })
const folderShape = z.array(z.object({ path: z.string(), file_count: z.number(), content: z.string() }))

type StoredBlob = Awaited<ReturnType<typeof blobOf>>

/** Makes the project, and `count` commits on its default branch. */
export async function addCommits(partition: Partition, database: D1Database, count: number): Promise<void> {
  const contents = [await blobOf("even"), await blobOf("odd")] as const
  await startProject(partition, contents)
  const head = await readHead(database)
  const folders = await readFolders(database, head.branch_id)
  const branch = { projectId: head.project_id, branchId: head.branch_id }
  let { seq, commit_id: parent } = head
  for (let made = 0; made < count;) {
    const commits: NewCommit[] = []
    for (; commits.length < AT_ONCE && made < count; made++) {
      const commit = await commitOn(folders, parent, changesOf(made, contents))
      commits.push(commit)
      parent = commit.id
    }
    const [first, ...others] = appendCommits(partition.db, { ...branch, seq }, commits)
    if (first) await partition.db.batch([first, ...others])
    seq += commits.length
  }
}

/** Each file has one content and the other in turns: all bytes are stored already. */
function changesOf(made: number, [even, odd]: readonly [StoredBlob, StoredBlob]): FileVersion[] {
  const often = made % 2 === 0 ? even : odd
  const other = Math.floor(made / FILES) % 2 === 0 ? even : odd
  return [
    { path: OFTEN, id: often.id, size: often.size },
    { path: `many/${made % FILES}.txt`, id: other.id, size: other.size },
  ]
}

async function readHead(database: D1Database): Promise<z.infer<typeof headShape>> {
  const row = await database
    .prepare(`select branches.project_id, branch_id, seq, commit_id from projects
      join branches on branches.project_id = projects.id and branches.name = default_branch
      join branch_commits on branch_id = branches.id where projects.name = ? order by seq desc limit 1`)
    .bind(FILLED)
    .first()
  return headShape.parse(row)
}

/** With the bytes of all files that are committed later. */
async function startProject(partition: Partition, contents: readonly StoredBlob[]): Promise<void> {
  const stages = [{ name: "dev", parentStages: [] }]
  const project = { name: FILLED, shipyard: "spec: {}", shipyardVersion: "0.2.2", stages, remote: null }
  const { outcome } = await createProject(partition, project, AUTHOR, [], crypto.randomUUID())
  if (outcome !== "created") throw new Error(`a project is ${outcome}`)
  const writes = [
    ...contents.map(({ content }, index) => ({ path: `contents/${index}.txt`, content })),
    { path: NEVER, content: (await blobOf("objectives: []\n")).content },
  ]
  const scope = { project: FILLED, stage: null, service: null }
  const written = await writeFiles(partition, scope, writes, { author: AUTHOR, message: "Begin" }, () => true)
  if (written.outcome !== "written") throw new Error(`files are ${written.outcome}`)
}

async function readFolders(database: D1Database, branchId: string): Promise<Map<string, Folder>> {
  const { results } = await database
    .prepare(`select path, file_count, hex(content) as content from folders join branches on branches.id = branch_id
      join trees on trees.project_id = branches.project_id and trees.id = tree_id where branch_id = ? and until_seq is null`)
    .bind(branchId)
    .all()
  return new Map(
    folderShape
      .parse(results)
      .map(({ path, file_count: fileCount, content }) => [
        path,
        { entries: parseTree(Uint8Array.from(Buffer.from(content, "hex"))), fileCount },
      ]),
  )
}

/** The commit that makes `changes`; `folders` are those that stand then. */
async function commitOn(
  folders: Map<string, Folder>,
  parent: string,
  changes: readonly FileVersion[],
): Promise<NewCommit> {
  const update = await updateTrees(folders, changes)
  if (update.outcome !== "updated") throw new Error(`a commit is ${update.outcome}`)
  for (const { path, content, fileCount } of update.folders) {
    folders.set(path, { entries: parseTree(content), fileCount })
  }
  const content = encodeCommit({ tree: update.root, parent, author: AUTHOR, message: "Change" })
  const id = await objectId("commit", content)
  return { id, content, treeId: update.root, trees: update.folders, files: update.changed, folders: update.folders }
}
