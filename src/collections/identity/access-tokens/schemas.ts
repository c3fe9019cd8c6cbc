/** The shapes of tokens. */
import { z } from "@hono/zod-openapi"
import { tokenPageSchema } from "../../../gateway/listing.ts"
import { nameSchema } from "../../../gateway/names.ts"
import { EXAMPLES, stamps, timestamp } from "../schemas.ts"

const life = {
  expires_at: z.iso
    .datetime({ offset: true, error: "must be a date-time" })
    .optional()
    .openapi({ description: "When the token ends, at most 366 days from now. Either this or `ttl_seconds`" }),
  ttl_seconds: z
    .number()
    .int()
    .min(60)
    .max(366 * 24 * 60 * 60)
    .optional()
    .openapi({ example: 2_592_000, description: "How long the token lives" }),
}

export const createTokenSchema = z
  .strictObject({ name: nameSchema(256, "laptop"), ...life })
  .openapi("CreateAccessToken")

export const importTokenSchema = z
  .strictObject({
    name: nameSchema(256, "keptn-api-token"),
    token: z
      .string()
      .regex(/^[\x21-\x7e]{16,512}$/, "must be 16 to 512 visible ASCII characters")
      .regex(/^(?![ks]pat_)/, "cannot begin as our own tokens do")
      .refine((token) => new Set(token).size >= 8, "is too weak: it must have at least 8 different characters")
      .openapi({ example: "q7Zt0pXw3Lr9Vb2K" }),
    ...life,
  })
  .openapi("ImportAccessToken")

export const renameTokenSchema = z.strictObject({ name: nameSchema(256, "renamed") }).openapi("RenameAccessToken")

export const rotateTokenSchema = z
  .strictObject({
    grace_seconds: z
      .number()
      .int()
      .min(0)
      .max(86_400)
      .openapi({ example: 3600, description: "How long the old token goes on working" }),
  })
  .openapi("RotateAccessToken")

export const tokenSchema = z
  .object({
    id: z.uuid().openapi({ example: EXAMPLES.userToken }),
    name: z.string().openapi({ example: "laptop" }),
    user_id: z.uuid().optional().openapi({ example: EXAMPLES.user, description: "Of a personal token: whose it is" }),
    hint: z.string().openapi({ example: "kpat_Ab12…9xYz", description: "Enough to recognize the token" }),
    state: z.enum(["ACTIVE", "REVOKED", "EXPIRED"]).openapi({ example: "ACTIVE" }),
    ...stamps,
    expires_at: timestamp,
    last_used_at: timestamp.nullable(),
    revoked_at: timestamp.nullable().openapi({ example: null }),
    revoked_by: z.uuid().nullable().openapi({ example: null }),
    successor_id: z.uuid().nullable().openapi({
      example: null,
      description: "Of a token that was rotated: the token that took its place, which has its name",
    }),
  })
  .openapi("AccessToken")

export const accessTokenPageSchema = tokenPageSchema(tokenSchema).openapi("AccessTokenPage")

/** A token with its text: `konnect_token` for a user's and `token` for a system account's in Konnect; here both, always. */
export const madeTokenSchema = tokenSchema
  .extend({
    token: z.string().openapi({ example: "kpat_…", description: "The token. It is shown here and never again" }),
    konnect_token: z.string().openapi({ example: "kpat_…", description: "The same" }),
  })
  .openapi("MadeAccessToken")
