/** What the shapes of the identity API have in common, as Konnect has them. Ids are UUIDs, times RFC 3339 in UTC. */
import { z } from "@hono/zod-openapi"

/** The ids of the examples; tests put rows with these ids into the directory. */
export const EXAMPLES = {
  user: "7f9fd312-a987-4628-b4c5-bb4f4fddd5f7",
  account: "8a2e4c5d-6f70-4b1c-9d2e-3f4a5b6c7d8e",
  team: "9b3f5d6e-7081-4c2d-8e3f-4a5b6c7d8e9f",
  userToken: "1c4a6e7f-8192-4d3e-9f40-5b6c7d8e9fa0",
  accountToken: "1c4a6e7f-8192-4d3e-9f40-5b6c7d8e9fa1",
  userRole: "2d5b7f80-92a3-4e4f-8051-6c7d8e9fa0b1",
  teamRole: "2d5b7f80-92a3-4e4f-8051-6c7d8e9fa0b2",
  accountRole: "2d5b7f80-92a3-4e4f-8051-6c7d8e9fa0b3",
  member: "3e6c8091-a3b4-4f50-9162-7d8e9fa0b1c2",
} as const

/** An id in a path, as `userId`. */
export function idParam(name: `${string}Id`, example: string) {
  const description = `The id of the ${name.slice(0, -"Id".length)}`
  return z.uuid({ error: "must be a valid UUID" }).openapi({ param: { name, in: "path" }, description, example })
}

/** A time. */
export const timestamp = z.iso.datetime().openapi({ example: "2026-11-20T10:00:00.000Z" })
/** When something was made and changed. */
export const stamps = { created_at: timestamp, updated_at: timestamp }
