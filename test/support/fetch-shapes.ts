/** Fetches in many shapes, whose trips to storage are counted up to where the pack begins. */
import type { ObjectId } from "../../src/git/objects.ts"
import { FLUSH, pktLine } from "../../src/git/pkt-line.ts"
import { concat } from "../../src/lib/bytes.ts"
import { storageCounts } from "./client.ts"
import { ask, longCommandBody } from "./git.ts"

/** What a history offers to be asked for. */
export interface HistoryToFetch {
  /** All commits of a branch, the oldest first. */
  line: readonly ObjectId[]
  /** A commit that only another branch has, and the name of that. */
  other: { branch: string; head: ObjectId }
}

/** The lines of a fetch; without `done` it goes on to talk. */
export interface FetchShape {
  what: string
  lines: readonly string[]
}

/** How many lines of a kind a request names: about 1 MB of them. */
const MANY = 20_000

/** Ids that nothing has. */
function unknown(count: number): ObjectId[] {
  return Array.from({ length: count }, (_, index) => index.toString(16).padStart(40, "f"))
}

function linesOf(verb: string, ids: readonly ObjectId[]): string[] {
  return ids.map((id) => `${verb} ${id}`)
}

/** Everything that a request for this history can be made of, a lot of each. */
export function fetchShapes({ line, other }: HistoryToFetch): FetchShape[] {
  const at = (part: number) => line[Math.floor((line.length - 1) * part)] ?? ""
  const [head, middle, first] = [at(1), at(0.5), at(0)]
  const all = line.slice(-MANY)
  const want = `want ${head}`
  return [
    { what: "a clone", lines: [want, `want ${other.head}`, "done"] },
    { what: "what is new", lines: [want, `have ${at(0.99)}`, "done"] },
    { what: "what is new since long ago", lines: [want, `have ${first}`, "done"] },
    { what: "what is new, while it talks", lines: [want, `have ${first}`] },
    { what: "nothing that is new", lines: [`want ${first}`, `have ${head}`, "done"] },
    { what: "another branch", lines: [`want ${other.head}`, `have ${head}`] },
    { what: "unknown haves", lines: [want, ...linesOf("have", unknown(MANY))] },
    { what: "every commit as a have", lines: [want, ...linesOf("have", all.slice(0, -1))] },
    {
      what: "known and unknown haves in turns",
      lines: [want, ...all.flatMap((id, n) => [`have ${id}`, `have ${n.toString(16).padStart(40, "e")}`])],
    },
    { what: "every commit as a want", lines: [...linesOf("want", all), "done"] },
    { what: "very many wants that are not there", lines: [...linesOf("want", unknown(MANY)), "done"] },
    {
      what: "unknown cuts, deepened",
      lines: [want, ...linesOf("shallow", unknown(MANY)), "deepen 5", "deepen-relative", "done"],
    },
    { what: "every commit as a cut", lines: [want, ...linesOf("shallow", all), "done"] },
    {
      what: "every commit as a cut, deepened",
      lines: [want, ...linesOf("shallow", all), "deepen 5", "deepen-relative", "done"],
    },
    {
      what: "every commit as a cut, made whole",
      lines: [want, ...linesOf("shallow", all), "deepen 2147483647", "done"],
    },
    { what: "a small depth", lines: [want, "deepen 1", "done"] },
    { what: "a small depth of an old commit", lines: [`want ${middle}`, "deepen 1", "done"] },
    { what: "a large depth", lines: [want, `deepen ${line.length - 10}`, "done"] },
    { what: "a depth beyond the history", lines: [want, "deepen 2000000000", "done"] },
    {
      what: "a cut that is deepened far",
      lines: [want, `shallow ${head}`, `have ${head}`, `deepen ${line.length - 10}`, "deepen-relative", "done"],
    },
    { what: "what was since the beginning", lines: [want, "deepen-since 1", "done"] },
    { what: "what another branch does not have", lines: [want, `deepen-not ${other.branch}`, "done"] },
    { what: "what another branch has alone", lines: [`want ${other.head}`, "deepen-not dev", "done"] },
    {
      what: "what many branches do not have",
      lines: [want, ...Array.from({ length: MANY }, () => `deepen-not ${other.branch}`), "done"],
    },
    { what: "a branch that is not there left out", lines: [want, "deepen-not nowhere", "done"] },
  ]
}

/** Whether a line belongs to the second part of a request of the older version. */
function isTalk(line: string): boolean {
  return line.startsWith("have ") || line === "done"
}

/** Sends a fetch in version 2 and in the older one; returns the trips that each made before its pack began. */
export async function tripsOf(project: string, { lines }: FetchShape, token: string): Promise<number[]> {
  const toldBefore = lines.filter((line) => !isTalk(line) && line !== "deepen-relative")
  const [first = "", ...others] = toldBefore
  const relative = lines.includes("deepen-relative") ? " deepen-relative" : ""
  const old = [`${first} multi_ack_detailed side-band-64k${relative}`, ...others].map((line) => pktLine(`${line}\n`))
  const talk = lines.filter(isTalk).map((line) => pktLine(`${line}\n`))
  const trips: number[] = []
  for (const [body, headers] of [
    [longCommandBody("fetch", lines), { "git-protocol": "version=2" }],
    [concat([...old, FLUSH, ...talk, FLUSH]), {}],
  ] as const) {
    const response = await ask(project, "upload-pack", body, { headers, token })
    if (response.status !== 200) throw new Error(`${response.status} ${await response.text()}`)
    trips.push(storageCounts(response).trips)
    await response.body?.cancel()
  }
  return trips
}
