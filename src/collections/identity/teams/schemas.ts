/** The shapes of teams and their members. */
import { z } from "@hono/zod-openapi"
import { pageSchema } from "../../../gateway/listing.ts"
import { descriptionSchema, nameSchema } from "../../../gateway/names.ts"
import { EXAMPLES, stamps } from "../schemas.ts"

const labels = z
  .record(
    z.string().regex(/^[a-zA-Z0-9]([a-zA-Z0-9._-]{0,61}[a-zA-Z0-9])?$/, "must be a label key"),
    z.string().regex(/^[a-zA-Z0-9]([a-zA-Z0-9._-]{0,61}[a-zA-Z0-9])?$/, "must be a label value"),
  )
  .refine((map) => Object.keys(map).length <= 50, "cannot have more than 50 labels")
  .openapi({ example: { env: "test" } })

export const teamSchema = z
  .object({
    id: z.uuid().openapi({ example: EXAMPLES.team }),
    name: z.string().openapi({ example: "carts" }),
    description: z.string().openapi({ example: "Who builds the carts service" }),
    system_team: z.boolean().openapi({ example: false }),
    labels: z.record(z.string(), z.string()).openapi({ example: { env: "test" } }),
    ...stamps,
  })
  .openapi("Team")

export const teamPageSchema = pageSchema(teamSchema).openapi("TeamPage")

export const createTeamSchema = z
  .strictObject({
    name: nameSchema(250, "carts"),
    description: descriptionSchema("Who builds the carts service").optional(),
    labels: labels.optional(),
  })
  .openapi("CreateTeam")

export const updateTeamSchema = z
  .strictObject({
    name: nameSchema(250, "carts").optional(),
    description: descriptionSchema("Who builds the carts service").optional(),
    labels: labels.optional(),
  })
  .openapi("UpdateTeam")

export const memberSchema = z
  .strictObject({ id: z.uuid({ error: "must be a valid UUID" }).openapi({ example: EXAMPLES.member }) })
  .openapi("Member")
