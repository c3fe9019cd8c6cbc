/** Workers side by side in one workerd, each behind a socket of its own (edges-process.ts). */
import { z } from "zod"
import { inFolder } from "./folder.ts"
import { startScript } from "./process.ts"

const worker = z.object({
  name: z.string(),
  /** The Worker as it is deployed, what it is measured by, or the Worker with its calls to storage counted. */
  source: z.enum(["built", "floor", "counted"]),
  variables: z.record(z.string(), z.json()).default({}),
  /** Workers with the same store share all data. */
  store: z.string().default("main"),
})

const amounts = z.object({ events: z.number(), commits: z.number(), people: z.number() })

/** How much a store holds before anything is asked. */
export type Amounts = z.infer<typeof amounts>

/** What shall run. */
export const edgesShape = z.object({
  workers: z.array(worker),
  filled: z.record(z.string(), amounts).default({}),
  /** Whether the heap of the Workers can be looked at. */
  inspected: z.boolean().default(false),
})

/** What runs. */
const startedShape = z.object({
  token: z.string(),
  ports: z.record(z.string(), z.number()),
  inspectorPort: z.number().nullable(),
})

/** Workers that run. */
export interface Edges {
  /** Of the administrator of every store. */
  token: string
  /** The process that has workerd below it. */
  id: number | undefined
  port: (name: string) => number
  inspectorPort: number | null
}

/** Lets `use` have Workers, which are ended afterwards. */
export async function withEdges<T>(wanted: z.input<typeof edgesShape>, use: (edges: Edges) => Promise<T>): Promise<T> {
  return inFolder(async (state) => {
    const script = import.meta.resolve("./edges-process.ts")
    const { line, id, stop } = await startScript(script, [JSON.stringify(wanted)], { QUARTERDECK_STATE: state })
    try {
      const { token, ports, inspectorPort } = startedShape.parse(JSON.parse(line))
      const port = (name: string) => {
        const found = ports[name]
        if (found === undefined) throw new Error(`no Worker is called ${name}`)
        return found
      }
      return await use({ token, id, port, inspectorPort })
    } finally {
      await stop()
    }
  })
}
