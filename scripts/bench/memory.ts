/** What the isolate holds while everything is asked of it at once. */
import { setTimeout as sleep } from "node:timers/promises"
import { gatewayComparisons, preparations, readComparisons, writeComparisons } from "./comparisons.ts"
import { type Edges, withEdges } from "./edges.ts"
import { type Heap, Inspector } from "./inspector.ts"
import { askOnce, warmUp } from "./load.ts"
import { besideOrigin } from "./process.ts"

/** How often the heap is looked at, in ms. */
const LOOK_MS = 50
/** Each kind of request is asked on so many connections. */
const CONNECTIONS_EACH = 4

/** The heap after the first request, at its largest under load, and after that without garbage. */
export interface MemoryUse {
  before: Heap
  peak: Heap
  after: Heap
}

/** Asks everything that is compared with the floor (comparisons.ts) at once for so long. */
export function measureMemory(milliseconds: number): Promise<MemoryUse> {
  return besideOrigin((origin, variables) => {
    const workers = [{ name: "own", source: "built" as const, variables }]
    return withEdges({ workers, inspected: true }, async (edges) => {
      if (edges.inspectorPort === null) throw new Error("there is no inspector")
      const inspector = await Inspector.connect(edges.inspectorPort, "own")
      try {
        const wake = () => askOnce(edges.port("own"), { path: "/health", token: "" })
        await inspector.collectGarbage(wake)
        const before = await inspector.heap()
        const peak = await highestDuring(inspector, () => askEverything(edges, origin, milliseconds))
        await inspector.collectGarbage(wake)
        return { before, peak, after: await inspector.heap() }
      } finally {
        inspector.close()
      }
    })
  })
}

async function askEverything({ port, token }: Edges, origin: number, milliseconds: number): Promise<void> {
  for (const question of preparations(token)) await askOnce(port("own"), question)
  const surroundings = { token, hash: "", origin }
  const all = [gatewayComparisons, readComparisons, writeComparisons].flatMap((comparisons) =>
    comparisons(surroundings),
  )
  await Promise.all(all.map(({ own }) => warmUp(port("own"), own, milliseconds, CONNECTIONS_EACH)))
}

/** The largest heap that is seen until `work` is done. */
async function highestDuring(inspector: Inspector, work: () => Promise<void>): Promise<Heap> {
  let highest = await inspector.heap()
  const done = work().then(() => true)
  do {
    const heap = await inspector.heap()
    if (sizeOf(heap) > sizeOf(highest)) highest = heap
  } while (!(await Promise.race([done, sleep(LOOK_MS, false)])))
  return highest
}

/** All of it. */
export function sizeOf({ used, outside }: Heap): number {
  return used + outside
}
