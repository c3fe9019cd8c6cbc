import { deflateSync } from "node:zlib"
import { describe, expect, it } from "vitest"
import { entryHeader, packHeader } from "../../src/git/pack-format.ts"
import { concat, utf8 } from "../../src/lib/bytes.ts"
import { noise, sameBytes } from "../support/bytes.ts"
import { copy, deltaOf, distance, packEntry, packOf, readerOf, reference, sealed, unpacked } from "../support/packs.ts"

const MEBIBYTE = 1024 * 1024
const ID = "ce013625030ba8dba906f756967f9e9ca394464a"
const blob = { type: "blob", content: utf8("hello\n") } as const
const tree = { type: "tree", content: new Uint8Array() } as const
const reused = { type: "ref-delta", base: reference(ID), content: deltaOf(6, 2, copy(0, 2)) } as const
const nearby = {
  type: "ofs-delta",
  base: distance(packEntry(blob).length),
  content: deltaOf(6, 1, copy(0, 1)),
} as const
const small = packOf([blob, nearby, tree, reused])

describe("a pack", () => {
  it.each([1, 2, 13, 1000])("is read in chunks of %i bytes", async (chunk) => {
    const entries = await unpacked(readerOf(small, chunk))
    expect(entries.map(({ type, size, base, content }) => [type, size, base, [...content]])).toEqual([
      ["blob", 6, null, [...blob.content]],
      ["ofs-delta", 9 + 1, 12, [...nearby.content]],
      ["tree", 0, null, []],
      ["ref-delta", 9 + 1, ID, [...reused.content]],
    ])
    expect(entries[1]?.offset).toBe(12 + packEntry(blob).length)
  })

  it("may be empty", async () => {
    expect(await unpacked(readerOf(packOf([])))).toEqual([])
  })

  it.each([8 * MEBIBYTE, 8 * MEBIBYTE + 1, 20 * MEBIBYTE])(
    "has an entry of %i random bytes, and the next one is found behind it",
    async (size) => {
      const large = noise(size)
      const pack = packOf([blob, { type: "blob", content: large }, blob])
      const [, found, last] = await unpacked(readerOf(pack, 50_000))
      expect(found?.streamed).toBe(size > 8 * MEBIBYTE)
      expect(sameBytes(found?.content ?? new Uint8Array(), large)).toBe(true)
      expect(last?.content).toEqual(blob.content)
    },
  )

  it("has an entry that is streamed and nearly nothing when compressed", async () => {
    const large = new Uint8Array(30 * MEBIBYTE)
    const [found, last] = await unpacked(readerOf(packOf([{ type: "blob", content: large }, blob]), 50_000))
    expect(found?.content.length).toBe(large.length)
    expect(last?.content).toEqual(blob.content)
  })

  it("leaves what follows it", async () => {
    const reader = readerOf(concat([small, utf8("more")]))
    await unpacked(reader)
    expect(await reader.take(4)).toEqual(utf8("more"))
  })
})

describe("a pack is refused", () => {
  it("wherever it is cut off", async () => {
    for (let length = 0; length < small.length; length++) {
      await expect(unpacked(readerOf(small.subarray(0, length))), `${length} bytes`).rejects.toMatchObject({
        name: "MalformedGitData",
      })
    }
  })

  it("whichever of its bytes is another one", async () => {
    for (let index = 0; index < small.length; index++) {
      const wrong = small.slice()
      wrong[index] = (wrong[index] ?? 0) ^ 0x55
      await expect(unpacked(readerOf(wrong)), `byte ${index}`).rejects.toMatchObject({
        name: expect.stringMatching(/^(MalformedGitData|PackTooLarge)$/),
      })
    }
  })

  const streamed = 8 * MEBIBYTE + 1
  it.each([
    ["of version 3", sealed(Uint8Array.of(80, 65, 67, 75, 0, 0, 0, 3, 0, 0, 0, 0)), "not of version 2"],
    ["that is none", sealed(utf8("KCAP....0000")), "does not begin as packs do"],
    ["with fewer objects than it says", packOf([blob], 2), /cannot be decompressed|ends too early|unknown type|not of/],
    ["with more objects than it says", packOf([blob, tree], 1), "the checksum of the pack is wrong"],
    ["with a checksum of other bytes", concat([small.subarray(0, -1), Uint8Array.of(0)]), "the checksum of the pack"],
    ["with an object larger than it says", packOf([{ ...blob, size: 5 }]), /not of the size|cannot be decompressed/],
    ["with an object smaller than it says", packOf([{ ...blob, size: 7 }]), "not of the size"],
    [
      "with a large object that is larger",
      packOf([{ type: "blob", content: noise(streamed + 1), size: streamed }]),
      "not of",
    ],
    [
      "with a large object that is smaller",
      packOf([{ type: "blob", content: noise(streamed), size: streamed + 1 }]),
      "not of",
    ],
    ["with a large object that is small", packOf([{ ...blob, size: streamed }]), "not of the size"],
    ["with type 0", sealed(concat([packHeader(1), Uint8Array.of(0x06), deflateSync(blob.content)])), "an unknown type"],
    ["with type 5", sealed(concat([packHeader(1), Uint8Array.of(0x56), deflateSync(blob.content)])), "an unknown type"],
    [
      "with content that is not compressed",
      sealed(concat([packHeader(1), entryHeader("blob", 6), utf8("hello\n")])),
      "decompressed",
    ],
    [
      "with large content that is not compressed",
      sealed(concat([packHeader(1), entryHeader("blob", streamed), noise(streamed)])),
      "cannot be decompressed",
    ],
    ["with an endless size", sealed(concat([packHeader(1), new Uint8Array(20).fill(0xbf)])), "an impossible size"],
    [
      "with an endless distance",
      sealed(concat([packHeader(1), entryHeader("ofs-delta", 6), new Uint8Array(20).fill(0xff)])),
      "an impossible distance",
    ],
    ["with a delta of what is before the pack", packOf([{ ...nearby, base: distance(13) }]), "before the pack"],
    ["with a delta of the pack's header", packOf([{ ...nearby, base: distance(5) }]), "before the pack"],
  ])("%s", async (_, pack, message) => {
    await expect(unpacked(readerOf(pack, 50_000))).rejects.toThrow(message)
  })

  it.each([
    ["has more objects than the limit", [blob, tree], { objects: 1 }],
    ["has a larger object than the limit", [tree, blob], { size: 5 }],
    ["has more bytes than the limit", [blob, blob], { totalSize: 11 }],
  ])("that %s", async (_, objects, limits) => {
    await expect(unpacked(readerOf(packOf(objects)), limits)).rejects.toMatchObject({ name: "PackTooLarge" })
  })

  it("that says to have four billion objects, before they are looked for", async () => {
    const endless = packOf([], 2 ** 32 - 1)
    await expect(unpacked(readerOf(endless))).rejects.toThrow("it has 4294967295 objects")
  })

  it("with an object that says 100 bytes and makes 100 mebibytes, without making them", async () => {
    const bomb = packOf([{ type: "blob", content: new Uint8Array(100 * MEBIBYTE), size: 100 }])
    await expect(unpacked(readerOf(bomb, 50_000))).rejects.toMatchObject({ name: "MalformedGitData" })
  })

  it("with a large object that makes more than it says, without making all of it", async () => {
    const bomb = packOf([{ type: "blob", content: new Uint8Array(100 * MEBIBYTE), size: 9 * MEBIBYTE }])
    await expect(unpacked(readerOf(bomb, 50_000))).rejects.toThrow("not of the size")
  })
})
