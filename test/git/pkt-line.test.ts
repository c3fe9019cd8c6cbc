import { describe, expect, it } from "vitest"
import { BAND, banded, DELIMITER, FLUSH, type Packet, pktLine, readPacket } from "../../src/git/pkt-line.ts"
import { concat, utf8 } from "../../src/lib/bytes.ts"
import { readerOf } from "../support/packs.ts"

async function packets(bytes: Uint8Array, chunk = bytes.length): Promise<Packet[]> {
  const reader = readerOf(bytes, chunk)
  const found: Packet[] = []
  for (let packet = await readPacket(reader); packet !== null; packet = await readPacket(reader)) found.push(packet)
  return found
}

function text(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes)
}

describe("a line", () => {
  it.each([
    ["", "0004"],
    ["a\n", "0006a\n"],
    ["want ä", "000bwant ä"],
  ])("%j is written as %j", (content, written) => {
    expect(text(pktLine(content))).toBe(written)
  })

  it.each(["", "a", "ä€😀", "a\0b c", " x ", "x".repeat(65_516)])("is read as it was written", async (content) => {
    expect(await packets(pktLine(content))).toEqual([{ kind: "line", text: content }])
  })

  it("loses one line feed at its end, and no more", async () => {
    expect(await packets(concat([pktLine("a\n"), pktLine("b\n\n"), pktLine("\n")]))).toEqual([
      { kind: "line", text: "a" },
      { kind: "line", text: "b\n" },
      { kind: "line", text: "" },
    ])
  })

  it.each(["000A123456", "000a123456"])("may have its length in letters of either size: %s", async (written) => {
    expect(await packets(utf8(written))).toEqual([{ kind: "line", text: "123456" }])
  })

  it.each([
    ["0002", "a line has an impossible length"],
    ["0003", "a line has an impossible length"],
    ["fff1", "a line has an impossible length"],
    ["ffff", "a line has an impossible length"],
    ["00", "the data ends too early"],
    ["0009abcd", "the data ends too early"],
    ["fff0abcd", "the data ends too early"],
    ["-001", "a line does not begin with its length"],
    ["0x10", "a line does not begin with its length"],
    [" 010", "a line does not begin with its length"],
    ["PACK", "a line does not begin with its length"],
    ["\0\0\0\0", "a line does not begin with its length"],
  ])("is none: %j", async (written, message) => {
    await expect(packets(utf8(written))).rejects.toThrow(message)
  })
})

it("reads marks between lines, however the bytes arrive", async () => {
  const bytes = concat([pktLine("a\n"), DELIMITER, pktLine("b"), FLUSH, FLUSH])
  for (const chunk of [1, 3, 4, 100]) {
    expect(await packets(bytes, chunk)).toEqual([
      { kind: "line", text: "a" },
      { kind: "delimiter" },
      { kind: "line", text: "b" },
      { kind: "flush" },
      { kind: "flush" },
    ])
  }
})

describe("a band", () => {
  it.each([0, 1, 65_515, 65_516, 200_000])("carries %i bytes in lines that are no longer than git's", (length) => {
    const bytes = new Uint8Array(length).map((_, index) => index % 251)
    const framed = banded(BAND.data, bytes)
    const parts: Uint8Array[] = []
    for (let offset = 0; offset < framed.length;) {
      const size = Number.parseInt(text(framed.subarray(offset, offset + 4)), 16)
      expect(size).toBeLessThanOrEqual(65_520)
      expect(framed[offset + 4]).toBe(1)
      parts.push(framed.subarray(offset + 5, offset + size))
      offset += size
    }
    expect(concat(parts).toHex() === bytes.toHex()).toBe(true)
  })
})
