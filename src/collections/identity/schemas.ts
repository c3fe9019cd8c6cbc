/** The shapes of the identity API. */
import { z } from "@hono/zod-openapi"

const id = z.uuid().openapi({ example: "7f9fd312-a987-4628-b4c5-bb4f4fddd5f7" })
const timestamp = z.iso.datetime().openapi({ example: "2026-11-20T10:00:00.000Z" })

export const organizationSchema = z
  .object({
    id,
    name: z.string().openapi({ example: "Quarterdeck" }),
    owner_id: id,
    login_path: z.string().openapi({ example: "", description: "Empty: there is no login page" }),
    created_at: timestamp,
    updated_at: timestamp,
    state: z.enum(["active"]).openapi({ example: "active" }),
    retention_period_days: z.number().int().openapi({ example: 0 }),
  })
  .openapi("Organization")

export const userSchema = z
  .object({
    id,
    email: z.string().openapi({ example: "admin@example.com" }),
    full_name: z.string().openapi({ example: "Administrator" }),
    preferred_name: z.string().openapi({ example: "Administrator" }),
    active: z.boolean().openapi({ example: true }),
    created_at: timestamp,
    updated_at: timestamp,
  })
  .openapi("User")
