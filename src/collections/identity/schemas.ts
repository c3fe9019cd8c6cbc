/** The shapes of the identity API, as Konnect has them. Ids are UUIDs, times RFC 3339 in UTC. */
import { z } from "@hono/zod-openapi"
import { pageSchema, tokenPageSchema } from "../../gateway/listing.ts"
import { ENTITY_TYPES } from "../../lib/roles.ts"

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

const timestamp = z.iso.datetime().openapi({ example: "2026-11-20T10:00:00.000Z" })
const stamps = { created_at: timestamp, updated_at: timestamp }
const name = (longest: number, example: string) =>
  z.string().min(1, "cannot be blank").max(longest, `cannot have more than ${longest} characters`).openapi({ example })
const labels = z
  .record(
    z.string().regex(/^[a-zA-Z0-9]([a-zA-Z0-9._-]{0,61}[a-zA-Z0-9])?$/, "must be a label key"),
    z.string().regex(/^[a-zA-Z0-9]([a-zA-Z0-9._-]{0,61}[a-zA-Z0-9])?$/, "must be a label value"),
  )
  .refine((map) => Object.keys(map).length <= 50, "cannot have more than 50 labels")
  .openapi({ example: { env: "test" } })

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
  .strictObject({ full_name: name(250, "Ada Lovelace").optional(), preferred_name: name(250, "Ada").optional() })
  .openapi("UpdateUser")

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

export const activateSchema = z.strictObject({ full_name: name(250, "Grace Hopper").optional() }).openapi("Activate")

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
    name: name(250, "carts"),
    description: z.string().max(250).optional().openapi({ example: "Who builds the carts service" }),
    labels: labels.optional(),
  })
  .openapi("CreateTeam")

export const updateTeamSchema = z
  .strictObject({
    name: name(250, "carts").optional(),
    description: z.string().max(250).optional().openapi({ example: "Who builds the carts service" }),
    labels: labels.optional(),
  })
  .openapi("UpdateTeam")

export const memberSchema = z
  .strictObject({ id: z.uuid({ error: "must be a valid UUID" }).openapi({ example: EXAMPLES.member }) })
  .openapi("Member")

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
    name: name(250, "pipeline"),
    description: z.string().max(250).optional().openapi({ example: "Delivers carts" }),
    konnect_managed: z.boolean().optional().openapi({ example: false }),
  })
  .openapi("CreateSystemAccount")

export const updateAccountSchema = z
  .strictObject({
    name: name(250, "renamed").optional(),
    description: z.string().max(250).optional().openapi({ example: "Delivers carts" }),
  })
  .openapi("UpdateSystemAccount")

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

export const createTokenSchema = z.strictObject({ name: name(256, "laptop"), ...life }).openapi("CreateAccessToken")

export const importTokenSchema = z
  .strictObject({
    name: name(256, "keptn-api-token"),
    token: z
      .string()
      .regex(/^[\x21-\x7e]{16,512}$/, "must be 16 to 512 visible ASCII characters")
      .regex(/^(?![ks]pat_)/, "cannot begin as our own tokens do")
      .refine((token) => new Set(token).size >= 8, "is too weak: it must have at least 8 different characters")
      .openapi({ example: "q7Zt0pXw3Lr9Vb2K" }),
    ...life,
  })
  .openapi("ImportAccessToken")

export const renameTokenSchema = z.strictObject({ name: name(256, "renamed") }).openapi("RenameAccessToken")

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

/** The short form of an assignment, as the first guides to Konnect had it, in the words of the long one. */
function longForm(body: unknown): unknown {
  const short = z
    .looseObject({ role: z.unknown().optional(), entity_type: z.unknown().optional() })
    .safeParse(body).data
  if (!short) return body
  const { role, entity_type: type, ...rest } = short
  const named = Object.entries(ENTITY_TYPES).find(([slug]) => slug === type)
  return {
    ...(role !== undefined && { role_name: role }),
    ...(type !== undefined && { entity_type_name: named?.[1].name ?? type }),
    ...rest,
  }
}

/** What roles can be on. */
const TYPES = Object.values(ENTITY_TYPES)

const longRoleSchema = z
  .strictObject({
    role_name: z
      .enum([...new Set(TYPES.flatMap(({ roles }) => Object.values(roles).map((role) => role.name)))])
      .openapi({ example: "Viewer" }),
    entity_id: z
      .string()
      .min(1)
      .max(200)
      .openapi({ example: "sockshop", description: "The name of a project, or `*`; of Secrets `*` alone" }),
    entity_type_name: z.enum(TYPES.map((one) => one.name)).openapi({ example: "Projects" }),
    entity_region: z.string().openapi({ example: "eu", description: "A region of this deployment, or `*`" }),
  })
  .superRefine((assignment, check) => {
    const { entity_type_name: type, role_name: role, entity_id: entity } = assignment
    const { roles } = TYPES.find((one) => one.name === type) ?? ENTITY_TYPES.projects
    const names = Object.values(roles).map((one): string => one.name)
    const wrong = (path: string, values: string[], reason: string) =>
      check.addIssue({ code: "invalid_value", path: [path], values, message: reason, input: assignment })
    if (!names.includes(role)) wrong("role_name", names, `must be one of ${names.join(", ")} on ${type}`)
    // Secrets belong to the installation: there is no role on one of them.
    if (type === ENTITY_TYPES.secrets.name && entity !== "*") wrong("entity_id", ["*"], `must be * on ${type}`)
  })
  .openapi("AssignRole")

/** An assignment that is asked for, in either form. */
export const assignRoleSchema = z.preprocess(longForm, longRoleSchema)

export const assignedRoleSchema = z
  .object({
    id: z.uuid().openapi({ example: EXAMPLES.userRole }),
    role_name: z.string().openapi({ example: "Viewer" }),
    entity_id: z.string().openapi({ example: "sockshop" }),
    entity_type_name: z.string().openapi({ example: "Projects" }),
    entity_region: z.string().openapi({ example: "eu" }),
  })
  .openapi("AssignedRole")

export const assignedRolePageSchema = pageSchema(assignedRoleSchema).openapi("AssignedRolePage")

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

export const auditEntryPageSchema = pageSchema(auditEntrySchema).openapi("AuditEntryPage")

const isReachable = z.boolean().openapi({ example: true })
const databaseStatus = {
  database: z.object({
    reachable: isReachable,
    bytes: z.number().int().nullable().openapi({ example: 118_784, description: "null when it cannot be reached" }),
  }),
  migrations: z
    .object({
      applied: z.array(z.string()).openapi({ example: ["0000_partition.sql"] }),
      pending: z
        .array(z.string())
        .openapi({ example: [], description: "What this version needs and is not there yet" }),
    })
    .nullable(),
  jobs: z.array(
    z
      .object({
        name: z.string().openapi({ example: "collect-garbage" }),
        started_at: timestamp,
        duration_ms: z.number().int().openapi({ example: 12 }),
        failed: z.boolean().openapi({ example: false }),
      })
      .openapi("JobRun", { description: "The last run of a scheduled job" }),
  ),
}
const reachable = z.object({ reachable: isReachable })

export const statusSchema = z
  .object({
    status: z.enum(["ok", "degraded"]).openapi({ example: "ok" }),
    version: z.string().openapi({
      example: "65e24a65-06fc-4cc1-b077-254bcbf0299f",
      description: "The id of the deployed version of the Worker",
    }),
    directory: z.object(databaseStatus),
    regions: z.array(
      z.object({
        region: z.string().openapi({ example: "eu" }),
        ...databaseStatus,
        bucket: reachable,
        cache: reachable.nullable().openapi({ description: "null where this region may not be cached" }),
        oldest_event: timestamp
          .nullable()
          .openapi({ description: "The time of the event that was stored first; null without events" }),
      }),
    ),
  })
  .openapi("Status")
