/** The branches of a project, as git sees them. */
import { asc, eq, sql } from "drizzle-orm"
import type { ObjectId } from "../git/objects.ts"
import type { Partition } from "./partition.ts"
import { branchCommits, branches, deletedProjects, projects } from "./schema.ts"
import { isHead } from "./scope.ts"

/** A branch with its head, which is the commit at position `seq`. */
export interface Branch {
  id: string
  name: string
  seq: number
  head: ObjectId
}

/** A project as a git repository. `clearedAt`: when the bytes of an earlier project of this name were gone, in ms since 1970. */
export interface Repository {
  projectId: string
  project: string
  defaultBranch: string
  branches: Branch[]
  clearedAt: number | null
}

/** Finds a project's branches, by name; null when there is no such project. One trip. */
export async function findRepository({ db }: Partition, project: string): Promise<Repository | null> {
  const query = db
    .select({
      projectId: sql<string>`${projects.id}`.as("project_id"),
      defaultBranch: projects.defaultBranch,
      id: sql<string>`${branches.id}`.as("branch_id"),
      name: sql<string>`${branches.name}`.as("branch"),
      seq: branchCommits.seq,
      head: branchCommits.commitId,
      clearedAt: deletedProjects.clearedAt,
    })
    .from(projects)
    .innerJoin(branches, eq(branches.projectId, projects.id))
    .innerJoin(branchCommits, isHead)
    .leftJoin(deletedProjects, eq(deletedProjects.name, projects.name))
    .where(eq(projects.name, project))
    .orderBy(asc(branches.name))
  const [rows] = await db.batch([query])
  const [first] = rows
  if (!first) return null
  const { projectId, defaultBranch, clearedAt } = first
  return {
    projectId,
    project,
    defaultBranch,
    clearedAt,
    branches: rows.map(({ id, name, seq, head }) => ({ id, name, seq, head })),
  }
}
