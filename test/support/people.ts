/** People of the organization, put straight into the directory: who they are, what they may do, tokens in every state. */
import { env } from "cloudflare:workers"
import { eq, inArray } from "drizzle-orm"
import { drizzle } from "drizzle-orm/d1"
import {
  organizations,
  roleAssignments,
  systemAccounts,
  teamMembers,
  teams,
  tokens,
  users,
} from "../../src/directory/schema.ts"
import { EXAMPLES } from "../../src/collections/identity/schemas.ts"
import { sha256Hex } from "../../src/lib/digest.ts"
import { createToken, tokenHint } from "../../src/lib/token-format.ts"

const db = drizzle(env.DB_GLOBAL)
const HOUR = 60 * 60 * 1000

/** A role, on every project of the region `eu` unless told otherwise. */
export interface TestRole {
  roleName: string
  entityTypeName?: string
  entityId?: string
  entityRegion?: string
}

/** A token's state. `text` is the token itself, for one that was imported. */
export interface TestToken {
  text?: string
  id?: string
  expiresAt?: number
  revokedAt?: number
  lastUsedAt?: number
}

/** Creates a user and answers its id. */
export async function createUser({ active = true } = {}): Promise<string> {
  const id = crypto.randomUUID()
  const name = `User ${id.slice(0, 8)}`
  const facts = { email: `${id}@example.com`, fullName: name, preferredName: name, active }
  await db.insert(users).values({ id, ...facts, ...(await common()) })
  return id
}

/** Creates a system account and answers its id. */
export async function createSystemAccount(): Promise<string> {
  const id = crypto.randomUUID()
  const facts = { name: `account ${id}`, description: "", konnectManaged: false }
  await db.insert(systemAccounts).values({ id, ...facts, ...(await common()) })
  return id
}

/** Creates a team with these members and answers its id. */
export async function createTeam(name: string, ...memberIds: string[]): Promise<string> {
  const id = crypto.randomUUID()
  await db.insert(teams).values({ id, name, description: "", systemTeam: false, labels: {}, ...(await common()) })
  for (const memberId of memberIds) await db.insert(teamMembers).values({ teamId: id, memberId })
  return id
}

/** Puts somebody into one of the teams that every organization has. */
export async function joinSystemTeam(name: string, memberId: string): Promise<void> {
  const [team] = await db.select({ id: teams.id, systemTeam: teams.systemTeam }).from(teams).where(eq(teams.name, name))
  if (!team?.systemTeam) throw new Error(`there is no system team '${name}'`)
  await db.insert(teamMembers).values({ teamId: team.id, memberId })
}

/** Gives a user, a system account or a team a role. */
export async function assignRole(subjectId: string, role: TestRole): Promise<void> {
  const defaults = { entityTypeName: "Projects", entityId: "*", entityRegion: "eu" }
  const id = crypto.randomUUID()
  await db.insert(roleAssignments).values({ id, subjectId, ...defaults, ...role, createdAt: Date.now() })
}

/** Gives somebody a token, good for an hour unless told otherwise, and answers its text. */
export async function issueToken(ownerId: string, state: TestToken = {}): Promise<string> {
  const now = Date.now()
  const { text = createToken("kpat"), id = crypto.randomUUID(), ...life } = state
  await db.insert(tokens).values({
    id,
    hash: await sha256Hex(text),
    hint: tokenHint(text),
    ownerId,
    name: `test ${id}`,
    purpose: "access",
    createdAt: now,
    updatedAt: now,
    expiresAt: now + HOUR,
    ...life,
  })
  return text
}

/** The token of a new user who has these roles. */
export async function tokenWith(...roles: TestRole[]): Promise<string> {
  const user = await createUser()
  for (const role of roles) await assignRole(user, role)
  return issueToken(user)
}

/** Revokes a token in the directory. Isolates that remember it are not told. */
export async function revokeToken(token: string): Promise<void> {
  await db
    .update(tokens)
    .set({ revokedAt: Date.now() })
    .where(eq(tokens.hash, await sha256Hex(token)))
}

/** A token's row in the directory. */
export async function findTokenRow(token: string): Promise<typeof tokens.$inferSelect> {
  const [row] = await db
    .select()
    .from(tokens)
    .where(eq(tokens.hash, await sha256Hex(token)))
  if (!row) throw new Error("there is no such token")
  return row
}

/** Deletes a user and leaves its tokens behind, as a failure between the two would. */
export async function deleteUser(id: string): Promise<void> {
  await db.delete(users).where(eq(users.id, id))
}

async function common() {
  const [organization] = await db.select({ id: organizations.id }).from(organizations)
  if (!organization) throw new Error("there is no organization")
  const now = Date.now()
  return { organizationId: organization.id, createdAt: now, updatedAt: now }
}

/** Puts into the directory what the examples of the identity documents name by id, as it is before anything is done to it. */
export async function putExamples(): Promise<void> {
  const facts = await common()
  const { user, account, team, userToken, accountToken, userRole, teamRole, accountRole, member } = EXAMPLES
  const owners = [user, account, team, member]
  await db.delete(teamMembers).where(inArray(teamMembers.memberId, owners))
  await db.delete(roleAssignments).where(inArray(roleAssignments.subjectId, owners))
  await db.delete(tokens).where(inArray(tokens.ownerId, owners))
  await db.delete(users).where(inArray(users.id, owners))
  await db.delete(systemAccounts).where(inArray(systemAccounts.id, owners))
  await db.delete(teams).where(inArray(teams.id, owners))
  for (const id of [user, member]) {
    const names = { email: `${id}@example.com`, fullName: "Example", preferredName: "Example", active: true }
    await db.insert(users).values({ id, ...names, ...facts })
  }
  for (const id of [account, member]) {
    await db
      .insert(systemAccounts)
      .values({ id, name: `example ${id}`, description: "", konnectManaged: false, ...facts })
  }
  await db.insert(teams).values({ id: team, name: "example", description: "", systemTeam: false, labels: {}, ...facts })
  for (const memberId of [user, account]) await db.insert(teamMembers).values({ teamId: team, memberId })
  const role = { roleName: "Viewer", entityTypeName: "Projects", entityId: "other", entityRegion: "eu", createdAt: 0 }
  for (const [id, subjectId] of [
    [userRole, user],
    [teamRole, team],
    [accountRole, account],
  ] as const) {
    await db.insert(roleAssignments).values({ id, subjectId, ...role })
  }
  await issueToken(user, { id: userToken })
  await issueToken(account, { id: accountToken })
}
