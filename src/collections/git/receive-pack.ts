/** The answer to a push (gitprotocol-pack, "Pushing Data To a Server"). */
import { type ByteReader, MalformedGitData } from "../../git/byte-reader.ts"
import { BAND, banded, FLUSH, oneLine, pktLine, readPacket } from "../../git/pkt-line.ts"
import { concat } from "../../lib/bytes.ts"
import type { Partition } from "../../partition/partition.ts"
import { push, type PushReport, type RefUpdate } from "../../partition/push.ts"
import type { Repository } from "../../partition/refs.ts"

/** More refs than this are not moved at once: there are no more branches than stages. */
const MOST_UPDATES = 1_000

/** No branch has a longer name, and a line of the report holds it beside its problem. */
const LONGEST_REF = 1_000

/** Answers a push. Throws `MalformedGitData` when it cannot be read. */
export async function receive(partition: Partition, repository: Repository, reader: ByteReader): Promise<Uint8Array[]> {
  const { updates, capabilities } = await readUpdates(reader)
  // Before it sends a large pack, git asks with an empty request whether it may.
  if (updates.length === 0) return []
  const report = await push(partition, repository, updates, reader, capabilities.has("atomic"))
  const lines = capabilities.has("report-status") ? [reportLines(report)] : []
  return capabilities.has("side-band-64k") ? [...lines.map((bytes) => banded(BAND.data, bytes)), FLUSH] : lines
}

async function readUpdates(reader: ByteReader): Promise<{ updates: RefUpdate[]; capabilities: ReadonlySet<string> }> {
  const updates: RefUpdate[] = []
  let capabilities: ReadonlySet<string> = new Set()
  for (let packet = await readPacket(reader); packet?.kind === "line"; packet = await readPacket(reader)) {
    const [command = "", listed] = packet.text.split("\0")
    // Where a shallow clone ends: what is before that is here.
    if (/^shallow [0-9a-f]{40}$/.test(command)) continue
    if (listed !== undefined) capabilities = new Set(listed.trim().split(" "))
    const [, from, to, ref] = /^([0-9a-f]{40}) ([0-9a-f]{40}) (\S+)$/.exec(command) ?? []
    if (from === undefined || to === undefined || ref === undefined) {
      throw new MalformedGitData(`'${command}' is not understood`)
    }
    if (updates.length === MOST_UPDATES) throw new MalformedGitData(`more than ${MOST_UPDATES} refs at once`)
    if (ref.length > LONGEST_REF) throw new MalformedGitData("the name of a ref is too long")
    updates.push({ ref, from, to })
  }
  return { updates, capabilities }
}

function reportLines({ unpacked, refs }: PushReport): Uint8Array {
  const lines = refs.map(({ ref, problem }) => (problem === null ? `ok ${ref}\n` : `ng ${ref} ${oneLine(problem)}\n`))
  return concat([...[`unpack ${oneLine(unpacked ?? "ok")}\n`, ...lines].map((line) => pktLine(line)), FLUSH])
}
