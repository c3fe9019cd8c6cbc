/** Many rows in few parameters: D1 binds at most 100 of them to a statement, so rows travel as JSON and SQL unpacks them. */
import { type Placeholder, type SQL, sql } from "drizzle-orm"
import { utf8 } from "../lib/bytes.ts"

/** A bound value may hold about 2 MB; this stays clear of it. */
const CHUNK_BYTES = 1_000_000

/** `rows` as JSON arrays, each small enough to be bound, for `json_each`. Every row lands in exactly one of them. */
export function jsonChunks(rows: readonly unknown[]): string[] {
  const chunks: string[] = []
  let current: string[] = []
  let length = 0
  for (const row of rows) {
    const text = JSON.stringify(row)
    const size = utf8(text).length
    if (length + size > CHUNK_BYTES && current.length > 0) {
      chunks.push(`[${current.join(",")}]`)
      current = []
      length = 0
    }
    current.push(text)
    length += size
  }
  if (current.length > 0) chunks.push(`[${current.join(",")}]`)
  return chunks
}

/** The values of a JSON array, for `inArray`: any number of them in one parameter. */
export function valuesOf(json: string | Placeholder): SQL {
  return sql`(select value from json_each(${json}))`
}
