/** A running edge for the tests that meet it from outside: `npm start` on a free port with a state folder of its own. */
import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { createInterface } from "node:readline"
import type { TestProject } from "vitest/node"
import { freePort } from "../../scripts/start/port.ts"

/** How to reach a running edge. */
export interface RunningEdge {
  port: number
  token: string
  /** The folder with its data. */
  state: string
}

/** An edge that a test started, with what it takes to end it. */
export interface StartedEdge extends RunningEdge {
  process: ChildProcess
}

declare module "vitest" {
  interface ProvidedContext {
    edge: RunningEdge
  }
}

/** Vitest's global set-up: one edge for all files of a project. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const edge = await startEdge()
  project.provide("edge", { port: edge.port, token: edge.token, state: edge.state })
  return async () => {
    await stopEdge(edge, "SIGTERM")
    rmSync(edge.state, { recursive: true })
  }
}

/**
 * Starts an edge and waits until it has said its token. A `state` that is given is used again; `variables` are the Worker's, in the place of
 * those of wrangler.toml.
 */
export async function startEdge(
  state = mkdtempSync(join(tmpdir(), "quarterdeck-")),
  variables: Readonly<Record<string, unknown>> = {},
): Promise<StartedEdge> {
  const port = await freePort()
  const child = spawn(process.execPath, ["scripts/start.ts"], {
    cwd: join(import.meta.dirname, "..", ".."),
    env: {
      ...process.env,
      PORT: String(port),
      QUARTERDECK_STATE: state,
      QUARTERDECK_VARS: JSON.stringify(variables),
    },
    stdio: ["ignore", "pipe", "inherit"],
  })
  for await (const line of createInterface({ input: child.stdout })) {
    const token = /^token (\S+)$/.exec(line)?.[1]
    if (token !== undefined) return { port, token, state, process: child }
  }
  throw new Error(`the edge ended with code ${child.exitCode} before it was ready`)
}

/** Ends an edge and waits until it has. */
export async function stopEdge(edge: StartedEdge, signal: "SIGTERM" | "SIGKILL"): Promise<void> {
  const ended = once(edge.process, "exit")
  edge.process.kill(signal)
  await ended
}
