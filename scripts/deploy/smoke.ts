/** Asks the hosts of a deployment whether they answer as they should. */
import { once } from "node:events"
import https from "node:https"
import type { IncomingMessage } from "node:http"
import { setTimeout as wait } from "node:timers/promises"
import { z } from "zod"

/** A request and the status that its answer must have. None has a token. */
export interface Probe {
  host: string
  path: string
  expected: number
}

/** What a probe saw: a status, or why there was none. */
export interface Seen extends Probe {
  seen: number | string
}

export interface SmokeSettings {
  /** Sent with every request. */
  headers: Readonly<Record<string, string>>
  /** What connects to the hosts. */
  agent: https.Agent
  /** How long to ask again while a host cannot be reached: certificates of new names take minutes. */
  unreachableMs: number
  /** How long to ask again while answers are wrong: a new version is everywhere within seconds. */
  wrongMs: number
  pauseMs: number
  /** Told once, when something has to be asked again. */
  onWait: (seen: readonly Seen[]) => void
}

/** Settings for the internet. */
export const DEFAULTS: SmokeSettings = {
  headers: {},
  agent: new https.Agent(),
  unreachableMs: 300_000,
  wrongMs: 30_000,
  pauseMs: 5_000,
  onWait: () => {},
}

const TIMEOUT_MS = 10_000
const response = z.tuple([z.custom<IncomingMessage>((value) => value instanceof Object && "statusCode" in value)])
const systemError = z.object({ code: z.string() })

/** What is asked of a deployment. */
export function probesOf(domain: string, regions: readonly string[]): Probe[] {
  const host = (label: string) => `${label}.${domain}`
  return [
    { host: host("global"), path: "/health", expected: 200 },
    { host: host("global"), path: "/v3/users", expected: 401 },
    ...regions.flatMap((region) => [
      { host: host(region), path: "/health", expected: 200 },
      { host: host(region), path: "/api", expected: 200 },
      { host: host(region), path: "/api/controlPlane/v1/project", expected: 401 },
    ]),
  ]
}

/** Asks until every answer is right, or there is no hope. */
export async function smokeTest(probes: readonly Probe[], settings: SmokeSettings): Promise<Seen[]> {
  const start = Date.now()
  let seen = await Promise.all(probes.map((probe) => ask(probe, settings)))
  if (seen.some((one) => !isRight(one))) settings.onWait(seen)
  while (seen.some((one) => !isRight(one) && Date.now() - start < patience(one, settings))) {
    await wait(settings.pauseMs)
    seen = await Promise.all(seen.map(async (one) => (isRight(one) ? one : ask(one, settings))))
  }
  return seen
}

/** Whether the answer has the status that it must have. */
export function isRight({ seen, expected }: Seen): boolean {
  return seen === expected
}

/** What was seen, as a table. */
export function tableOf(seen: readonly Seen[]): string[] {
  const rows = seen.map((one) => [
    isRight(one) ? "ok" : "WRONG",
    `https://${one.host}${one.path}`,
    String(one.expected),
    String(one.seen),
  ])
  const all = [["", "address", "expected", "seen"], ...rows]
  const widths = [0, 1, 2].map((column) => Math.max(...all.map((row) => row[column]?.length ?? 0)))
  return all.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join("  ")
      .trimEnd(),
  )
}

/** Says what is not right yet, and how long it is asked again. */
export function waitingLine(seen: readonly Seen[], settings: SmokeSettings): string {
  const wrong = seen.filter((one) => !isRight(one))
  const names = wrong.map((one) => `${one.host}${one.path} (${one.seen})`)
  const longest = Math.max(...wrong.map((one) => patience(one, settings)))
  return `not yet: ${names.join(", ")}. Asking again, for ${Math.ceil(longest / 1000)} s at most.`
}

function patience({ seen }: Seen, { unreachableMs, wrongMs }: SmokeSettings): number {
  return isUnreachable(seen) ? unreachableMs : wrongMs
}

/** Without an answer, or with one of Cloudflare's own for a name that leads nowhere yet (520 to 530). */
function isUnreachable(seen: Seen["seen"]): boolean {
  return typeof seen === "string" || (seen >= 520 && seen <= 530)
}

async function ask({ host, path, expected }: Probe, { agent, headers }: SmokeSettings): Promise<Seen> {
  const signal = AbortSignal.timeout(TIMEOUT_MS)
  const sent = https.request({ host, path, agent, headers, signal })
  sent.end()
  try {
    const [answer] = response.parse(await once(sent, "response"))
    // Its body is of no interest, and must not fail the request that is over.
    answer.on("error", () => {}).resume()
    return { host, path, expected, seen: answer.statusCode ?? 0 }
  } catch (error) {
    return {
      host,
      path,
      expected,
      seen: signal.aborted ? "no answer" : (systemError.safeParse(error).data?.code ?? String(error)),
    }
  }
}
