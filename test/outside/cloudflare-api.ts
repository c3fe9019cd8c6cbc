/** Cloudflare's API as far as the operator's commands look at an account: to see that wrangler prints what they read. */
import { once } from "node:events"
import { createServer, type IncomingMessage, type ServerResponse } from "node:http"
import { text } from "node:stream/consumers"
import { onTestFinished, vi } from "vitest"
import { z } from "zod"

/** An account of Cloudflare's, which has an id of 32 digits. */
const ACCOUNT = "0".repeat(32)

/** Leads wrangler to a played API until the test has ended. Answers the list of what it is asked, which grows. */
export async function startApi(): Promise<string[]> {
  const received: string[] = []
  const api = createServer((request, response) => void answer(request, response, received)).listen(0, "127.0.0.1")
  onTestFinished(() => {
    api.close()
    vi.unstubAllEnvs()
  })
  await once(api, "listening")
  const { port } = z.object({ port: z.number() }).parse(api.address())
  vi.stubEnv("CLOUDFLARE_API_BASE_URL", `http://127.0.0.1:${port}`)
  vi.stubEnv("CLOUDFLARE_API_TOKEN", "api-token")
  vi.stubEnv("CLOUDFLARE_ACCOUNT_ID", ACCOUNT)
  vi.stubEnv("WRANGLER_WRITE_LOGS", "false")
  return received
}

async function answer(request: IncomingMessage, response: ServerResponse, received: string[]): Promise<void> {
  const { pathname, searchParams } = new URL(request.url ?? "", "http://api")
  const asked = `${request.method} ${pathname.replace(`/accounts/${ACCOUNT}`, "")}`
  received.push(`${asked} ${request.headers["cf-r2-jurisdiction"] ?? ""} ${await text(request)}`)
  const { status, body } = answerTo(asked, searchParams)
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body))
}

interface Answer {
  status: number
  body: object
}

/** An account that has a few things and no Worker. */
function answerTo(asked: string, parameters: URLSearchParams): Answer {
  const isFirstPage = (parameters.get("page") ?? "1") === "1"
  const databases = [
    { uuid: "1", name: "quarterdeck-eu", jurisdiction: "eu", version: "production" },
    { uuid: "2", name: "quarterdeck-global", jurisdiction: null, version: "production" },
  ]
  const namespaces = [
    { id: "3", title: "quarterdeck-eu", jurisdiction: "eu", supports_url_encoding: true },
    { id: "4", title: "quarterdeck-asia", supports_url_encoding: true },
  ]
  if (asked === "GET /d1/database") return found(databases)
  if (asked === "GET /storage/kv/namespaces") return found(isFirstPage ? namespaces : [])
  if (asked.startsWith("GET /r2/buckets/")) return failed(404, 10006, "The specified bucket does not exist.")
  if (/^POST .*\/query$/.test(asked)) return failed(400, 7500, "no such table: d1_migrations: SQLITE_ERROR")
  if (/^PUT .*\/secrets$/.test(asked)) return found({})
  if (/^GET .*\/(secrets|deployments)$/.test(asked)) return failed(404, 10007, "This Worker does not exist.")
  return failed(400, 1, "not today")
}

function found(result: unknown): Answer {
  return { status: 200, body: { success: true, errors: [], messages: [], result } }
}

function failed(status: number, code: number, message: string): Answer {
  return { status, body: { success: false, errors: [{ code, message }], messages: [], result: null } }
}
