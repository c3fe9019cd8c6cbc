/** What a fetch sends: the objects of some commits that the other side lacks, as a pack that is made while it is sent. */
import { deflateSync } from "node:zlib"
import type { ObjectType } from "../git/objects.ts"
import { entryHeader, packHeader } from "../git/pack-format.ts"
import { fromHex } from "../lib/bytes.ts"
import { startDigest } from "../lib/digest.ts"
import { readObjects } from "./git-objects.ts"
import type { PackContents } from "./pack-contents.ts"
import type { Partition } from "./partition.ts"
import type { Repository } from "./refs.ts"

/** Blobs that are asked for ahead. A Worker has six connections. */
const READ_AHEAD = 6

/** The pack of `contents`, part by part. Throws when something that is named is not stored. */
export async function* makePack(
  partition: Partition,
  { projectId, project }: Repository,
  contents: PackContents,
): AsyncGenerator<Uint8Array> {
  const digest = startDigest("sha1")
  for await (const part of entries(partition, projectId, project, contents)) {
    digest.update(part)
    yield part
  }
  yield fromHex(digest.digest("hex"))
}

async function* entries(
  partition: Partition,
  projectId: string,
  project: string,
  { commits, trees, blobs }: PackContents,
): AsyncGenerator<Uint8Array> {
  yield packHeader(commits.length + trees.length + blobs.length)
  for await (const { content } of readObjects(partition.db, "commit", projectId, commits)) {
    yield* entry("commit", content)
  }
  for await (const { content } of readObjects(partition.db, "tree", projectId, trees)) yield* entry("tree", content)
  const opened: ReturnType<typeof partition.blobs.open>[] = []
  for (const [index, id] of blobs.entries()) {
    for (const next of blobs.slice(index + opened.length, index + READ_AHEAD)) {
      const opening = partition.blobs.open(project, next)
      // It fails where it is waited for; until then nobody else listens.
      opening.catch(() => undefined)
      opened.push(opening)
    }
    const { size, content } = (await opened.shift()) ?? (await partition.blobs.open(project, id))
    if (content instanceof Uint8Array) yield* entry("blob", content)
    else yield* streamedEntry(size, content)
  }
}

function* entry(type: ObjectType, content: Uint8Array): Generator<Uint8Array> {
  yield entryHeader(type, content.length)
  yield deflateSync(content)
}

async function* streamedEntry(size: number, content: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array> {
  yield entryHeader("blob", size)
  yield* content.pipeThrough(new CompressionStream("deflate"))
}
