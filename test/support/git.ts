/** Git's protocol as tests speak it to `eu`, one request after the other. */
import { type ObjectId, objectId, type ObjectType } from "../../src/git/objects.ts"
import { DELIMITER, FLUSH, pktLine, readPacket } from "../../src/git/pkt-line.ts"
import { concat } from "../../src/lib/bytes.ts"
import { send, type TestRequest } from "./client.ts"
import { readerOf, unpacked } from "./packs.ts"

export const NO_OBJECT = "0".repeat(40)

/** A branch to be moved. */
export interface Update {
  ref: string
  from: ObjectId
  to: ObjectId
}

/** The heads of a project's branches, by their names, as git is told them. */
export async function headsOf(project: string): Promise<Record<string, ObjectId>> {
  const response = await send("eu", `/git/${project}.git/info/refs?service=git-upload-pack`)
  if (response.status !== 200) throw new Error(`${response.status} ${await response.text()}`)
  const heads: Record<string, ObjectId> = {}
  for (const line of await linesOf(response)) {
    const [, id, name] = /^([0-9a-f]{40}) refs\/heads\/([^\0]+)/.exec(line) ?? []
    if (id !== undefined && name !== undefined) heads[name] = id
  }
  return heads
}

/** The head of one branch. */
export async function headOf(project: string, branch: string): Promise<ObjectId> {
  const head = (await headsOf(project))[branch]
  if (head === undefined) throw new Error(`there is no branch ${branch}`)
  return head
}

/** Sends a body to one of the two programs of a project. */
export function ask(
  project: string,
  program: "upload-pack" | "receive-pack",
  body: BodyInit,
  { headers, ...request }: TestRequest = {},
): Promise<Response> {
  const type = { "content-type": `application/x-git-${program}-request` }
  return send("eu", `/git/${project}.git/git-${program}`, {
    method: "POST",
    body,
    headers: { ...type, ...headers },
    ...request,
  })
}

/** The body of a push. */
export function pushBody(updates: readonly Update[], pack: Uint8Array, capabilities = ""): Uint8Array<ArrayBuffer> {
  const lines = updates.map(({ ref, from, to }, index) =>
    pktLine(`${from} ${to} ${ref}${index === 0 ? `\0 report-status ${capabilities}` : ""}`),
  )
  return concat([...lines, FLUSH, pack])
}

/** Pushes, and answers the lines of the report. */
export async function push(
  project: string,
  updates: readonly Update[],
  pack: Uint8Array,
  capabilities = "",
): Promise<string[]> {
  const response = await ask(project, "receive-pack", pushBody(updates, pack, capabilities))
  if (response.status !== 200) throw new Error(`${response.status} ${await response.text()}`)
  return linesOf(response)
}

/** The lines of an answer, without its marks. */
export async function linesOf(response: Response): Promise<string[]> {
  const reader = readerOf(new Uint8Array(await response.arrayBuffer()))
  const lines: string[] = []
  for (let packet = await readPacket(reader); packet !== null; packet = await readPacket(reader)) {
    if (packet.kind === "line") lines.push(packet.text)
  }
  return lines
}

/** The body of a command in version 2. */
export function commandBody(command: string, ...args: string[]): Uint8Array<ArrayBuffer> {
  return longCommandBody(command, args)
}

/** The same with any number of arguments: a call has a limit. */
export function longCommandBody(command: string, args: readonly string[]): Uint8Array<ArrayBuffer> {
  return concat([pktLine(`command=${command}\n`), DELIMITER, ...args.map((line) => pktLine(`${line}\n`)), FLUSH])
}

/** The body of a fetch in version 2. */
export function fetchBody(...args: string[]): Uint8Array<ArrayBuffer> {
  return commandBody("fetch", ...args)
}

/** Fetches in version 2; answers the ids of the objects in the pack, sorted. They are hashed from what came. */
export async function packObjects(
  project: string,
  wants: readonly ObjectId[],
  haves: readonly ObjectId[],
): Promise<ObjectId[]> {
  const args = [...wants.map((id) => `want ${id}`), ...haves.map((id) => `have ${id}`), "done"]
  const response = await ask(project, "upload-pack", fetchBody(...args), { headers: { "git-protocol": "version=2" } })
  const entries = await unpacked(readerOf(packIn(new Uint8Array(await response.arrayBuffer()))))
  const ids = await Promise.all(entries.map(({ type, content }) => objectId(objectType(type), content)))
  return ids.toSorted()
}

/** The pack of an answer with bands, which begin behind the line `packfile`. */
function packIn(answer: Uint8Array): Uint8Array {
  const parts: Uint8Array[] = []
  let begun = false
  for (let offset = 0; offset < answer.length;) {
    const size = Number.parseInt(new TextDecoder().decode(answer.subarray(offset, offset + 4)), 16)
    const content = answer.subarray(offset + 4, offset + size)
    if (begun) parts.push(content.slice(1))
    else if (new TextDecoder().decode(content) === "packfile\n") begun = true
    else throw new Error(new TextDecoder().decode(content))
    offset += Math.max(4, size)
  }
  return concat(parts)
}

function objectType(type: string): ObjectType {
  if (type === "commit" || type === "tree" || type === "blob") return type
  throw new Error(`the server sent a ${type}`)
}
