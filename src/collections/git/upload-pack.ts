/**
 * The answers to a fetch, in protocol version 2 and in the older one. Their lines are those of git's own upload-pack, byte by byte: some end with
 * a line feed and some do not, and not every client takes the one for the other.
 */
import { MalformedGitData } from "../../git/byte-reader.ts"
import type { ObjectId } from "../../git/objects.ts"
import { BAND, banded, DELIMITER, FLUSH, pktLine } from "../../git/pkt-line.ts"
import { concat, utf8 } from "../../lib/bytes.ts"
import { HistoryTooLong } from "../../partition/commit-graph.ts"
import {
  type Cuts,
  cutsOf,
  type Depth,
  enoughCommon,
  type NoFetch,
  openFetch,
  type OpenFetch,
  planFetch,
} from "../../partition/fetch.ts"
import { LARGEST_PACK, packContents } from "../../partition/pack-contents.ts"
import { makePack } from "../../partition/pack.ts"
import type { Partition } from "../../partition/partition.ts"
import type { Repository } from "../../partition/refs.ts"
import type { Command, OldRequest, UploadRequest, WantedDepth } from "./upload-request.ts"

/** An answer, part by part. */
export type Answer = AsyncGenerator<Uint8Array>

/** Parts of a pack are gathered up to about this many bytes before they are framed. */
const GATHERED_BYTES = 32 * 1024

/** Answers a request of version 2. Throws `MalformedGitData`. */
export async function answerCommand(partition: Partition, repository: Repository, command: Command): Promise<Answer> {
  if (command.command === "ls-refs") return whole(listRefs(repository, command))
  const { request } = command
  if (request.wants.length === 0) return whole(new Uint8Array())
  return bounded(async () => {
    const fetch = await opened(partition, repository, request)
    let answer: Uint8Array[] = []
    if (request.haves.length > 0 && !request.done) {
      const acks = fetch.common.length === 0 ? ["NAK\n"] : fetch.common.map((id) => `ACK ${id}\n`)
      answer = ["acknowledgments\n", ...acks].map(pktLine)
      if ((await enoughCommon(fetch)) === null) return whole(concat([...answer, FLUSH]))
      answer = [...answer, pktLine("ready\n"), DELIMITER]
    }
    const cuts = planned(await cutsOf(fetch))
    if (fetch.depth !== null || fetch.shallow.length > 0) {
      answer = [...answer, pktLine("shallow-info\n"), ...cutLines(fetch, cuts), DELIMITER]
    }
    answer.push(pktLine("packfile\n"))
    return withPack(concat(answer), await packOf(partition, repository, fetch, cuts), true)
  })
}

/** Answers a request of the older version. Throws `MalformedGitData`. */
export async function answerOldRequest(
  partition: Partition,
  repository: Repository,
  { request, capabilities, negotiates }: OldRequest,
): Promise<Answer> {
  if (request.wants.length === 0) return whole(new Uint8Array())
  return bounded(async () => {
    const fetch = await opened(partition, repository, request)
    const cuts = planned(await cutsOf(fetch))
    const told = fetch.depth === null ? [] : [...cutLines(fetch, cuts), FLUSH]
    if (!negotiates) return whole(concat(told))
    const detailed = capabilities.has("multi_ack_detailed")
    const acks = detailed ? await detailedAcks(fetch, request) : await simpleAcks(fetch)
    const answer = [...told, ...acks.map(pktLine)]
    if (!request.done) return whole(concat(answer))
    const pack = await packOf(partition, repository, fetch, cuts)
    return withPack(concat(answer), pack, capabilities.has("side-band-64k"))
  })
}

/** What is answered to `have` lines with `multi_ack_detailed`: each that is common, and each other one as soon as there are enough. */
async function detailedAcks(fetch: OpenFetch, { haves, done }: UploadRequest): Promise<string[]> {
  const lines: string[] = []
  const last = fetch.common.at(-1)
  const others = haves.length - fetch.common.length
  // It is needed for what is sent behind the last line, and for lines that are not common.
  const enough = others > 0 || !done ? await enoughCommon(fetch) : null
  const common = new Set(fetch.common)
  let count = 0
  for (const id of haves) {
    if (common.has(id)) {
      count++
      lines.push(`ACK ${id} common\n`)
    } else if (enough !== null && count >= enough) lines.push(`ACK ${id} ready\n`)
  }
  if (done) return [...lines, last === undefined ? "NAK\n" : `ACK ${last}\n`]
  if (enough !== null && others === 0) lines.push(`ACK ${last} ready\n`)
  return [...lines, "NAK\n"]
}

/** The same without it: the first commit that is common, and those that say nothing more than it does; or that there is none. */
async function simpleAcks({ graph, common }: OpenFetch): Promise<string[]> {
  const told = new Set<ObjectId>()
  const lines: string[] = []
  let count = 0
  for (const id of common) {
    if (!told.has(id)) count++
    if (count > 1) break
    for (const one of [id, ...((await graph.find(id))?.parents ?? [])]) told.add(one)
    lines.push(`ACK ${id}\n`)
  }
  return lines.length === 0 ? ["NAK\n"] : lines
}

function listRefs({ branches, defaultBranch }: Repository, { symrefs, prefixes }: Command & { command: "ls-refs" }) {
  const refs = branches.map(({ name, head }) => ({ name: `refs/heads/${name}`, head, target: "" }))
  const main = branches.find(({ name }) => name === defaultBranch)
  if (main) {
    refs.unshift({ name: "HEAD", head: main.head, target: symrefs ? ` symref-target:refs/heads/${main.name}` : "" })
  }
  const asked = refs.filter(({ name }) => prefixes.length === 0 || prefixes.some((prefix) => name.startsWith(prefix)))
  return concat([...asked.map(({ name, head, target }) => pktLine(`${head} ${name}${target}\n`)), FLUSH])
}

async function opened(partition: Partition, repository: Repository, request: UploadRequest): Promise<OpenFetch> {
  return planned(await openFetch(partition, repository, { ...request, depth: depthOf(repository, request.depth) }))
}

function depthOf(repository: Repository, { commits, relative, since, not }: WantedDepth): Depth | null {
  const limited = since !== null || not.size > 0
  if (commits !== null && limited) {
    throw new MalformedGitData("deepen and deepen-since (or deepen-not) cannot be used together")
  }
  if (commits !== null) return { by: "commits", commits, relative }
  return limited ? { by: "limits", since, without: Array.from(not, (name) => headOf(repository, name)) } : null
}

/** The commit of a ref, which may be named as git allows it. */
function headOf({ branches, defaultBranch }: Repository, name: string): ObjectId {
  const branch = name === "HEAD" ? defaultBranch : name.replace(/^(refs\/)?heads\//, "")
  const found = branches.find((one) => one.name === branch)
  if (!found) throw new MalformedGitData(`there is no branch '${name}'`)
  return found.head
}

/** What was planned. Throws `MalformedGitData` when nothing can be sent. */
function planned<Plan extends { outcome: string }>(plan: Plan | NoFetch): Plan {
  if (isRefused(plan)) throw refusal(plan)
  return plan
}

function isRefused(plan: { outcome: string } | NoFetch): plan is NoFetch {
  return plan.outcome === "missing" || plan.outcome === "too-many" || plan.outcome === "empty"
}

function refusal(reason: NoFetch): MalformedGitData {
  if (reason.outcome === "missing") return new MalformedGitData(`upload-pack: not our ref ${reason.id}`)
  if (reason.outcome === "empty") return new MalformedGitData("no commits selected for shallow requests")
  return new MalformedGitData(`more than ${LARGEST_PACK} objects cannot be sent at once: fetch with --depth`)
}

/** Runs what looks at a history; one that is too long for one request is refused. */
async function bounded(run: () => Promise<Answer>): Promise<Answer> {
  try {
    return await run()
  } catch (error) {
    if (!(error instanceof HistoryTooLong)) throw error
    throw new MalformedGitData("the history is too long to be looked at in one request: fetch with --depth")
  }
}

/** How the cuts change. These lines end without a line feed. */
function cutLines({ depth }: OpenFetch, { shallow, unshallow }: Cuts): Uint8Array[] {
  if (depth === null) return []
  return [...shallow.map((id) => `shallow ${id}`), ...unshallow.map((id) => `unshallow ${id}`)].map(pktLine)
}

async function packOf(partition: Partition, repository: Repository, fetch: OpenFetch, cuts: Cuts): Promise<Answer> {
  const { sent, had } = planned(await planFetch(fetch, cuts))
  const contents = await packContents(partition, sent, had)
  if (contents === null) throw refusal({ outcome: "too-many" })
  return makePack(partition, repository, contents)
}

async function* whole(bytes: Uint8Array): Answer {
  yield bytes
}

/** What goes before a pack, and the pack: on a band of its own, unless the client does not know of bands. */
async function* withPack(before: Uint8Array, pack: Answer, bands: boolean): Answer {
  yield before
  try {
    for await (const bytes of gathered(pack)) yield bands ? banded(BAND.data, bytes) : bytes
    if (bands) yield FLUSH
  } catch (error) {
    // The answer has begun: all that is left is to end it so that the client sees that it is not whole.
    console.error(JSON.stringify({ event: "fetch-failed", error: String(error) }))
    if (!bands) throw error
    yield banded(BAND.error, utf8("the server failed while it sent the pack: try again\n"))
  }
}

async function* gathered(parts: Answer): Answer {
  let held: Uint8Array[] = []
  let length = 0
  for await (const part of parts) {
    held.push(part)
    length += part.length
    if (length < GATHERED_BYTES) continue
    yield concat(held)
    held = []
    length = 0
  }
  if (length > 0) yield concat(held)
}
