/** Reads what a fetching client sends: protocol version 2 (gitprotocol-v2) and the older one (gitprotocol-pack). Pure. */
import { type ByteReader, MalformedGitData } from "../../git/byte-reader.ts"
import type { ObjectId } from "../../git/objects.ts"
import { readPacket } from "../../git/pkt-line.ts"

/** How deep a history is wanted: null and none for no limit. `since` in seconds since 1970, `not` are names of refs. */
export interface WantedDepth {
  commits: number | null
  relative: boolean
  since: number | null
  not: Set<string>
}

/** What a fetch wants and has, in either version. */
export interface UploadRequest {
  wants: ObjectId[]
  haves: ObjectId[]
  shallow: ObjectId[]
  depth: WantedDepth
  /** The client has named all it has, and waits for the pack. */
  done: boolean
}

/** A request of version 2. */
export type Command =
  | { command: "ls-refs"; symrefs: boolean; prefixes: string[] }
  | { command: "fetch"; request: UploadRequest }

/** A request of the older version. `negotiates`: something follows what is wanted; without it only the cuts are asked for. */
export interface OldRequest {
  request: UploadRequest
  capabilities: ReadonlySet<string>
  negotiates: boolean
}

/** Reads a request of version 2. Throws `MalformedGitData`. */
export async function readCommand(reader: ByteReader): Promise<Command> {
  const { lines, sections } = await readMessage(reader)
  const [command = ""] = lines
  const [args = []] = sections
  if (command === "command=ls-refs") {
    const prefixes = args.flatMap((line) => (line.startsWith("ref-prefix ") ? line.slice("ref-prefix ".length) : []))
    return { command: "ls-refs", symrefs: args.includes("symrefs"), prefixes }
  }
  if (command !== "command=fetch") throw new MalformedGitData(`'${command}' is not served here`)
  const request = emptyRequest()
  for (const line of args) readArgument(request, line)
  return { command: "fetch", request }
}

/** Reads a request of the older version. Throws `MalformedGitData`. */
export async function readOldRequest(reader: ByteReader): Promise<OldRequest> {
  const request = emptyRequest()
  const { lines } = await readMessage(reader)
  if (lines.length === 0) return { request, capabilities: new Set(), negotiates: false }
  // Capabilities stand behind the first line.
  const [first = "", ...others] = lines
  const [verb = "", id = "", ...capabilities] = first.split(" ")
  for (const line of [`${verb} ${id}`, ...others]) readArgument(request, line)
  request.depth.relative = capabilities.includes("deepen-relative")
  const negotiates = !(await reader.atEnd())
  while (!(await reader.atEnd())) {
    for (const line of (await readMessage(reader)).lines) readArgument(request, line)
  }
  return { request, capabilities: new Set(capabilities), negotiates }
}

/** The lines up to a flush or the end, and those behind each delimiter. */
async function readMessage(reader: ByteReader): Promise<{ lines: string[]; sections: string[][] }> {
  const lines: string[] = []
  const sections: string[][] = []
  for (let packet = await readPacket(reader); packet !== null; packet = await readPacket(reader)) {
    if (packet.kind === "flush") break
    if (packet.kind === "delimiter") sections.push([])
    else (sections.at(-1) ?? lines).push(packet.text)
  }
  return { lines, sections }
}

function emptyRequest(): UploadRequest {
  const depth = { commits: null, relative: false, since: null, not: new Set<string>() }
  return { wants: [], haves: [], shallow: [], depth, done: false }
}

/** What a client may say that changes nothing in what this server does. */
const IGNORED = ["thin-pack", "no-progress", "include-tag", "ofs-delta"]

function readArgument(request: UploadRequest, line: string): void {
  const space = line.indexOf(" ")
  const [name, value] = space < 0 ? [line, ""] : [line.slice(0, space), line.slice(space + 1)]
  if (name === "want") request.wants.push(objectIdOf(value))
  else if (name === "have") request.haves.push(objectIdOf(value))
  else if (name === "shallow") request.shallow.push(objectIdOf(value))
  else if (name === "deepen") request.depth.commits = limitOf(line, value)
  else if (name === "deepen-relative") request.depth.relative = true
  else if (name === "deepen-since") request.depth.since = limitOf(line, value)
  else if (name === "deepen-not") request.depth.not.add(value)
  else if (name === "done") request.done = true
  else if (!IGNORED.includes(name)) throw new MalformedGitData(`'${line}' is not understood`)
}

function objectIdOf(text: string): ObjectId {
  if (!/^[0-9a-f]{40}$/.test(text)) throw new MalformedGitData(`'${text}' is not an object id`)
  return text
}

/** A depth or a time, which git refuses below 1. */
function limitOf(line: string, text: string): number {
  const isLimit = /^\d{1,15}$/.test(text) && Number(text) > 0
  if (!isLimit) throw new MalformedGitData(`'${line}' is not valid: give a number above 0`)
  return Number(text)
}
