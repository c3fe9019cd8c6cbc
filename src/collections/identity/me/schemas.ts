/** The shapes of what a caller can learn of itself, and of invitations. */
import { z } from "@hono/zod-openapi"
import { nameSchema } from "../../../gateway/names.ts"
import { EXAMPLES, stamps, timestamp } from "../schemas.ts"

export const organizationSchema = z
  .object({
    id: z.uuid().openapi({ example: "5d8e70f1-92a3-4b4c-8d5e-6f7081920314" }),
    name: z.string().openapi({ example: "Quarterdeck" }),
    owner_id: z.uuid().openapi({ example: EXAMPLES.user }),
    login_path: z.string().openapi({ example: "", description: "Empty: there is no login page" }),
    ...stamps,
    state: z.enum(["active"]).openapi({ example: "active" }),
    retention_period_days: z.number().int().openapi({ example: 0 }),
  })
  .openapi("Organization")

export const inviteSchema = z
  .strictObject({
    email: z.email({ error: "must be an email address" }).max(250).openapi({ example: "grace@example.com" }),
  })
  .openapi("Invite")

export const invitationSchema = z
  .object({
    user_id: z.uuid().openapi({ example: EXAMPLES.user }),
    activation_token: z.string().openapi({
      example: "kpat_…",
      description:
        "For the administrator to pass on, since no mail is sent. Shown once; good for POST /v3/users/me/activate, once",
    }),
    expires_at: timestamp,
  })
  .openapi("Invitation")

export const activateSchema = z
  .strictObject({ full_name: nameSchema(250, "Grace Hopper").optional() })
  .openapi("Activate")

export const roleCatalogueSchema = z
  .record(
    z.string(),
    z.object({
      name: z.string(),
      roles: z.record(z.string(), z.object({ name: z.string(), description: z.string() })),
    }),
  )
  .openapi("Roles", {
    example: { projects: { name: "Projects", roles: { viewer: { name: "Viewer", description: "Reads" } } } },
  })
