/** The shapes of users. */
import { z } from "@hono/zod-openapi"
import { pageSchema } from "../../../gateway/listing.ts"
import { nameSchema } from "../../../gateway/names.ts"
import { EXAMPLES, stamps } from "../schemas.ts"

export const userSchema = z
  .object({
    id: z.uuid().openapi({ example: EXAMPLES.user }),
    email: z.string().openapi({ example: "ada@example.com" }),
    full_name: z.string().openapi({ example: "Ada Lovelace" }),
    preferred_name: z.string().openapi({ example: "Ada" }),
    active: z.boolean().openapi({ example: true, description: "Whether the invitation was accepted" }),
    ...stamps,
  })
  .openapi("User")

export const userPageSchema = pageSchema(userSchema).openapi("UserPage")

export const updateUserSchema = z
  .strictObject({
    full_name: nameSchema(250, "Ada Lovelace").optional(),
    preferred_name: nameSchema(250, "Ada").optional(),
  })
  .openapi("UpdateUser")
