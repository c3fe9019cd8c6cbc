/** Requests that ask more of storage than the examples of the documents do. */
import { FILE_MODE } from "../../src/git/objects.ts"
import { removeExpiredCounts } from "../../src/partition/event-counts.ts"
import { archiveEvents } from "../../src/partition/event-export.ts"
import { noise } from "../support/bytes.ts"
import { base64, createProject } from "../support/client.ts"
import { FLUSH, pktLine } from "../../src/git/pkt-line.ts"
import { concat } from "../../src/lib/bytes.ts"
import { exportEvents } from "../support/events.ts"
import { fetchBody, headOf, pushBody } from "../support/git.ts"
import { commitFiles } from "../support/keptn.ts"
import { blobOf, commitOf, packOf, treeOf } from "../support/packs.ts"
import { formWith, SEVERAL_CHANGES, zipOf } from "../support/packages.ts"
import { openRegion } from "../support/partition.ts"
import type { SentRequest } from "./faulty-edge.ts"
import { storeEvents } from "../support/store-events.ts"

/** The project that the further requests are about; it has files of every size, and archived events. */
const PROJECT = "faults"
const RESOURCES = `/api/resource-service/v1/project/${PROJECT}/stage/dev/resource`
const LARGE = `${RESOURCES}/d%2Flarge.bin`
const EVENTS = "/api/mongodb-datastore/event"
const DAY = 24 * 60 * 60 * 1000
const LONG_AGO = Date.parse("2023-01-01T00:00:00.000Z")
/** More than is held whole when it is read. */
const large = noise(1024 * 1024 + 1)
const OCTETS = "application/octet-stream"

/** Stores what the further requests are about. */
export async function storeProject(): Promise<void> {
  await createProject("eu", PROJECT, "dev")
  const place = { project: PROJECT, stage: "dev" }
  await commitFiles(place, { "a.txt": "one", "d/large.bin": large })
  await commitFiles(place, { "a.txt": "two", "d/b.txt": "three" })
  await storeEvents(3, (n) => ({
    type: "x",
    time: new Date(LONG_AGO + n).toISOString(),
    data: { project: PROJECT },
  }))
  await archiveEvents(openRegion(), LONG_AGO + DAY)
  // They are too old to be counted.
  await removeExpiredCounts(openRegion(), Date.now())
}

/** Further requests, by what they do. `operationId` says whose they are. */
export const furtherRequests: Record<string, () => SentRequest | Promise<SentRequest>> = {
  "the bytes of a small file": () => get("readStageResource", `${RESOURCES}/a.txt`, { accept: OCTETS }),
  "the bytes of a large file": () => get("readStageResource", LARGE, { accept: OCTETS }),
  "a part of a large file": () => get("readStageResource", LARGE, { accept: OCTETS, range: "bytes=5-9" }),
  "a large file as JSON": () => get("readStageResource", LARGE),
  "an export with an archive": () => get("exportEvents", `${EVENTS}/export?project=${PROJECT}`),
  "a large upload": () => ({
    ...get("updateStageResource", `${RESOURCES}/new.bin`),
    method: "PUT",
    headers: { "content-type": OCTETS, "content-length": String(large.length) },
    body: noise(large.length),
  }),
  "files in several folders": () => {
    const paths = ["a.txt", "d/c.txt", "e/f/g.txt"]
    const resources = paths.map((path) => ({ resourceURI: path, resourceContent: base64(path) }))
    return post("createStageResources", RESOURCES, "application/json", JSON.stringify({ resources }))
  },
  "an import of events that are archived": async () =>
    post("importEvents", `${EVENTS}/import?project=${PROJECT}`, "application/jsonl", await importedLines()),
  "an import of a package of several tasks": async () => {
    const form = new Response(formWith(zipOf(SEVERAL_CHANGES)))
    const type = form.headers.get("content-type") ?? ""
    const bytes = new Uint8Array(await form.arrayBuffer())
    return post("importPackage", `/api/v1/import?project=${PROJECT}`, type, bytes)
  },
  "a fetch of everything": async () => {
    const body = fetchBody(`want ${await headOf(PROJECT, "dev")}`, "done")
    const request = git("gitUploadPack", "git-upload-pack", body)
    return { ...request, headers: { ...request.headers, "git-protocol": "version=2" } }
  },
  // Everything is wanted, without bands around it.
  "a fetch by an old client": async () =>
    git(
      "gitUploadPack",
      "git-upload-pack",
      concat([pktLine(`want ${await headOf(PROJECT, "dev")}\n`), FLUSH, pktLine("done\n")]),
    ),
  "a push": async () => git("gitReceivePack", "git-receive-pack", await pushOf(await headOf(PROJECT, "dev"))),
}

function get(operationId: string, path: string, headers: Record<string, string> = {}): SentRequest {
  return { operationId, label: "eu", method: "GET", path, headers, body: null }
}

function post(operationId: string, path: string, type: string, body: SentRequest["body"]): SentRequest {
  return { operationId, label: "eu", method: "POST", path, headers: { "content-type": type }, body }
}

function git(operationId: string, program: string, body: SentRequest["body"]): SentRequest {
  return post(operationId, `/git/${PROJECT}.git/${program}`, `application/x-${program}-request`, body)
}

/** A commit with a new file, in place of all others. */
async function pushOf(head: string): Promise<Uint8Array<ArrayBuffer>> {
  const blob = await blobOf("pushed")
  const tree = await treeOf({ mode: FILE_MODE, name: "pushed.txt", id: blob.id })
  const commit = await commitOf({ tree: tree.id, parents: [head] })
  return pushBody([{ ref: "refs/heads/dev", from: head, to: commit.id }], packOf([blob, tree, commit]))
}

/** An event that is archived, which is known, and one that is not. */
async function importedLines(): Promise<string> {
  const [archived] = await exportEvents(PROJECT)
  const event = { type: "x", source: "test", specversion: "1.0", data: { project: PROJECT } }
  const id = "9f1b1a0e-6f0c-4a55-8a51-0d6a53f5f7a1"
  const fresh = { ...event, id, shkeptncontext: id, time: "2026-01-01T00:00:00.000Z" }
  return [archived, fresh].map((line) => `${JSON.stringify(line)}\n`).join("")
}
