/** The heap of a Worker that runs, as workerd's inspector tells. */
import { once } from "node:events"
import { setTimeout as sleep } from "node:timers/promises"
import { z } from "zod"

const targets = z.array(z.object({ id: z.string(), webSocketDebuggerUrl: z.string() }))
const answer = z.object({ id: z.number(), result: z.unknown() })
const usage = z.object({
  usedSize: z.number(),
  /** Not on V8's heap: buffers, and objects of the runtime. Older runtimes do not tell. */
  backingStorageSize: z.number().default(0),
  embedderHeapUsedSize: z.number().default(0),
})

const WAKE_MS = 50

/** What an isolate holds, in bytes. */
export interface Heap {
  /** Objects of JavaScript. */
  used: number
  /** The bytes of its buffers, and what the runtime holds for it. */
  outside: number
}

/** A connection to the inspector of one isolate. */
export class Inspector {
  readonly #socket: WebSocket
  readonly #waiting = new Map<number, (result: unknown) => void>()
  #last = 0

  private constructor(socket: WebSocket) {
    this.#socket = socket
    socket.addEventListener("message", ({ data }) => {
      const { data: read } = answer.safeParse(JSON.parse(String(data)))
      if (read) this.#waiting.get(read.id)?.(read.result)
    })
  }

  /** Connects to the isolate of the Worker called `name`. */
  static async connect(port: number, name: string): Promise<Inspector> {
    const response = await fetch(`http://127.0.0.1:${port}/json`)
    const found = targets.parse(await response.json())
    const target = found.find(({ id }) => id === `core:user:${name}`)
    if (target === undefined) throw new Error(`there is no isolate of ${name}`)
    const socket = new WebSocket(target.webSocketDebuggerUrl)
    await once(socket, "open")
    return new Inspector(socket)
  }

  /** What the isolate holds now, garbage included. */
  async heap(): Promise<Heap> {
    const found = usage.parse(await this.#ask("Runtime.getHeapUsage"))
    return { used: found.usedSize, outside: found.backingStorageSize + found.embedderHeapUsedSize }
  }

  /** Removes all garbage. An isolate in which nothing runs does so, and answers, only when `wake` makes it run. */
  async collectGarbage(wake: () => Promise<unknown>): Promise<void> {
    const collected = this.#ask("HeapProfiler.collectGarbage").then(() => true)
    do await wake()
    while (!(await Promise.race([collected, sleep(WAKE_MS, false)])))
  }

  /** Ends the connection. */
  close(): void {
    this.#socket.close()
  }

  #ask(method: string): Promise<unknown> {
    const id = ++this.#last
    const { promise, resolve } = Promise.withResolvers<unknown>()
    this.#waiting.set(id, resolve)
    this.#socket.send(JSON.stringify({ id, method }))
    return promise.finally(() => this.#waiting.delete(id))
  }
}
