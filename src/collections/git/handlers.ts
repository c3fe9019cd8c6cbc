/** How git's protocol behaves over HTTP (gitprotocol-http). */
import type { Context } from "hono"
import { requireProject } from "../../gateway/authorize.ts"
import { type Coding, formatOf } from "../../gateway/body-encoding.ts"
import { ApiError } from "../../gateway/errors.ts"
import { ByteReader, MalformedGitData } from "../../git/byte-reader.ts"
import { FLUSH, oneLine, pktLine } from "../../git/pkt-line.ts"
import { concat, streamOf } from "../../lib/bytes.ts"
import { findRepository, type Repository } from "../../partition/refs.ts"
import type { RegionalEnv } from "../regional.ts"
import { receive } from "./receive-pack.ts"
import { repositoryNotFound, SERVICES } from "./routes.ts"
import { type Answer, answerCommand, answerOldRequest } from "./upload-pack.ts"
import { readCommand, readOldRequest } from "./upload-request.ts"

type RegionalContext = Context<RegionalEnv>

const AGENT = "agent=quarterdeck"
const FETCH_CAPABILITIES = [
  "multi_ack_detailed",
  "side-band-64k",
  "ofs-delta",
  "shallow",
  "deepen-since",
  "deepen-not",
  "deepen-relative",
  "no-progress",
  "include-tag",
  "allow-reachable-sha1-in-want",
  "object-format=sha1",
  AGENT,
]
const PUSH_CAPABILITIES = [
  "report-status",
  // Without it git refuses to delete by itself, and does not say why.
  "delete-refs",
  "side-band-64k",
  "ofs-delta",
  "atomic",
  "quiet",
  "object-format=sha1",
  AGENT,
]
/** What a fetch wants and has is held in memory, and so is all that is compressed; in bytes. A push is not. */
const LONGEST_REQUEST = 8 * 1024 * 1024
const ZERO = "0".repeat(40)

/** What branches there are, and what the server can do. */
export async function advertise(c: RegionalContext, project: string, service: string): Promise<Response> {
  // Here git shows its user why, and not when the push itself is refused.
  if (service === SERVICES.push) requireProject(c, "contribute", project, repositoryNotFound)
  const repository = await openRepository(c, project)
  if (service === SERVICES.fetch && version(c) === 2) return answer(c, `${service}-advertisement`, [versionTwo()])
  const capabilities =
    service === SERVICES.fetch
      ? [...FETCH_CAPABILITIES, `symref=HEAD:refs/heads/${repository.defaultBranch}`]
      : PUSH_CAPABILITIES
  const lines = [pktLine(`# service=${service}\n`), FLUSH, ...refLines(repository, service, capabilities), FLUSH]
  return answer(c, `${service}-advertisement`, lines)
}

/** Answers a fetch. */
export async function fetchFrom(c: RegionalContext, project: string): Promise<Response> {
  const reader = requestReader(c, SERVICES.fetch)
  const repository = await openRepository(c, project)
  const partition = c.get("partition")
  return answer(
    c,
    `${SERVICES.fetch}-result`,
    await understood(async () =>
      version(c) === 2
        ? answerCommand(partition, repository, await readCommand(reader))
        : answerOldRequest(partition, repository, await readOldRequest(reader)),
    ),
  )
}

/** Answers a push. */
export async function pushTo(c: RegionalContext, project: string): Promise<Response> {
  const reader = requestReader(c, SERVICES.push)
  const repository = await openRepository(c, project)
  return answer(c, `${SERVICES.push}-result`, await understood(() => receive(c.get("partition"), repository, reader)))
}

/** Runs what reads a request. What cannot be understood is answered in the protocol: clients show that, and no HTTP status. */
async function understood<T>(run: () => Promise<T>): Promise<T | Uint8Array[]> {
  try {
    return await run()
  } catch (error) {
    if (error instanceof MalformedGitData) return [pktLine(`ERR ${oneLine(error.message)}`)]
    throw error
  }
}

function versionTwo(): Uint8Array {
  const lines = ["version 2", AGENT, "ls-refs", "fetch=shallow", "object-format=sha1"]
  return concat([...lines.map((line) => pktLine(`${line}\n`)), FLUSH])
}

function refLines({ branches, defaultBranch }: Repository, service: string, capabilities: string[]): Uint8Array[] {
  const refs = branches.map(({ name, head }) => `${head} refs/heads/${name}`)
  const main = branches.find(({ name }) => name === defaultBranch)
  if (main && service === SERVICES.fetch) refs.unshift(`${main.head} HEAD`)
  const [first = `${ZERO} capabilities^{}`, ...others] = refs
  return [`${first}\0${capabilities.join(" ")}\n`, ...others.map((line) => `${line}\n`)].map(pktLine)
}

async function openRepository(c: RegionalContext, project: string): Promise<Repository> {
  const repository = await findRepository(c.get("partition"), project)
  if (repository === null) throw repositoryNotFound(project)
  return repository
}

/** The protocol version that the client offers. Version 1 is the older one with a line more, which a server may leave out. */
function version(c: RegionalContext): number {
  return (c.req.header("git-protocol") ?? "").split(":").includes("version=2") ? 2 : 0
}

/** The body, decompressed. Git compresses long requests. */
function requestReader(c: RegionalContext, service: string): ByteReader {
  const expected = `application/x-${service}-request`
  if (c.req.header("content-type") !== expected) {
    throw new ApiError("unsupported_media_type", `the body must be sent with Content-Type: ${expected}, as git does`)
  }
  const { body } = c.req.raw
  if (body === null) throw new ApiError("invalid_request", "the request has no body: send it with git")
  const format = formatOf(c.req.header("content-encoding") ?? null)
  if (format === null) {
    return new ByteReader(body, service === SERVICES.fetch ? LONGEST_REQUEST : Number.POSITIVE_INFINITY)
  }
  // Git compresses what it holds in memory, and no packs: a little that is compressed can make a lot.
  return new ByteReader(streamOf(decompressed(body, format)), LONGEST_REQUEST)
}

async function* decompressed(body: ReadableStream<Uint8Array>, format: Coding): AsyncGenerator<Uint8Array> {
  try {
    yield* body.pipeThrough(new DecompressionStream(format))
  } catch (error) {
    if (!(error instanceof TypeError)) throw error
    throw new MalformedGitData(`the request is not compressed with ${format}, as it says`)
  }
}

function answer(c: RegionalContext, type: string, parts: Answer | Uint8Array[]): Response {
  return c.newResponse(streamOf(parts), 200, {
    "Content-Type": `application/x-${type}`,
    "Cache-Control": "no-cache, max-age=0, must-revalidate",
  })
}
