/**
 * What a project's creation and deletion ask of the directory. The row is written in the batch of the change and removed when
 * the directory has done its part, so that a job can finish what a failure cut off (docs/storage.md, "Writes that cross planes").
 */
import { and, asc, eq, isNotNull, lt, sql } from "drizzle-orm"
import type { Statement } from "./commit.ts"
import type { Database, Partition } from "./partition.ts"
import { projects, roleChanges } from "./schema.ts"

/** The creator of a project becomes its Admin (`principalId`), or all assignments to a deleted project end (null). */
export interface RoleChange {
  id: string
  project: string
  principalId: string | null
  createdAt: number
}

/** How many changes one run of the job settles, and how old they must be, in milliseconds: younger ones are being settled. */
const SETTLED_BY_JOB = 100
const ABANDONED_AFTER = 60_000

/** The statement that notes that `principalId` becomes Admin of a project that is being created. */
export function noteCreator(db: Database, change: RoleChange): Statement {
  return db.insert(roleChanges).values(change)
}

/** The statements that note the end of all assignments to a project, if there is one; a creator not yet settled is forgotten. */
export function noteDeletion(db: Database, change: RoleChange): Statement[] {
  return [
    db.delete(roleChanges).where(and(eq(roleChanges.project, change.project), isNotNull(roleChanges.principalId))),
    db
      .insert(roleChanges)
      .select(sql`select ${change.id}, name, null, ${change.createdAt} from projects where name = ${change.project}`),
  ]
}

/**
 * Removes the note of a change that is done; answers whether that was still wanted: the note was there, or the job was faster, and the project
 * that was created stands.
 */
export async function finishRoleChange({ db }: Partition, change: RoleChange): Promise<boolean> {
  const [noted, standing] = await db.batch([
    db.delete(roleChanges).where(eq(roleChanges.id, change.id)).returning({ id: roleChanges.id }),
    db
      .select({ id: projects.id })
      .from(projects)
      .where(and(eq(projects.name, change.project), eq(projects.createdAt, change.createdAt))),
  ])
  return noted.length > 0 || standing.length > 0
}

/** The changes that a failure left open, the oldest first. */
export async function findAbandonedRoleChanges(partition: Partition): Promise<RoleChange[]> {
  const { db } = partition
  const { id, project, principalId, createdAt } = roleChanges
  const [rows] = await db.batch([
    db
      .select({ id, project, principalId, createdAt })
      .from(roleChanges)
      .where(lt(createdAt, Date.now() - ABANDONED_AFTER))
      .orderBy(asc(createdAt))
      .limit(SETTLED_BY_JOB),
  ])
  return rows
}
