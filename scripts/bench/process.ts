/** Servers that a benchmark runs beside the edge. */
import { spawn } from "node:child_process"
import { once } from "node:events"
import { createInterface } from "node:readline"
import { fileURLToPath } from "node:url"

/** A server in a process of its own, on a port of this machine. */
export interface RunningProcess {
  port: number
  id: number | undefined
  stop: () => Promise<void>
}

/** Starts the origin (origin.ts), which takes `token` for the one that is valid. */
export async function startOrigin(token = ""): Promise<RunningProcess> {
  const { line, ...running } = await startScript(import.meta.resolve("./origin.ts"), [token])
  return { port: Number(line), ...running }
}

/** Runs something beside an origin; `variables` are those of an edge as it is deployed, which passes what begins with `/origin` on to it. */
export async function besideOrigin<T>(
  run: (origin: number, variables: ReturnType<typeof variablesBefore>) => Promise<T>,
): Promise<T> {
  const { port, stop } = await startOrigin()
  try {
    return await run(port, variablesBefore(port))
  } finally {
    await stop()
  }
}

function variablesBefore(port: number) {
  const origin = `http://127.0.0.1:${port}`
  const upstream = { prefix: "/origin", strip_prefix: true, origin, allow_plain_http: true, role: "Viewer" }
  return { SERVER_TIMING: "off", UPSTREAMS_EU: [upstream] }
}

/** Starts a script that ends with its standard input, and waits for the one line that it prints. */
export async function startScript(
  script: string,
  args: readonly string[],
  environment: Record<string, string> = {},
): Promise<Omit<RunningProcess, "port"> & { line: string }> {
  const child = spawn(process.execPath, [fileURLToPath(script), ...args], {
    env: { ...process.env, ...environment },
    stdio: ["pipe", "pipe", "inherit"],
  })
  const stop = async () => {
    const ended = once(child, "exit")
    child.stdin.end()
    await ended
  }
  for await (const line of createInterface({ input: child.stdout })) return { line, id: child.pid, stop }
  throw new Error(`${script} did not start`)
}
