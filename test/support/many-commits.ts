/** Many commits on a branch, made past the API: as real as those that it makes, and faster. */
import { z } from "zod"
import { encodeCommit, objectId, parseTree } from "../../src/git/objects.ts"
import { type Folder, updateTrees } from "../../src/git/tree-update.ts"
import { appendCommits, type FileVersion, type NewCommit } from "../../src/partition/commit.ts"
import { openRegion } from "./partition.ts"
import { query } from "./storage.ts"

/** How many commits are stored in one batch. */
const AT_ONCE = 500

const headSchema = z.object({ project_id: z.string(), branch_id: z.string(), seq: z.number(), commit_id: z.string() })
const folderSchema = z.object({ path: z.string(), file_count: z.number(), content: z.string() })

/** Adds `count` commits to the branch of a stage. `changes` says what each of them writes; the blobs must be stored already. */
export async function addCommits(
  project: string,
  stage: string,
  count: number,
  changes: (number: number) => FileVersion[],
): Promise<void> {
  const [head] = await query(
    headSchema,
    `select projects.id as project_id, branch_id, seq, commit_id from projects join branches on branches.project_id = projects.id
    join branch_commits on branch_id = branches.id where projects.name = ? and branches.name = ?
    order by seq desc limit 1`,
    project,
    stage,
  )
  if (!head) throw new Error(`there is no stage ${stage} of ${project}`)
  const folders = await readFolders(head.branch_id)
  const branch = { projectId: head.project_id, branchId: head.branch_id }
  let { seq, commit_id: parent } = head
  for (let made = 0; made < count;) {
    const commits: NewCommit[] = []
    for (; commits.length < AT_ONCE && made < count; made++) {
      const commit = await commitOn(folders, parent, changes(made), `commit ${seq + 1 + commits.length}`)
      commits.push(commit)
      parent = commit.id
    }
    const { db } = openRegion()
    const [first, ...others] = appendCommits(db, { ...branch, seq }, commits)
    if (first) await db.batch([first, ...others])
    seq += commits.length
  }
}

async function readFolders(branchId: string): Promise<Map<string, Folder>> {
  const rows = await query(
    folderSchema,
    `select path, file_count, hex(content) as content from folders join branches on branches.id = branch_id
    join trees on trees.project_id = branches.project_id and trees.id = tree_id where branch_id = ? and until_seq is null`,
    branchId,
  )
  return new Map(
    rows.map(({ path, file_count: fileCount, content }) => [
      path,
      { entries: parseTree(Uint8Array.fromHex(content)), fileCount },
    ]),
  )
}

/** The commit that makes `changes`; `folders` are those that stand then. */
async function commitOn(
  folders: Map<string, Folder>,
  parent: string,
  changes: readonly FileVersion[],
  message: string,
): Promise<NewCommit> {
  const update = await updateTrees(folders, changes)
  if (update.outcome !== "updated") throw new Error(`a commit is ${update.outcome}`)
  for (const { path, content, fileCount } of update.folders) {
    folders.set(path, { entries: parseTree(content), fileCount })
  }
  for (const path of update.removed) folders.delete(path)
  const author = { name: "Many", email: "many@example.com", time: 1_700_000_000 }
  const content = encodeCommit({ tree: update.root, parent, author, message })
  return {
    id: await objectId("commit", content),
    content,
    treeId: update.root,
    trees: update.folders,
    files: update.changed,
    folders: [...update.folders, ...update.removed.map((path) => ({ path, id: null, fileCount: 0 }))],
  }
}
