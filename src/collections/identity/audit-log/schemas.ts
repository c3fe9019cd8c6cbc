/** The shapes of the audit trail. */
import { z } from "@hono/zod-openapi"
import { linkedPageSchema } from "../../../gateway/listing.ts"
import { EXAMPLES, timestamp } from "../schemas.ts"

const auditEntrySchema = z
  .object({
    id: z.number().int().openapi({ example: 1 }),
    time: timestamp,
    request_id: z.string().openapi({ example: "3f0c6a52-43f5-4c0c-8a6e-0d1f4b8f6f0e" }),
    address: z.string().openapi({ example: "192.0.2.1" }),
    principal_id: z.uuid().nullable().openapi({ example: EXAMPLES.user }),
    token_id: z.uuid().nullable().openapi({ example: EXAMPLES.userToken }),
    action: z.string().openapi({ example: "create" }),
    entity_type: z.string().openapi({ example: "team" }),
    entity_id: z.string().openapi({ example: EXAMPLES.team }),
    before: z.record(z.string(), z.unknown()).nullable().openapi({ example: null }),
    after: z
      .record(z.string(), z.unknown())
      .nullable()
      .openapi({ example: { name: "carts" } }),
  })
  .openapi("AuditEntry")

export const auditEntryPageSchema = linkedPageSchema(auditEntrySchema).openapi("AuditEntryPage")
