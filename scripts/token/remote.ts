/** The commands that ask a running edge, as an administrator. */
import { once } from "node:events"
import { readFileSync } from "node:fs"
import http from "node:http"
import https from "node:https"
import { join } from "node:path"
import { text } from "node:stream/consumers"
import { z } from "zod"
import { readSettings, StartError } from "../start/settings.ts"

const DAY_SECONDS = 24 * 60 * 60

const item = z.looseObject({ id: z.string(), name: z.string() })
const items = z.object({ data: z.array(item) })
const token = z.looseObject({ id: z.string(), name: z.string(), state: z.string(), expires_at: z.string() })
const tokens = z.object({ data: z.array(token) })
const made = z.object({ token: z.string() })
const problem = z.looseObject({ message: z.string() })

/** How a new token is called and how long it lives. */
export interface TokenLife {
  name: string
  days: number
}

/** Makes a token for the account of this name, which is made and given the role as far as that is missing. Answers the token. */
export async function createToken(
  accountName: string,
  life: TokenLife,
  assignment: { role: string; project: string; region: string } | null,
): Promise<string> {
  const path = await accountPath(accountName, "create")
  if (assignment) {
    const { role: role_name, project: entity_id, region: entity_region } = assignment
    const json = { role_name, entity_type_name: "Projects", entity_id, entity_region }
    await ask("POST", `${path}/assigned-roles`, z.unknown(), json, [409])
  }
  const json = { name: life.name, ttl_seconds: life.days * DAY_SECONDS }
  return (await ask("POST", `${path}/access-tokens`, made, json)).token
}

/** One line per token of the account. */
export async function listTokens(accountName: string): Promise<string[]> {
  const { data } = await ask("GET", `${await accountPath(accountName)}/access-tokens?page[size]=1000`, tokens)
  return data.map(({ name, state, expires_at: end }) => `${state}  ${end}  ${name}`)
}

/** Rotates the token of this name. Answers the successor. */
export async function rotateToken(accountName: string, name: string, graceSeconds: number): Promise<string> {
  const path = await tokenPath(accountName, name)
  return (await ask("POST", `${path}/rotate`, made, { grace_seconds: graceSeconds })).token
}

/** Ends the token of this name. */
export async function revokeToken(accountName: string, name: string): Promise<void> {
  await ask("PATCH", `${await tokenPath(accountName, name)}/revoke`, z.unknown())
}

/** Stores the token that stands on standard input: as an argument it would stay in the shell's history. */
export async function importToken(accountName: string, life: TokenLife): Promise<void> {
  const existing = (await text(process.stdin)).trim()
  const json = { name: life.name, token: existing, ttl_seconds: life.days * DAY_SECONDS }
  await ask("POST", `${await accountPath(accountName, "create")}/access-tokens/import`, z.unknown(), json)
}

async function accountPath(name: string, whenMissing: "create" | "fail" = "fail"): Promise<string> {
  const { data } = await ask("GET", `/v3/system-accounts?filter[name][eq]=${encodeURIComponent(name)}`, items)
  const known = data[0]?.id
  if (known === undefined && whenMissing === "fail") {
    throw new StartError(`There is no system account '${name}'. Make one with create.`)
  }
  const id = known ?? (await ask("POST", "/v3/system-accounts", item, { name })).id
  return `/v3/system-accounts/${id}`
}

async function tokenPath(accountName: string, name: string): Promise<string> {
  const path = `${await accountPath(accountName)}/access-tokens`
  const { data } = await ask("GET", `${path}?filter[name][eq]=${encodeURIComponent(name)}`, items)
  const [found] = data
  if (!found) throw new StartError(`The system account '${accountName}' has no token '${name}'. See list.`)
  return `${path}/${found.id}`
}

/** Asks the edge; an answer that is an error, unless its status is among `accepted`, ends the command with its message. */
async function ask<T>(
  method: string,
  path: string,
  schema: z.ZodType<T>,
  json?: unknown,
  accepted: number[] = [],
): Promise<T> {
  const { url, token: administrator } = access()
  const response = await exchange(new URL(path, url), method, administrator, json).catch((error: unknown) => {
    throw new StartError(`Cannot reach ${url} (${String(error)}). Set QUARTERDECK_URL, or start the edge.`)
  })
  const accept = (response.status >= 200 && response.status < 300) || accepted.includes(response.status)
  if (!accept) {
    throw new StartError(problem.safeParse(response.body).data?.message ?? `${url} answered ${response.status}.`)
  }
  return schema.parse(response.body)
}

/** One request. Names below localhost go to 127.0.0.1: not every system resolves them, which `fetch` would rely on. */
async function exchange(
  url: URL,
  method: string,
  administrator: string,
  json: unknown,
): Promise<{ status: number; body: unknown }> {
  const send = url.protocol === "https:" ? https.request : http.request
  const headers = { authorization: `Bearer ${administrator}`, "content-type": "application/json", host: url.host }
  const host = /(^|\.)localhost$/.test(url.hostname) ? "127.0.0.1" : url.hostname
  const sent = send({ host, port: url.port, path: `${url.pathname}${url.search}`, method, headers })
  sent.end(json === undefined ? undefined : JSON.stringify(json))
  const [response] = z.tuple([z.instanceof(http.IncomingMessage)]).parse(await once(sent, "response"))
  const answered = await text(response)
  return { status: response.statusCode ?? 0, body: answered === "" ? null : JSON.parse(answered) }
}

/** Where the edge is, and an administrator's token: those of a local edge unless the environment says otherwise. */
function access(): { url: string; token: string } {
  const settings = readSettings(process.env, [])
  const url = process.env["QUARTERDECK_URL"] || `http://global.api.localhost:${settings.port}`
  const given = process.env["QUARTERDECK_TOKEN"]
  if (given) return { url, token: given }
  try {
    return { url, token: readFileSync(join(settings.state, "token"), "utf8").trim() }
  } catch {
    throw new StartError("No token. Set QUARTERDECK_TOKEN to that of an administrator.")
  }
}
