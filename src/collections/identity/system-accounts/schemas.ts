/** The shapes of system accounts. */
import { z } from "@hono/zod-openapi"
import { pageSchema } from "../../../gateway/listing.ts"
import { descriptionSchema, nameSchema } from "../../../gateway/names.ts"
import { EXAMPLES, stamps } from "../schemas.ts"

export const accountSchema = z
  .object({
    id: z.uuid().openapi({ example: EXAMPLES.account }),
    name: z.string().openapi({ example: "pipeline" }),
    description: z.string().openapi({ example: "Delivers carts" }),
    konnect_managed: z.boolean().openapi({ example: false }),
    ...stamps,
  })
  .openapi("SystemAccount")

export const accountPageSchema = pageSchema(accountSchema).openapi("SystemAccountPage")

export const createAccountSchema = z
  .strictObject({
    name: nameSchema(250, "pipeline"),
    description: descriptionSchema("Delivers carts").optional(),
    konnect_managed: z.boolean().optional().openapi({ example: false }),
  })
  .openapi("CreateSystemAccount")

export const updateAccountSchema = z
  .strictObject({
    name: nameSchema(250, "renamed").optional(),
    description: descriptionSchema("Delivers carts").optional(),
  })
  .openapi("UpdateSystemAccount")
