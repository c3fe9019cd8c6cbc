/** How large the Worker is, how long it takes to start, and how much memory its isolate holds under load. */
import { join } from "node:path"
import { prepareEnvironment } from "../start/environment.ts"
import { measureBundle } from "./bundle.ts"
import { inFolder } from "./folder.ts"
import { measureMemory, sizeOf } from "./memory.ts"
import type { Part, Settings } from "./part.ts"
import type { Report } from "./report.ts"
import { median } from "./results.ts"
import { activeStartUp } from "./start-up-profile.ts"
import { bareWorker, ourWorker, timeToFirstAnswer } from "./start-up.ts"

const KIB = 1024
const MIB = 1024 ** 2
/** What `npm run check:bundle` holds. */
const MOST_GZIP_KIB = 250
const MOST_MEMORY_MIB = 64
/** Starts are short, and vary. */
const STARTS = 15
const PROFILES = 3
const LOAD_MS = 20_000

/** Measures and reports. */
export const measureSize: Part = async (settings, report) => {
  await inFolder(async (folder) => {
    prepareEnvironment(join(folder, "config"))
    const bundle = measureBundle(join(folder, "bundle"))
    const size = report.table("the bundle", { heading: "KiB", digits: 1 })
    size.add({ name: "as it is parsed", values: [bundle.bytes / KIB] })
    size.add({ name: "gzip", values: [bundle.gzipBytes / KIB], goal: { most: MOST_GZIP_KIB } })
    const packages = report.table("what is in it", { heading: "KiB", digits: 1 }, [{ heading: "modules" }])
    for (const { name, bytes, modules } of bundle.packages) {
      packages.add({ name, values: [bytes / KIB], others: [modules] })
    }
    await reportStart(settings, report, folder, bundle.main)
    await reportMemory(settings, report)
  })
}

/** What our Worker takes more than a bare one, whose start is that of workerd. */
async function reportStart({ isQuick }: Settings, report: Report, folder: string, main: string): Promise<void> {
  // Loaded only now: wrangler reads the environment when it is loaded.
  const { readProject } = await import("../start/project.ts")
  const { bindings } = readProject({}).worker({ modules: true, script: "" })
  const own = ourWorker(join(folder, "own"), main, { ...bindings })
  const bare = bareWorker(join(folder, "bare"))
  const times: { own: number; bare: number }[] = []
  for (let start = 0; start < (isQuick ? 1 : STARTS); start++) {
    times.push({ own: await timeToFirstAnswer(own), bare: await timeToFirstAnswer(bare) })
  }
  const table = report.table("the start of an isolate", { heading: "ms", digits: 1 }, [
    { heading: "own", digits: 1, unit: " ms" },
    { heading: "the bare one's", digits: 1, unit: " ms" },
  ])
  table.add({
    name: "to the first answer, more than a bare Worker",
    values: times.map((time) => time.own - time.bare),
    others: [median(times.map((time) => time.own)), median(times.map((time) => time.bare))],
  })
  table.add({
    name: "active until it is loaded (wrangler check startup)",
    values: activeStartUp(folder, isQuick ? 1 : PROFILES),
  })
}

async function reportMemory({ isQuick, pace }: Settings, report: Report): Promise<void> {
  const { before, peak, after } = await measureMemory(isQuick ? pace.measuredMs : LOAD_MS)
  const table = report.table("memory of the isolate", { heading: "MiB", digits: 1 }, [
    { heading: "JavaScript", digits: 1 },
    { heading: "buffers and runtime", digits: 1 },
  ])
  const rows = [
    { name: "after the first request, without garbage", heap: before },
    { name: "most, under everything at once", heap: peak, goal: { most: MOST_MEMORY_MIB } },
    { name: "after that, without garbage", heap: after, goal: { most: MOST_MEMORY_MIB } },
  ]
  for (const { heap, ...row } of rows) {
    table.add({ ...row, values: [sizeOf(heap) / MIB], others: [heap.used / MIB, heap.outside / MIB] })
  }
}
