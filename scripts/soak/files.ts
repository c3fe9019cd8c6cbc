/** Files: written one by one, together, as they are; read at the head and in the past; listed, deleted, asked for with conditions. */
import { z } from "zod"
import { type Answer, type Ask, check, checkSame, type Client, jsonOf } from "./client.ts"
import { branchScope, type File, noteVersion, type Project, serviceOf, treePath, type Turn } from "./model.ts"
import { blobId, bytesOf, type Content } from "./random.ts"

const PATHS_OF_A_WRITER = 6
const FOLDERS = ["", "deep/", "deep/deeper/"]
const MOST_AT_ONCE = 5
const MEBIBYTE = 1024 * 1024
/** Of a list that changes while its pages are read. */
const ATTEMPTS = 3

const hash = z.string().regex(/^[0-9a-f]{40}$/)
const written = z.object({ commitID: hash })
const fileShape = z.object({ resourceContent: z.base64(), metadata: z.object({ version: hash }) })
const listShape = z.object({ resources: z.array(z.object({ resourceURI: z.string() })), nextPageKey: z.string() })

const RAW = { "content-type": "application/octet-stream" }
const AS_IT_IS = { accept: "application/octet-stream" }

/** The address of the files of a scope. */
export function filesPath(project: Project, scope: string): string {
  return `/api/resource-service/v1/project/${project.name}${scope}/resource`
}

/** Writes one file, as JSON or as it is, now and then with a condition that holds. */
export async function writeOne(turn: Turn): Promise<void> {
  const [file, content] = [pickFile(turn), newContent(turn)]
  const isRaw = turn.random.chance(0.4)
  const bytes = bytesOf(content)
  const headers = turn.random.chance(0.3) ? conditionThatHolds(file) : {}
  const answer = await turn.client.change(
    {
      ...at(turn.project, file),
      kind: isRaw ? "write a file as it is" : "write a file",
      method: "PUT",
      headers: { ...headers, ...(isRaw && RAW) },
      ...(isRaw ? { bytes } : { json: { resourceContent: bytes.toString("base64") } }),
    },
    200,
    409,
  )
  await noteWrite(turn, [{ file, content }], answer)
  if (answer?.status === 200) checkSame(answer.headers.etag, `"${blobId(bytes)}"`, `${answer.what}: ETag`)
}

/** Writes as much as a body of JSON does not hold. */
export async function writeLarge(turn: Turn): Promise<void> {
  const file = pickFile(turn)
  const content = { name: turn.writer.serial(), size: MEBIBYTE + turn.random.below(2 * MEBIBYTE) }
  const bytes = bytesOf(content)
  const kind = "write a large file"
  const answer = await turn.client.change(
    { ...at(turn.project, file), kind, method: "PUT", headers: RAW, bytes },
    200,
    409,
  )
  await noteWrite(turn, [{ file, content }], answer)
}

/** Writes several files of a scope as one commit. */
export async function writeMany(turn: Turn): Promise<void> {
  const scope = pickScope(turn)
  const numbers = Array.from({ length: 1 + turn.random.below(MOST_AT_ONCE) }, () =>
    turn.random.below(PATHS_OF_A_WRITER),
  )
  const writes = [...new Set(numbers)].map((number) => ({
    file: fileOf(turn, scope, number),
    content: newContent(turn),
  }))
  const resources = writes.map(({ file, content }) => ({
    resourceURI: file.path,
    resourceContent: bytesOf(content).toString("base64"),
  }))
  const path = filesPath(turn.project, scope)
  const ask = { kind: "write several files", host: turn.project.region, method: "POST", path, json: { resources } }
  await noteWrite(turn, writes, await turn.client.change(ask, 201, 409))
}

/** Deletes a file that is there. */
export async function removeOne(turn: Turn): Promise<void> {
  const file = pickFile(turn)
  const ask = { ...at(turn.project, file), kind: "delete a file", method: "DELETE" }
  const answer = await turn.client.change(ask, file.now === null ? 404 : 200, 409)
  if (answer?.status !== 404) await noteWrite(turn, [{ file, content: null }], answer)
}

/** Writes under a condition that does not hold, which must change nothing. */
export async function writeRefused(turn: Turn): Promise<void> {
  const file = pickFile(turn)
  const headers: Record<string, string> =
    file.now === null ? { "if-match": `"${"0".repeat(40)}"` } : { "if-none-match": "*" }
  const json = { resourceContent: bytesOf(newContent(turn)).toString("base64") }
  await turn.client.change({ ...at(turn.project, file), kind: "write refused", method: "PUT", headers, json }, 412)
  await checkHead(turn.client, turn.project, file)
}

/** Reads a file from the head. */
export async function readOne(turn: Turn): Promise<void> {
  const file = pickFile(turn)
  await (turn.random.chance(0.5) ? checkHead(turn.client, turn.project, file) : checkRaw(turn, file))
}

/** Reads a file as it stood in a commit. */
export async function readOld(turn: Turn): Promise<void> {
  const file = pickFile(turn)
  const version = turn.random.pick(file.versions)
  await (version ? checkVersion(turn.client, turn.project, file, version) : readUnknownCommit(turn, file))
}

/** Asks for a file, or a list, that the caller may have already. */
export async function readConditionally(turn: Turn): Promise<void> {
  const file = pickFile(turn)
  if (file.now === null) return checkHead(turn.client, turn.project, file)
  const same = `"${blobId(bytesOf(file.now))}"`
  const ask = { ...at(turn.project, file), kind: "read if changed" }
  const answer = await turn.client.read({ ...ask, headers: { "if-none-match": same } }, 304)
  checkSame([answer.bytes.length, answer.headers.etag], [0, same], answer.what)
  await turn.client.read({ ...ask, headers: { "if-none-match": `"${"0".repeat(40)}"` } }, 200)
}

/** Asks for a list again, which is the same unless somebody wrote to the branch. */
export async function listConditionally(turn: Turn): Promise<void> {
  const path = filesPath(turn.project, branchScope(pickScope(turn)))
  const ask = { kind: "list if changed", host: turn.project.region, path }
  const before = await turn.client.read(ask, 200)
  const tag = before.headers.etag ?? ""
  const after = await turn.client.read({ ...ask, headers: { "if-none-match": tag } }, 200, 304)
  check((after.status === 304) === (after.headers.etag === tag), `${after.what}: the tag was ${tag} before`)
}

/** Lists a branch; the writer's own files must be all there, and no others of it. */
export async function list(turn: Turn): Promise<void> {
  const scope = branchScope(pickScope(turn))
  const found = await listAll(turn.client, turn.project, scope, "list files")
  // Others write meanwhile: a list that changes from page to page says nothing.
  if (found === null) return
  const own = [`/w${turn.writer.index}/`, `/${serviceOf(turn.writer.index)}/w`]
  const expected = [...turn.share.files.values()].filter(
    (file) => file.now !== null && branchScope(file.scope) === scope,
  )
  checkSame(
    found.filter((path) => own.some((folder) => path.startsWith(folder))).toSorted(),
    expected.map((file) => `/${treePath(file)}`).toSorted(),
    `the list of ${turn.project.region} ${filesPath(turn.project, scope)}`,
  )
}

/** All files of a branch; null when it was changed again and again while it was read. */
export async function listAll(client: Client, project: Project, scope: string, kind: string): Promise<string[] | null> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const found: string[] = []
    const tags = new Set<string | undefined>()
    let key = "0"
    do {
      const path = `${filesPath(project, scope)}?pageSize=50&nextPageKey=${key}`
      const answer = await client.read({ kind, host: project.region, path }, 200)
      const page = jsonOf(answer, listShape)
      found.push(...page.resources.map(({ resourceURI }) => resourceURI))
      tags.add(answer.headers.etag)
      key = page.nextPageKey
    } while (key !== "0")
    if (tags.size === 1) return found
  }
  return null
}

/** Reads a file from the head, which must be what the model has. */
export async function checkHead(client: Client, project: Project, file: File): Promise<void> {
  checkContent(await client.read({ ...at(project, file), kind: "read a file" }, 200, 404), file.now)
}

/** Reads a file as it stood in a commit. */
export async function checkVersion(
  client: Client,
  project: Project,
  file: File,
  version: { commit: string; content: Content | null },
): Promise<void> {
  const where = at(project, file)
  const path = `${where.path}?gitCommitID=${version.commit}`
  checkContent(await client.read({ ...where, path, kind: "read an old version" }, 200, 404), version.content)
}

/** Finds out which of two contents stands at each path after an answer was lost: it must be the same of the two everywhere. */
export async function settleWrite(
  turn: Turn,
  writes: readonly { file: File; content: Content | null }[],
): Promise<void> {
  const outcomes = new Set<string>()
  for (const { file, content } of writes) {
    const answer = await turn.client.read({ ...at(turn.project, file), kind: "read a file" }, 200, 404)
    const [found, before, after] = [contentOf(answer), bytesIn(file.now), bytesIn(content)]
    const isAfter = found === after
    check(isAfter || found === before, `${answer.what}: neither what was there nor what was written when it was killed`)
    if (before !== after) outcomes.add(isAfter ? "after" : "before")
    if (isAfter) file.now = content
  }
  check(
    outcomes.size < 2,
    `${turn.project.region} ${turn.project.name}: a write of ${writes.length} files was half done`,
  )
}

/** A file of the writer's choice. */
function pickFile(turn: Turn): File {
  return fileOf(turn, pickScope(turn), turn.random.below(PATHS_OF_A_WRITER))
}

/** One of a writer's files. */
export function fileOf({ share, writer }: Turn, scope: string, number: number): File {
  const path = `w${writer.index}/${FOLDERS[number % FOLDERS.length]}file-${number}.txt`
  const key = `${scope} ${path}`
  const file = share.files.get(key) ?? { scope, path, now: null, versions: [] }
  share.files.set(key, file)
  return file
}

/** Mostly small, seldom some hundred KiB. */
export function newContent({ random, writer }: Turn): Content {
  const largest = random.chance(0.05) ? 400_000 : 3_000
  return { name: writer.serial(), size: random.below(largest) }
}

function pickScope({ random, share, writer }: Turn): string {
  const service = `/stage/dev/service/${serviceOf(writer.index)}`
  return random.pick(["", "/stage/dev", "/stage/production", ...(share.hasService ? [service] : [])]) ?? ""
}

function at(project: Project, file: File): Omit<Ask, "kind"> {
  return { host: project.region, path: `${filesPath(project, file.scope)}/${file.path}` }
}

function conditionThatHolds(file: File): Record<string, string> {
  return file.now === null ? { "if-none-match": "*" } : { "if-match": `"${blobId(bytesOf(file.now))}"` }
}

/** Notes a write that was acknowledged; looks what became of one whose answer was lost. */
async function noteWrite(
  turn: Turn,
  writes: readonly { file: File; content: Content | null }[],
  answer: Answer | null,
): Promise<void> {
  turn.project.changes++
  if (answer === null) return settleWrite(turn, writes)
  if (answer.status === 409) {
    check(answer.headers["retry-after"] !== undefined, answer.what)
    return
  }
  const { commitID } = jsonOf(answer, written)
  for (const { file, content } of writes) noteVersion(file, commitID, content)
}

async function readUnknownCommit(turn: Turn, file: File): Promise<void> {
  const where = at(turn.project, file)
  const path = `${where.path}?gitCommitID=${"0".repeat(40)}`
  await turn.client.read({ ...where, path, kind: "read an unknown version" }, 500)
}

async function checkRaw(turn: Turn, file: File): Promise<void> {
  const ask = { ...at(turn.project, file), kind: "read a file as it is" }
  const answer = await turn.client.read({ ...ask, headers: AS_IT_IS }, file.now === null ? 404 : 200)
  if (file.now === null) return
  const bytes = bytesOf(file.now)
  check(answer.bytes.equals(bytes), `${answer.what}: other bytes than were written`)
  checkSame(answer.headers.etag, `"${blobId(bytes)}"`, `${answer.what}: ETag`)
  if (bytes.length < 2) return
  const from = turn.random.below(bytes.length - 1)
  const range = `bytes=${from}-${bytes.length - 2}`
  const part = await turn.client.read({ ...ask, kind: "read a range", headers: { ...AS_IT_IS, range } }, 206)
  check(part.bytes.equals(bytes.subarray(from, -1)), `${part.what}: other bytes than those of ${range}`)
}

function checkContent(answer: Answer, expected: Content | null): void {
  checkSame(answer.status, expected === null ? 404 : 200, answer.what)
  check(contentOf(answer) === bytesIn(expected), `${answer.what}: another content than was written`)
}

/** The content of a file in an answer, in base64; null where there is none. */
function contentOf(answer: Answer): string | null {
  return answer.status === 404 ? null : jsonOf(answer, fileShape).resourceContent
}

function bytesIn(content: Content | null): string | null {
  return content === null ? null : bytesOf(content).toString("base64")
}
