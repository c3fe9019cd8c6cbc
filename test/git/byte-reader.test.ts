import { describe, expect, it } from "vitest"
import { utf8 } from "../../src/lib/bytes.ts"
import { readerOf } from "../support/packs.ts"

const TEXT = "the quick brown fox"

function text(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes)
}

describe.each([1, 2, 7, 100])("a stream in chunks of %i bytes", (chunk) => {
  it("is taken as it is asked for, and counted", async () => {
    const reader = readerOf(utf8(TEXT), chunk)
    expect(text(await reader.take(4))).toBe("the ")
    expect(reader.offset).toBe(4)
    expect(text(await reader.peek(5))).toBe("quick")
    expect(text(await reader.take(5))).toBe("quick")
    expect(reader.offset).toBe(9)
    expect(text(await reader.take(0))).toBe("")
    expect(text(await reader.take(10))).toBe(" brown fox")
    expect(await reader.atEnd()).toBe(true)
  })

  it("shows no more than there is, and takes nothing by showing it", async () => {
    const reader = readerOf(utf8(TEXT), chunk)
    expect(text(await reader.peek(1000))).toBe(TEXT)
    expect(reader.offset).toBe(0)
    expect(await reader.atEnd()).toBe(false)
    expect(text(await reader.take(TEXT.length))).toBe(TEXT)
  })

  it("cannot be taken beyond its end", async () => {
    const reader = readerOf(utf8(TEXT), chunk)
    await expect(reader.take(TEXT.length + 1)).rejects.toThrow("the data ends too early")
  })

  it("takes back what was taken last", async () => {
    const reader = readerOf(utf8(TEXT), chunk)
    const taken = await reader.take(9)
    reader.giveBack(taken.subarray(4))
    expect(reader.offset).toBe(4)
    expect(text(await reader.take(11))).toBe("quick brown")
  })

  it("is at its end only when what was given back is taken", async () => {
    const reader = readerOf(utf8(TEXT), chunk)
    reader.giveBack(await reader.take(TEXT.length))
    expect(await reader.atEnd()).toBe(false)
    await reader.drain()
    expect(await reader.atEnd()).toBe(true)
    expect(reader.offset).toBe(TEXT.length)
  })

  it("is refused when it is longer than the limit, as soon as it is", async () => {
    const reader = readerOf(utf8(TEXT), chunk, 6)
    await expect(reader.drain()).rejects.toThrow("the request is too long")
  })

  it("may be as long as the limit", async () => {
    await readerOf(utf8(TEXT), chunk, TEXT.length).drain()
  })
})

it("answers what is at hand without waiting for more", async () => {
  const reader = readerOf(utf8(TEXT), 5)
  expect(text(await reader.takeSome(100))).toBe("the q")
  expect(text(await reader.takeSome(2))).toBe("ui")
  expect(text(await reader.takeSome(100))).toBe("ck ")
})
