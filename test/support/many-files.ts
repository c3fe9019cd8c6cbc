/** A commit with more files than one write of the API can have. */
import { FILE_MODE, TREE_MODE } from "../../src/git/objects.ts"
import { headOf, push } from "./git.ts"
import { blobOf, commitOf, packOf, treeOf } from "./packs.ts"

/** Pushes a commit to `dev` that leaves 1,001 files in the folder `many`, and nothing else; answers its id. */
export async function pushManyFiles(project: string): Promise<string> {
  const blob = await blobOf("same")
  const names = Array.from({ length: 1_001 }, (_, index) => `${index}.txt`)
  const many = await treeOf(...names.map((name) => ({ mode: FILE_MODE, name, id: blob.id })))
  const root = await treeOf({ mode: TREE_MODE, name: "many", id: many.id })
  const from = await headOf(project, "dev")
  const commit = await commitOf({ tree: root.id, parents: [from] })
  const report = await push(
    project,
    [{ ref: "refs/heads/dev", from, to: commit.id }],
    packOf([blob, many, root, commit]),
  )
  if (!report.includes("ok refs/heads/dev")) throw new Error(report.join("\n"))
  return commit.id
}
