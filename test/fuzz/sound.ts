/** What holds for every answer, whatever was asked. */
import { z } from "zod"
import { isGitPath, isIdentityPath } from "../../src/gateway/dialect.ts"
import { ERRORS } from "../../src/gateway/errors.ts"
import { routedPath } from "../../src/gateway/path.ts"
import { adminToken } from "../support/client.ts"
import type { LogLine } from "../support/log.ts"
import type { HostileRequest } from "./requests.ts"

const REQUEST_ID = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}$/

/** Headers without which an answer is not protected. */
const PROTECTING = {
  "content-security-policy": /(default-src 'none'|sandbox)/,
  "referrer-policy": /^no-referrer$/,
  "x-content-type-options": /^nosniff$/,
  "x-frame-options": /^DENY$/,
  "cache-control": /./,
}

/** What only the inside of the Worker would say. */
const INTERNALS = [
  /SQLITE\w*|D1_\w+|\bdrizzle\w*/i,
  /no such (table|column)|constraint failed|syntax error|too complex|datatype mismatch|string or blob too big/i,
  /\b(select|insert into|update|delete from|from|where) "/,
  /\b\w*(Type|Range|Syntax|Reference|Zod|Api|URI|Storage|Query)Error\b/,
  /\bat \S.* ?\(?\S*:\d+:\d+|\bat \//,
  /node_modules|\/src\/|\.ts\b|cloudflare:|workerd|miniflare/,
  // What a field was instead of what it should be is said in these words.
  /\[object \w+\]|(?<!received )\b(undefined|NaN)\b/,
  /Cannot read|is not (a function|iterable|defined)|call stack/,
]

const keptn = z.strictObject({ code: z.int().optional(), message: z.string().min(1) })
const statistics = z.strictObject({ message: z.string().min(1), errorCode: z.int() })
const problem = z.strictObject({
  status: z.int(),
  title: z.string().min(1),
  instance: z.string().regex(/^quarterdeck:trace:/),
  detail: z.string().min(1),
  message: z.string().min(1),
  invalid_parameters: z
    .array(z.strictObject({ field: z.string(), rule: z.string(), reason: z.string(), source: z.string() }))
    .optional(),
  successor_id: z.uuid().optional(),
})

/** What is wrong with an answer, in words; nothing when it is sound. `log` is what was written while it was made. */
export async function faultsOf(
  request: HostileRequest,
  response: Response,
  log: readonly LogLine[],
): Promise<string[]> {
  const text = new TextDecoder().decode(await response.arrayBuffer())
  const headers = [...response.headers].flat().join("\n")
  const isError = response.status >= 400
  return [
    ...headerFaults(response),
    ...(isError ? errorFaults(request, response, text) : []),
    ...(isError ? leaks(request, text) : []),
    ...leaks(request, headers),
    ...(text.includes(adminToken) || headers.includes(adminToken) ? ["the token is in the answer"] : []),
    ...logFaults(response, log),
  ]
}

function headerFaults({ status, headers }: Response): string[] {
  const faults = Object.entries(PROTECTING)
    .filter(([name, value]) => !value.test(headers.get(name) ?? ""))
    .map(([name]) => `${name} is ${headers.get(name)}`)
  if (!REQUEST_ID.test(headers.get("x-request-id") ?? "")) faults.push("it has no id")
  if (headers.has("x-injected")) faults.push("a header was injected")
  if (status >= 300 && status < 400 && status !== 304 && !/^\/(?!\/)/.test(headers.get("location") ?? "")) {
    faults.push(`it leads to ${headers.get("location")}`)
  }
  return faults
}

function errorFaults(request: HostileRequest, { status, headers }: Response, text: string): string[] {
  const [, code = ""] = /^<\/api\/errors#(\w+)>; rel="help"$/.exec(headers.get("link") ?? "") ?? []
  const known = Object.entries(ERRORS).find(([name]) => name === code)?.[1]
  const faults: string[] = []
  if (known?.status !== status) faults.push(`its link to an explanation is ${headers.get("link")}`)
  // What Keptn has always answered with 500 is a caller's own mistake; the catalogue tells it from ours.
  if (status >= 500 && code !== "keptn_failure") faults.push("something of ours failed")
  if (status === 405 && !headers.has("allow")) faults.push("it does not say what is allowed")
  if (request.method !== "HEAD") faults.push(...dialectFaults(request, headers.get("content-type") ?? "", text))
  return faults
}

function dialectFaults({ label, path }: HostileRequest, type: string, text: string): string[] {
  const routed = routedPath(new Request(`http://${label}.api.localhost${path}`))
  if (isGitPath(routed)) return type === "text/plain" && text.endsWith("\n") ? [] : [`git is told ${type}: ${text}`]
  const isIdentity = isIdentityPath(routed)
  const schema = isIdentity ? problem : routed.startsWith("/api/statistics/") ? statistics.or(keptn) : keptn
  const types = isIdentity ? ["application/problem+json"] : ["application/json", "text/plain"]
  if (!types.includes(type)) return [`its type is ${type}`]
  const { error } = schema.safeParse(parsed(text))
  return error ? [`it is not in its dialect: ${error.message}`] : []
}

/** What of the inside stands in a text, unless the request had it. */
function leaks(request: HostileRequest, text: string): string[] {
  const found = INTERNALS.flatMap((pattern) => pattern.exec(text)?.[0] ?? [])
  if (found.length === 0) return []
  const sent = `${decoded(request.path)}\n${bodyText(request)}\n${Object.values(request.headers).join("\n")}`
  return found.filter((one) => !sent.toLowerCase().includes(one.toLowerCase())).map((one) => `it says '${one}'`)
}

function logFaults({ headers }: Response, log: readonly LogLine[]): string[] {
  const id = headers.get("x-request-id")
  return log
    .filter(({ level, fields }) => level === "error" && (fields["requestId"] ?? id) === id)
    .map(({ fields }) => `the log has: ${String(fields["error"])}`)
}

function bodyText({ body }: HostileRequest): string {
  if (body === null) return ""
  return typeof body === "string" ? body : new TextDecoder().decode(body)
}

/** An address with every escape in it decoded that can be. */
function decoded(path: string): string {
  return path.replaceAll(/(%[0-9a-f]{2})+/gi, (escapes) => {
    const bytes = Uint8Array.fromHex(escapes.replaceAll("%", ""))
    return new TextDecoder().decode(bytes)
  })
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
