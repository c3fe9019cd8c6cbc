/** The commands that ask a running edge, as an administrator. */
import { text } from "node:stream/consumers"
import { z } from "zod"
import { StartError } from "../start/settings.ts"
import { Edge } from "./edge.ts"
import { requireProject } from "./projects.ts"
import { Undo } from "./undo.ts"

const DAY_SECONDS = 24 * 60 * 60

const item = z.looseObject({ id: z.string() })
const items = z.object({ data: z.array(item) })
const token = z.looseObject({
  id: z.string(),
  name: z.string(),
  state: z.string(),
  expires_at: z.string(),
  successor_id: z.string().nullish(),
})
const tokens = z.object({ data: z.array(token) })
const made = z.object({ token: z.string() })

/** How a new token is called and how long it lives. */
export interface TokenLife {
  name: string
  days: number
}

/** A role on a project, or on all (`*`), in a region, or in all. */
export interface Assignment {
  role: string
  project: string
  region: string
}

/**
 * Makes a token for the account of this name, which is made and given the role as far as that is missing. Answers the token. When a step
 * fails, what the steps before it made is taken back.
 */
export async function createToken(
  accountName: string,
  life: TokenLife,
  assignment: Assignment | null,
): Promise<string> {
  const edge = Edge.fromEnvironment()
  if (assignment) await requireProject(edge, { name: assignment.project, region: assignment.region })
  const undo = new Undo()
  return undo.run(async () => {
    const path = await accountOrNew(edge, accountName, undo)
    if (assignment) await assign(edge, path, assignment, undo)
    const json = { name: life.name, ttl_seconds: life.days * DAY_SECONDS }
    return (await edge.ask("POST", `${path}/access-tokens`, made, json)).token
  })
}

/** One line per token of the account. One that was rotated and still works is `ROTATED`. */
export async function listTokens(accountName: string): Promise<string[]> {
  const edge = Edge.fromEnvironment()
  const path = await accountPath(edge, accountName)
  const { data } = await edge.ask("GET", `${path}/access-tokens?page[size]=1000`, tokens)
  return data.map(({ name, state, expires_at: end, successor_id: successor }) => {
    const shown = state === "ACTIVE" && successor ? "ROTATED" : state
    return `${shown}  ${end}  ${name}`
  })
}

/** Rotates the token of this name. Answers the successor. */
export async function rotateToken(accountName: string, name: string, graceSeconds: number): Promise<string> {
  const edge = Edge.fromEnvironment()
  const { path, named } = await tokensNamed(edge, accountName, name)
  const newest = named.find(({ successor_id: successor }) => !successor) ?? named.at(-1)
  return (await edge.ask("POST", `${path}/${newest?.id}/rotate`, made, { grace_seconds: graceSeconds })).token
}

/** Ends the token of this name, and those before it that are in the grace of a rotation. */
export async function revokeToken(accountName: string, name: string): Promise<void> {
  const edge = Edge.fromEnvironment()
  const { path, named } = await tokensNamed(edge, accountName, name)
  const live = named.filter(({ state }) => state === "ACTIVE")
  const [rotated, newest] = [live.filter((one) => one.successor_id), live.filter((one) => !one.successor_id)]
  // The newest may be a way in that has to stay: then the others have ended, at least.
  for (const { id } of [...rotated, ...newest]) await edge.ask("PATCH", `${path}/${id}/revoke`, z.unknown())
}

/** Stores the token that stands on standard input: as an argument it would stay in the shell's history. */
export async function importToken(accountName: string, life: TokenLife): Promise<void> {
  const edge = Edge.fromEnvironment()
  const existing = (await text(process.stdin)).trim()
  const json = { name: life.name, token: existing, ttl_seconds: life.days * DAY_SECONDS }
  const undo = new Undo()
  await undo.run(async () => {
    const path = await accountOrNew(edge, accountName, undo)
    await edge.ask("POST", `${path}/access-tokens/import`, z.unknown(), json)
  })
}

async function assign(edge: Edge, path: string, { role, project, region }: Assignment, undo: Undo): Promise<void> {
  const json = { role_name: role, entity_type_name: "Projects", entity_id: project, entity_region: region }
  const answer = await edge.send("POST", `${path}/assigned-roles`, json)
  // The account has the role already, and keeps it whatever follows.
  if (answer.status === 409) return
  const { id } = item.parse(edge.accepted(answer))
  undo.made(`role ${role} on ${project}`, async () => {
    await edge.ask("DELETE", `${path}/assigned-roles/${id}`, z.null())
  })
}

/** The path of the account of this name, which is made when there is none. */
async function accountOrNew(edge: Edge, name: string, undo: Undo): Promise<string> {
  const known = await findAccount(edge, name)
  if (known !== null) return known
  const answer = await edge.send("POST", "/v3/system-accounts", { name })
  // Somebody else made it just now.
  if (answer.status === 409) return accountPath(edge, name)
  const path = pathOf(item.parse(edge.accepted(answer)))
  undo.made(`system account '${name}'`, async () => {
    // Somebody else may have given it a token meanwhile: then it is theirs as well.
    const { data } = await edge.ask("GET", `${path}/access-tokens?page[size]=1`, items)
    if (data.length === 0) await edge.ask("DELETE", path, z.null())
  })
  return path
}

async function accountPath(edge: Edge, name: string): Promise<string> {
  const path = await findAccount(edge, name)
  if (path === null) throw new StartError(`There is no system account '${name}'. Make one with create.`)
  return path
}

async function findAccount(edge: Edge, name: string): Promise<string | null> {
  // Names are stored without white space around them.
  const query = `filter[name][eq]=${encodeURIComponent(name.trim())}`
  const { data } = await edge.ask("GET", `/v3/system-accounts?${query}`, items)
  const [account] = data
  return account ? pathOf(account) : null
}

/** The tokens of an account that have a name, the newest last: one, and those before it that were rotated. */
async function tokensNamed(edge: Edge, accountName: string, name: string) {
  const path = `${await accountPath(edge, accountName)}/access-tokens`
  const query = `filter[name][eq]=${encodeURIComponent(name.trim())}&page[size]=1000`
  const { data: named } = await edge.ask("GET", `${path}?${query}`, tokens)
  if (named.length === 0) throw new StartError(`The system account '${accountName}' has no token '${name}'. See list.`)
  return { path, named }
}

function pathOf({ id }: z.infer<typeof item>): string {
  return `/v3/system-accounts/${id}`
}
