/** The answers to a fetch, in protocol version 2 and in the older one. */
import { MalformedGitData } from "../../git/byte-reader.ts"
import type { ObjectId } from "../../git/objects.ts"
import { BAND, banded, DELIMITER, FLUSH, pktLine } from "../../git/pkt-line.ts"
import { concat, utf8 } from "../../lib/bytes.ts"
import { commonCommits, type FetchPlan, planFetch } from "../../partition/fetch.ts"
import { LARGEST_PACK, makePack, packContents } from "../../partition/pack.ts"
import type { Partition } from "../../partition/partition.ts"
import type { Repository } from "../../partition/refs.ts"
import type { Command, OldRequest, UploadRequest } from "./upload-request.ts"

/** An answer, part by part. */
export type Answer = AsyncGenerator<Uint8Array>

/** Parts of a pack are gathered up to about this many bytes before they are framed. */
const GATHERED_BYTES = 32 * 1024

/** Answers a request of version 2. Throws `MalformedGitData`. */
export async function answerCommand(partition: Partition, repository: Repository, command: Command): Promise<Answer> {
  if (command.command === "ls-refs") return whole(listRefs(repository, command))
  const { request } = command
  const haves = await commonCommits(partition, repository, request.haves)
  const plan = await plannedFetch(partition, repository, request, haves)
  const answer: Uint8Array[] = []
  if (!request.done) {
    const acks = haves.length === 0 ? ["NAK\n"] : haves.map((id) => `ACK ${id}\n`)
    answer.push(...["acknowledgments\n", ...acks].map(pktLine))
    if (!plan.settled) return whole(concat([...answer, FLUSH]))
    answer.push(pktLine("ready\n"), DELIMITER)
  }
  if (request.depth !== null) answer.push(pktLine("shallow-info\n"), ...cuts(plan), DELIMITER)
  answer.push(pktLine("packfile\n"))
  return withPack(concat(answer), await packOf(partition, repository, plan), true)
}

/** Answers a request of the older version. Throws `MalformedGitData`. */
export async function answerOldRequest(
  partition: Partition,
  repository: Repository,
  { request, capabilities, negotiates }: OldRequest,
): Promise<Answer> {
  const haves = await commonCommits(partition, repository, request.haves)
  const plan = await plannedFetch(partition, repository, request, haves)
  const answer: Uint8Array[] = []
  if (request.depth !== null) answer.push(...cuts(plan), FLUSH)
  if (!negotiates) return whole(concat(answer))
  const last = haves.at(-1)
  const detailed = capabilities.has("multi_ack_detailed")
  if (detailed) answer.push(...haves.map((id) => pktLine(`ACK ${id} common\n`)))
  if (!request.done) {
    if (detailed && plan.settled) answer.push(pktLine(`ACK ${last} ready\n`))
    if (detailed || last === undefined) answer.push(pktLine("NAK\n"))
    else answer.push(pktLine(`ACK ${haves[0]}\n`))
    return whole(concat(answer))
  }
  answer.push(pktLine(last === undefined ? "NAK\n" : `ACK ${last}\n`))
  return withPack(concat(answer), await packOf(partition, repository, plan), capabilities.has("side-band-64k"))
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

async function plannedFetch(
  partition: Partition,
  repository: Repository,
  request: UploadRequest,
  haves: readonly ObjectId[],
): Promise<FetchPlan> {
  if (request.wants.length === 0) throw new MalformedGitData("nothing is wanted")
  const depth = request.depth && { ...request.depth, not: request.depth.not.map((name) => headOf(repository, name)) }
  const plan = await planFetch(partition, repository, { ...request, haves, depth })
  if (plan.outcome === "missing") throw new MalformedGitData(`${plan.id} is not a commit of this project`)
  if (plan.outcome === "too-many") throw tooMany()
  return plan
}

function headOf({ branches }: Repository, name: string): ObjectId {
  const branch = branches.find((one) => one.name === name || `refs/heads/${one.name}` === name)
  if (!branch) throw new MalformedGitData(`there is no branch '${name}'`)
  return branch.head
}

function cuts({ shallow, unshallow }: FetchPlan): Uint8Array[] {
  return [...shallow.map((id) => pktLine(`shallow ${id}\n`)), ...unshallow.map((id) => pktLine(`unshallow ${id}\n`))]
}

async function packOf(partition: Partition, repository: Repository, plan: FetchPlan): Promise<Answer> {
  const contents = await packContents(partition, repository, plan.commits)
  if (contents === null) throw tooMany()
  return makePack(partition, repository, contents)
}

function tooMany(): MalformedGitData {
  return new MalformedGitData(`more than ${LARGEST_PACK} objects cannot be sent at once: fetch with --depth`)
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
