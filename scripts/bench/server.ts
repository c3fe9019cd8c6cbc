/** An edge for a benchmark: started as a user would, on data of its own. */
import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { createInterface } from "node:readline"
import { setTimeout as sleep } from "node:timers/promises"
import { freePort } from "../start/port.ts"
import { askOnce } from "./load.ts"
import type { RunningProcess } from "./process.ts"

/** A server that answers, with the token of its administrator. */
export interface Server extends RunningProcess {
  token: string
}

/** Starts an edge on the data in `state`; `args` are those of `npm start`, `variables` those of the Worker. */
export async function startServer(state: string, args: readonly string[], variables: object = {}): Promise<Server> {
  const port = await freePort()
  const child = spawn(process.execPath, ["scripts/start.ts", ...args], {
    env: {
      ...process.env,
      PORT: String(port),
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
    await untilHealthy(port)
    return { token, port, id: child.pid, stop }
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

async function untilHealthy(port: number): Promise<void> {
  const isHealthy = () =>
    askOnce(port, { path: "/health", token: "" }).then(
      () => true,
      () => false,
    )
  while (!(await isHealthy())) await sleep(100)
}
