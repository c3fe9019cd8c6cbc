/** What the same reads cost with ever more stored: in rows read, exactly, and in time, beside the smallest store. */
import { type Amounts, type Edges, withEdges } from "./edges.ts"
import { commitIn, earlyCommit, FAMILIES, type Family, type Store } from "./families.ts"
import { askOnce } from "./load.ts"
import type { Part, Settings } from "./part.ts"
import { print, type Report } from "./report.ts"
import { median } from "./results.ts"
import { inTurns, ratios, watchWorkerd } from "./rounds.ts"

type Sizes = Readonly<Record<keyof Amounts, readonly number[]>>

const SIZES: Sizes = {
  events: [1_000, 10_000, 100_000],
  commits: [100, 1_000, 10_000],
  people: [10, 100, 1_000, 10_000],
}
/** Storing them takes minutes. */
const MANY_EVENTS = 1_000_000
const QUICK_SIZES: Sizes = { events: [100, 1_000], commits: [10, 100], people: [10, 100] }
const NOTHING: Amounts = { events: 0, commits: 0, people: 0 }
/** A range of an index ends at the first row behind it, if there is one: that may be read, too, in each of a few ranges. */
const ENDS_OF_RANGES = 8
/** How much longer the largest store may take: what is less cannot be told from noise. */
const MOST_TIME = 1.25

/** Measures and reports. */
export const measureScaling: Part = async (settings, report) => {
  const sizes = sizesOf(settings)
  if (!settings.isFull) print("up to 100,000 events; --full has a million")
  const all = FAMILIES.flatMap(({ of }) => sizes[of].map((size) => ({ of, size, store: storeName(of, size) })))
  const workers = all.flatMap(({ of, store }) => [
    worker(store, store),
    ...(of === "people" ? [worker(coldName(store), store, { TOKEN_CACHE_SECONDS: "0" })] : []),
  ])
  const filled = Object.fromEntries(all.map(({ of, size, store }) => [store, { ...NOTHING, [of]: size }]))
  await withEdges({ workers, filled }, async (edges) => {
    for (const family of FAMILIES) await measureFamily(settings, report, edges, family, sizes[family.of])
  })
}

function worker(name: string, store: string, variables = {}) {
  return { name, source: "built" as const, store, variables }
}

function sizesOf({ isQuick, isFull }: Settings): Sizes {
  if (isQuick) return QUICK_SIZES
  return isFull ? { ...SIZES, events: [...SIZES.events, MANY_EVENTS] } : SIZES
}

async function measureFamily(
  { pace, isWanted }: Settings,
  report: Report,
  edges: Edges,
  { of, title, reads }: Family,
  sizes: readonly number[],
): Promise<void> {
  const numbers = sizes.map((size) => size.toLocaleString("en"))
  const table = report.table(title, { heading: `time at ${numbers.at(-1)} of ${numbers[0]}'s`, digits: 2 }, [
    ...numbers.slice(1, -1).map((number) => ({ heading: `at ${number}`, digits: 2 })),
    ...numbers.map((number) => ({ heading: `rows at ${number}` })),
    { heading: "rows are flat" },
  ])
  const stores = await Promise.all(sizes.map((size) => storeOf(edges, of, size)))
  // Each store is asked for what it has, in the same place of its list.
  for (const [index, { name }] of (stores[0] ? reads(stores[0]) : []).entries()) {
    if (!isWanted(name)) continue
    const asked = stores.flatMap((store) => {
      const read = reads(store)[index]
      const place = storeName(of, store.size)
      return read ? [{ ask: read.question, port: edges.port(read.isCold ? coldName(place) : place) }] : []
    })
    const rows = []
    for (const { port, ask } of asked) {
      // The first may be the one that looks its token up.
      await askOnce(port, ask)
      rows.push((await askOnce(port, ask)).rows)
    }
    const watch = watchWorkerd(edges.id)
    const [smallest, ...larger] = await inTurns(
      pace,
      asked.map((one) => ({ ...one, watch })),
    )
    // Half the rate is twice the time.
    const times = larger.map((rounds) => ratios(smallest, rounds))
    table.add({
      name,
      values: times.at(-1) ?? [],
      goal: { most: MOST_TIME },
      others: [...times.slice(0, -1).map(median), ...rows, areFlat(rows.at(-2), rows.at(-1)) ? "yes" : "no"],
    })
  }
}

async function storeOf(edges: Edges, of: keyof Amounts, size: number): Promise<Store> {
  const { token } = edges
  if (of !== "commits") return { size, token, early: "" }
  const { body } = await askOnce(edges.port(storeName(of, size)), earlyCommit(token, size))
  return { size, token, early: commitIn(body) }
}

function storeName(of: keyof Amounts, size: number): string {
  return `${of}-${size}`
}

function coldName(store: string): string {
  return `${store}-cold`
}

/** Whether ten times as much stored is no more read. In the smallest stores a page, or what is counted of it, may not be full. */
function areFlat(less: number | null | undefined, more: number | null | undefined): boolean {
  return typeof less === "number" && typeof more === "number" && more <= less + ENDS_OF_RANGES
}
