/** The organization, read. */
import { eq } from "drizzle-orm"
import type { Directory } from "./directory.ts"
import { organizations } from "./schema.ts"

/** The organization with this id, or null. Times are milliseconds since 1970. */
export async function findOrganization(
  directory: Directory,
  id: string,
): Promise<typeof organizations.$inferSelect | null> {
  const [rows] = await directory.db.batch([directory.db.select().from(organizations).where(eq(organizations.id, id))])
  return rows[0] ?? null
}
