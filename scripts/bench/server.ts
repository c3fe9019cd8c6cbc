/** An edge for a benchmark: started as a user would, on data of its own, and asked over and over. */
import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { Agent, request } from "node:http"
import { createInterface } from "node:readline"
import type { RunningProcess } from "./process.ts"

const PORT = 8799
/** How many requests are under way at once. */
export const CONNECTIONS = 16

/** A server that answers, with the token of its administrator. */
export interface Server extends RunningProcess {
  token: string
}

/** Starts an edge on the data in `state`; `args` are those of `npm start`, `variables` those of the Worker. */
export async function startServer(state: string, args: readonly string[], variables: object = {}): Promise<Server> {
  const child = spawn(process.execPath, ["scripts/start.ts", ...args], {
    env: {
      ...process.env,
      PORT: String(PORT),
      QUARTERDECK_STATE: state,
      QUARTERDECK_VARS: JSON.stringify(variables),
      // By this it knows that it is run by a script, and ends with the process that started it, however that goes.
      npm_lifecycle_event: "bench",
    },
    stdio: ["ignore", "pipe", "ignore"],
  })
  const stop = async () => {
    if (child.exitCode !== null || child.signalCode !== null) return
    const ended = once(child, "exit")
    child.kill()
    await ended
  }
  try {
    const token = await readToken(child)
    await untilHealthy()
    return { token, port: PORT, id: child.pid, stop }
  } catch (error) {
    await stop()
    throw error
  }
}

async function readToken({ stdout }: ChildProcess): Promise<string> {
  if (stdout === null) throw new Error("no output to read")
  const lines = createInterface({ input: stdout })
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  lines.on("line", (line) => {
    const token = /^token (\S+)$/.exec(line)?.[1]
    if (token !== undefined) resolve(token)
  })
  lines.on("close", () => reject(new Error("the edge did not start: npm start tells why")))
  return promise
}

async function untilHealthy(): Promise<void> {
  const agent = new Agent()
  for (;;) {
    const status = await ask(agent, { path: "/health", token: "" }, PORT).then(
      (answer) => answer.status,
      () => 0,
    )
    if (status === 200) return
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}

/** What is asked. What is not said is that of a GET that is answered with 200. */
export interface Question {
  path: string
  token: string
  method?: string
  headers?: Record<string, string>
  body?: string
  status?: number
}

/** Asks for `path` over and over on all connections, at the edge or at `port`; answers the requests per second. */
export async function askFor(milliseconds: number, path: string, token: string, port = PORT): Promise<number> {
  return askAll(milliseconds, () => ({ path, token }), port)
}

/** The same for questions that differ, each on a connection, from 0 to 15, which waits for the answer to the one before it. */
export async function askAll(
  milliseconds: number,
  question: (connection: number) => Question,
  port: number,
): Promise<number> {
  const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS })
  const end = performance.now() + milliseconds
  let answered = 0
  const connection = async (_: unknown, number: number) => {
    while (performance.now() < end) {
      const asked = question(number)
      const { status, body } = await ask(agent, asked, port)
      if (status !== (asked.status ?? 200)) throw new Error(`${asked.path} answered ${status}: ${body}`)
      answered++
    }
  }
  await Promise.all(Array.from({ length: CONNECTIONS }, connection))
  agent.destroy()
  return answered / (milliseconds / 1000)
}

/** Asks once; answers what the benchmark reads of an answer. */
export async function askOnce(path: string, token: string): Promise<Answer> {
  const agent = new Agent()
  const answer = await ask(agent, { path, token }, PORT)
  agent.destroy()
  return answer
}

/** An answer, with the rows that D1 read for it. */
export interface Answer {
  status: number
  rows: number
  body: string
}

function ask(agent: Agent, { path, token, method = "GET", body, headers }: Question, port: number): Promise<Answer> {
  const { promise, resolve, reject } = Promise.withResolvers<Answer>()
  const all = {
    host: `eu.api.localhost:${port}`,
    "x-token": token,
    ...(body !== undefined && { "content-type": "application/json", "content-length": Buffer.byteLength(body) }),
    ...headers,
  }
  const sent = request({ agent, host: "127.0.0.1", port, path, method, headers: all }, (response) => {
    const parts: Buffer[] = []
    response.on("data", (part: Buffer) => parts.push(part))
    response.on("end", () => {
      const rows = Number(/rows;desc="(\d+)"/.exec(String(response.headers["server-timing"]))?.[1])
      resolve({ status: response.statusCode ?? 0, rows, body: Buffer.concat(parts).toString() })
    })
  })
  sent.on("error", reject)
  sent.end(body)
  return promise
}
