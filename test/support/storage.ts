/** What stands in the stores of `eu`, read past the Worker. */
import { env } from "cloudflare:workers"
import { z } from "zod"

/** The tables that hold something about projects. */
const projectTables = [
  "projects",
  "branches",
  "services",
  "commits",
  "branch_commits",
  "trees",
  "folders",
  "files",
  "events",
] as const

/** The rows that a query finds. */
export async function query<T>(schema: z.ZodType<T>, sql: string, ...values: unknown[]): Promise<T[]> {
  const { results } = await env.DB_EU.prepare(sql)
    .bind(...values)
    .all()
  return z.array(schema).parse(results)
}

/** The number of rows of every table. */
export async function countRows(): Promise<Record<string, number>> {
  const counts: Record<string, number> = {}
  for (const table of projectTables) {
    const [row] = await query(z.object({ n: z.number() }), `select count(*) as n from ${table}`)
    counts[table] = row?.n ?? 0
  }
  return counts
}

/** The names of all stored blobs of a project (of all, for ""), with their sizes. */
export async function storedBlobs(project: string): Promise<Map<string, number>> {
  const prefix = project === "" ? "" : `projects/${project}/blobs/`
  const blobs = new Map<string, number>()
  let cursor: string | undefined
  do {
    const page: R2Objects = await env.BLOBS_EU.list({ prefix, ...(cursor !== undefined && { cursor }) })
    for (const object of page.objects) blobs.set(object.key.slice(prefix.length), object.size)
    cursor = page.truncated ? page.cursor : undefined
  } while (cursor !== undefined)
  return blobs
}

const HOUR = 60 * 60 * 1000

/** Puts a row that says that a deletion began, an hour ago unless told otherwise, and was cut off right after its batch. */
export async function leaveDeletionOpen(project: string, since = Date.now() - HOUR): Promise<void> {
  await env.DB_EU.prepare("insert or replace into deleted_projects (name, deleted_at, cleared_at) values (?, ?, null)")
    .bind(project, since)
    .run()
}
