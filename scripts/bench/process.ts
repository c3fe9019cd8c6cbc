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

/** Starts the origin (origin.ts). */
export async function startOrigin(): Promise<RunningProcess> {
  const child = spawn(process.execPath, [fileURLToPath(import.meta.resolve("./origin.ts"))], {
    stdio: ["pipe", "pipe", "inherit"],
  })
  const stop = async () => {
    const ended = once(child, "exit")
    child.stdin.end()
    await ended
  }
  // It prints nothing else; without this line it has ended.
  for await (const port of createInterface({ input: child.stdout })) return { port: Number(port), id: child.pid, stop }
  throw new Error("the origin did not start")
}
