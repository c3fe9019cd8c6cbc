/** The first rows of a new directory. Used by scripts: a running edge never calls it. */
import { drizzle } from "drizzle-orm/d1"
import { sha256Hex } from "../lib/digest.ts"
import { ORGANIZATION_ADMIN, ORGANIZATION_ADMIN_READ_ONLY } from "../lib/principal.ts"
import { tokenHint } from "../lib/token-format.ts"
import { LONGEST_LIFE } from "./access-tokens.ts"
import { organizations, teamMembers, teams, tokens, users } from "./schema.ts"

/**
 * Creates the organization, its two system teams, its administrator and one token for it, `token`, which lives as long as a
 * token may. Does nothing when there is an organization already: it may be called again after it was cut off.
 */
export async function bootstrap(database: D1Database, token: string): Promise<void> {
  const db = drizzle(database)
  const [existing] = await db.select({ id: organizations.id }).from(organizations).limit(1)
  if (existing) return
  const now = Date.now()
  const stamps = { createdAt: now, updatedAt: now }
  const organizationId = crypto.randomUUID()
  const administrator = crypto.randomUUID()
  const administrators = crypto.randomUUID()
  const team = { organizationId, systemTeam: true, labels: {}, ...stamps }
  await db.batch([
    db.insert(organizations).values({ id: organizationId, name: "Quarterdeck", ownerId: administrator, ...stamps }),
    db.insert(users).values({
      id: administrator,
      organizationId,
      email: "admin@quarterdeck.invalid",
      fullName: "Administrator",
      preferredName: "Administrator",
      active: true,
      ...stamps,
    }),
    db.insert(teams).values([
      { ...team, id: administrators, name: ORGANIZATION_ADMIN, description: "May do everything" },
      { ...team, id: crypto.randomUUID(), name: ORGANIZATION_ADMIN_READ_ONLY, description: "May read everything" },
    ]),
    db.insert(teamMembers).values({ teamId: administrators, memberId: administrator }),
    db.insert(tokens).values({
      id: crypto.randomUUID(),
      hash: await sha256Hex(token),
      hint: tokenHint(token),
      ownerId: administrator,
      name: "first token",
      purpose: "access",
      ...stamps,
      expiresAt: now + LONGEST_LIFE,
    }),
  ])
}
