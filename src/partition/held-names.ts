/** Which names a branch holds, or ever held. */
import { and, eq } from "drizzle-orm"
import type { Partition } from "./partition.ts"
import { branches, files, projects } from "./schema.ts"
import { branchOf, inBranch, type Scope } from "./scope.ts"

/** Whether a file of that path stands at the head of the scope's branch, or stood there at any earlier commit. */
export async function wasEverHeld({ db }: Partition, scope: Scope, path: string): Promise<boolean> {
  const held = db
    .select({ seq: files.fromSeq })
    .from(projects)
    .innerJoin(branches, branchOf(scope))
    .innerJoin(files, and(eq(files.branchId, branches.id), eq(files.path, inBranch(scope, path))))
    .where(eq(projects.name, scope.project))
    .limit(1)
  const [rows] = await db.batch([held])
  return rows.length > 0
}
