/** The edge under test: an `npm start` of its own, which can be killed and started again on the same data. */
import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { connect } from "node:net"
import { createInterface } from "node:readline"
import { setTimeout as pause } from "node:timers/promises"
import { memoryInUse } from "../bench/usage.ts"
import { ROOT } from "../start/settings.ts"

/** So many lines of what the edge says are kept. */
const KEPT_LINES = 20

export class Edge {
  readonly port: number
  readonly #state: string
  #process: ChildProcess | null = null
  #token = ""
  #kills = 0
  #up: Promise<void> = Promise.resolve()
  readonly #startTimes: number[] = []
  readonly #said: string[] = []

  constructor(state: string, port: number) {
    this.#state = state
    this.port = port
  }

  get token(): string {
    return this.#token
  }

  /** How often it was killed: a request that saw this number change may have lost its answer. */
  get kills(): number {
    return this.#kills
  }

  /** How long each start took, in ms. */
  get startTimes(): readonly number[] {
    return this.#startTimes
  }

  /** The last lines that it wrote to stderr. */
  get said(): readonly string[] {
    return this.#said
  }

  /** Waits until it runs; fails when it could not be started again. */
  async up(): Promise<void> {
    await this.#up
  }

  async start(): Promise<void> {
    const started = performance.now()
    const child = spawn(process.execPath, ["scripts/start.ts"], {
      cwd: ROOT,
      env: {
        ...process.env,
        PORT: String(this.port),
        QUARTERDECK_STATE: this.#state,
        // By this it ends with the process that started it, however that goes.
        npm_lifecycle_event: "soak",
      },
      stdio: ["ignore", "pipe", "pipe"],
      // Ctrl-C in a terminal is for this process alone: what was acknowledged is to be read back from the edge.
      detached: true,
    })
    this.#process = child
    createInterface({ input: child.stderr }).on("line", (line) => this.#keep(line))
    this.#token = await readToken(child)
    this.#startTimes.push(performance.now() - started)
  }

  /** Kills it with SIGKILL and starts it again on the same data. */
  async kill(): Promise<void> {
    this.#kills++
    this.#up = this.#restart()
    await this.#up
  }

  /** Ends it as a person would. */
  async stop(): Promise<void> {
    await this.#end("SIGTERM")
  }

  /** What workerd has in memory; null where the system does not tell. */
  memoryKib(): number | null {
    const id = this.#process?.pid
    return id === undefined ? null : memoryInUse("workerd", id)
  }

  async #restart(): Promise<void> {
    await this.#end("SIGKILL")
    while (await isTaken(this.port)) await pause(20)
    await this.start()
  }

  async #end(signal: "SIGTERM" | "SIGKILL"): Promise<void> {
    const child = this.#process
    if (child === null || child.exitCode !== null || child.signalCode !== null) return
    const ended = once(child, "exit")
    child.kill(signal)
    await ended
  }

  #keep(line: string): void {
    this.#said.push(line)
    if (this.#said.length > KEPT_LINES) this.#said.shift()
  }
}

async function readToken({ stdout }: ChildProcess): Promise<string> {
  if (stdout === null) throw new Error("no output to read")
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  const lines = createInterface({ input: stdout })
  lines.on("line", (line) => {
    const token = /^token (\S+)$/.exec(line)?.[1]
    if (token !== undefined) resolve(token)
  })
  lines.on("close", () => reject(new Error("the edge did not start")))
  return promise
}

async function isTaken(port: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>()
  const socket = connect(port, "127.0.0.1")
  socket.on("connect", () => resolve(true))
  socket.on("error", () => resolve(false))
  const taken = await promise
  socket.destroy()
  return taken
}
