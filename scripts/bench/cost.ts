/** What requests of each kind cost: their calls to storage, counted, and their CPU time, times Cloudflare's prices. */
import { setTimeout as sleep } from "node:timers/promises"
import { type Count, type Counts, countsShape, noCounts } from "./counts.ts"
import { type Edges, withEdges } from "./edges.ts"
import { type Ask, askOnce } from "./load.ts"
import type { Part, Settings } from "./part.ts"
import { dollarsPerMillion } from "./prices.ts"
import { besideOrigin } from "./process.ts"
import {
  event,
  eventsPath,
  file,
  filePath,
  filesPath,
  get,
  historyPath,
  hundredFiles,
  METADATA_PATH,
  newFile,
  newProject,
  PROJECT_LIST,
  projectPath,
  refused,
  unknownToken,
} from "./questions.ts"
import { print } from "./report.ts"
import { cpuMicroseconds, inTurns, watchWorkerd } from "./rounds.ts"
import { isUsageKnown } from "./usage.ts"

/** The project that is asked about. */
const PROJECT = "measured"
/** How often each is asked before anything is counted, and then. */
const UNCOUNTED = 3
/** Refusals are noted in the audit trail up to twenty a minute: they come in floods, in which nearly all are not. */
const NOTED = 25
const COUNTED = 10
/** What goes on after the answer (KV is filled, a token is noted as used) takes no longer, in ms. */
const AFTERWARDS_MS = 300

const COLUMNS: readonly { count: Count; heading: string }[] = [
  { count: "d1Calls", heading: "D1 calls" },
  { count: "rowsRead", heading: "rows read" },
  { count: "rowsWritten", heading: "written" },
  { count: "kvReads", heading: "KV read" },
  { count: "kvWrites", heading: "written to KV" },
  { count: "r2ClassA", heading: "R2 class A" },
  { count: "r2ClassB", heading: "class B" },
]

interface Kind {
  name: string
  ask: Ask
  isCold?: true
  /** Whether each changes the same branch, which has one writer at a time. */
  isAlone?: true
  uncounted?: number
}

/** Measures and reports. */
export const measureCost: Part = async (settings, report) => {
  if (!isUsageKnown) print("this system has no /proc as Linux has: CPU time counts for nothing here")
  await besideOrigin((_, variables) => {
    const cold = { ...variables, TOKEN_CACHE_SECONDS: "0" }
    const workers = [
      { name: "own", source: "built", variables },
      { name: "own, cold", source: "built", variables: cold },
      { name: "counted", source: "counted", variables },
      { name: "counted, cold", source: "counted", variables: cold },
    ] as const
    return withEdges({ workers: [...workers] }, async (edges) => {
      await prepare(edges)
      const table = report.table("a million of", { heading: "dollars", digits: 2 }, [
        ...COLUMNS.map(({ heading }) => ({ heading, digits: 1 })),
        { heading: "CPU", digits: 2, unit: " ms" },
      ])
      for (const kind of kinds(edges.token).filter(({ name }) => settings.isWanted(name))) {
        const counts = await countCalls(edges, kind)
        const cpu = await cpuMilliseconds(edges, kind, settings)
        table.add({
          name: kind.name,
          values: [dollarsPerMillion(counts, cpu ?? 0)],
          others: [...COLUMNS.map(({ count }) => counts[count]), cpu],
        })
      }
    })
  })
}

/** A project with files, a history and events. */
async function prepare({ port, token }: Edges): Promise<void> {
  const questions = [
    newProject(token, PROJECT),
    newFile(token, PROJECT),
    ...Array.from({ length: 25 }, (_, number) => newFile(token, PROJECT, `folder/${number}.yaml`)),
    ...Array.from({ length: 40 }, () => event(token, "/api/v1/event", PROJECT)),
  ]
  for (const question of questions) await askOnce(port("own"), question)
}

function kinds(token: string): readonly Kind[] {
  return [
    {
      name: "refused requests, a malformed token",
      ask: refused(METADATA_PATH, () => "kpat_malformed"),
      uncounted: NOTED,
    },
    { name: "refused requests, an unknown token", ask: refused(METADATA_PATH, unknownToken), uncounted: NOTED },
    { name: "metadata", ask: get(METADATA_PATH, token) },
    { name: "metadata, a cold token", ask: get(METADATA_PATH, token), isCold: true },
    { name: "requests passed on to an origin", ask: get("/origin/small", token) },
    { name: "reads of a project", ask: get(projectPath(PROJECT), token) },
    { name: "pages of projects", ask: get(PROJECT_LIST, token) },
    { name: "pages of 20 events", ask: get(eventsPath(`project=${PROJECT}`), token) },
    { name: "reads of a small file", ask: get(filePath(PROJECT), token) },
    { name: "pages of 20 files", ask: get(`${filesPath(PROJECT)}?pageSize=20`, token) },
    { name: "pages of the history", ask: get(historyPath(PROJECT), token) },
    { name: "events sent", ask: () => event(token, "/api/v1/event", PROJECT) },
    { name: "writes of one file", ask: () => file(token, filePath(PROJECT)), isAlone: true },
    {
      name: "writes of a hundred files at once",
      ask: () => hundredFiles(token, filesPath(PROJECT)),
      isAlone: true,
    },
    { name: "projects created", ask: () => newProject(token, `p-${crypto.randomUUID()}`) },
  ]
}

/** What one of many requests asks of storage, also after its answer. */
async function countCalls({ port }: Edges, { ask, isCold, uncounted = UNCOUNTED }: Kind): Promise<Counts> {
  const place = port(isCold ? "counted, cold" : "counted")
  const askSome = async (times: number) => {
    for (let time = 0; time < times; time++) await askOnce(place, typeof ask === "function" ? ask(0) : ask)
    await sleep(AFTERWARDS_MS)
    return countsShape.parse(JSON.parse((await askOnce(place, { path: "/counts", token: "" })).body))
  }
  await askSome(uncounted)
  const all = await askSome(COUNTED)
  const each = noCounts()
  for (const { count } of COLUMNS) each[count] = all[count] / COUNTED
  return each
}

async function cpuMilliseconds({ port, id }: Edges, kind: Kind, { pace }: Settings): Promise<number | null> {
  const { ask, isCold, isAlone } = kind
  const place = port(isCold ? "own, cold" : "own")
  const load = { port: place, ask, watch: watchWorkerd(id), ...(isAlone && { connections: 1 }) }
  const [rounds] = await inTurns(pace, [load])
  const microseconds = cpuMicroseconds(rounds)
  return microseconds === null ? null : microseconds / 1000
}
