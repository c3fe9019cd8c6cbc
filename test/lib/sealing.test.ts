import { inspect } from "node:util"
import { describe, expect, it } from "vitest"
import { newSealingKey, readSealingKeys, type SealingKeys } from "../../src/lib/sealing.ts"

const [first, second] = [newSealingKey(new Date("2026-01-02T03:04:05Z")), newSealingKey(new Date())]

function keysOf(list: string): SealingKeys {
  const read = readSealingKeys(list)
  if ("problem" in read) throw new Error(read.problem)
  return read.keys
}

/** The same text with another character at `index`, which may count from the end. */
function changedAt(text: string, index: number): string {
  const at = index < 0 ? text.length + index : index
  return `${text.slice(0, at)}${text[at] === "A" ? "B" : "A"}${text.slice(at + 1)}`
}

describe("a sealed text", () => {
  const keys = keysOf(first)

  it.each(["", "text", "ü € 🐙 \u0000", "x".repeat(1_000_000)])("opens to what it was: %#", async (text) => {
    expect(await keys.open("p", await keys.seal("p", text))).toEqual({ outcome: "opened", text })
  })

  it("names its version and its key, and never is the same twice", async () => {
    const texts = await Promise.all(Array.from({ length: 20 }, () => keys.seal("p", "the same")))
    const [id = ""] = first.split(":")
    for (const text of texts) expect(text).toMatch(new RegExp(`^v1\\.${id}\\.[\\w-]{16}\\.[\\w-]{32}$`))
    expect(new Set(texts).size).toBe(texts.length)
    expect(new Set(texts.map((text) => text.split(".")[2])).size).toBe(texts.length)
  })

  it("does not open for another purpose", async () => {
    expect(await keys.open("q", await keys.seal("p", "text"))).toEqual({ outcome: "damaged" })
  })

  it("does not open when anything of it was changed", async () => {
    const sealed = await keys.seal("p", "text")
    const start = sealed.split(".", 2).join(".").length + 1
    for (let index = start; index < sealed.length; index++) {
      // The bits of a last character that belong to no byte do not count, and a dot that is gone breaks the form.
      if (index === sealed.length - 1) continue
      expect([index, await keys.open("p", changedAt(sealed, index))]).toEqual([index, { outcome: "damaged" }])
    }
  })

  it.each([
    "",
    "text",
    "v1",
    "v1...",
    "v2.{rest}",
    "v1.{rest}.",
    "v1.{rest}.AAAA",
    "v1.{id}.{iv}.",
    "v1.{id}.{iv}.AAAA",
    "v1.{id}.AAAA.{bytes}",
    "v1.{id}.{iv}.*",
  ])("that is %s does not open", async (form) => {
    const [, id = "", iv = "", bytes = ""] = (await keys.seal("p", "text")).split(".")
    const sealed = form.replace("{rest}", `${id}.${iv}.${bytes}`).replace("{id}", id).replace("{iv}", iv)
    expect(await keys.open("p", sealed.replace("{bytes}", bytes))).toEqual({ outcome: "damaged" })
  })

  it("does not open with other keys, and says so", async () => {
    expect(await keysOf(second).open("p", await keys.seal("p", "text"))).toEqual({ outcome: "unknown-key" })
  })

  it("does not open with another key of the same id", async () => {
    const [id = ""] = first.split(":")
    const other = keysOf(`${id}:${second.split(":")[1]}`)
    expect(await other.open("p", await keys.seal("p", "text"))).toEqual({ outcome: "damaged" })
  })
})

describe("several keys", () => {
  it("seal with the first and open with each", async () => {
    const [older, both] = [keysOf(first), keysOf(`${second}, ${first}\n`)]
    const [old, fresh] = [await older.seal("p", "old"), await both.seal("p", "fresh")]
    expect([both.needsResealing(old), both.needsResealing(fresh)]).toEqual([true, false])
    expect(await both.open("p", old)).toEqual({ outcome: "opened", text: "old" })
    expect(await keysOf(second).open("p", fresh)).toEqual({ outcome: "opened", text: "fresh" })
    expect(fresh.startsWith(both.currentPrefix)).toBe(true)
    expect(both.olderPrefixes).toEqual([older.currentPrefix])
  })

  it("whose ids begin alike are told apart", async () => {
    const key = first.split(":")[1]
    const keys = keysOf(`k1:${key},k:${key}`)
    expect(keys.needsResealing(await keysOf(`k:${key}`).seal("p", "text"))).toBe(true)
    expect(keysOf(`k:${key}`).needsResealing(await keys.seal("p", "text"))).toBe(true)
  })
})

describe("keys", () => {
  it("are made with the day in their ids, and differ", () => {
    expect(first).toMatch(/^2026-01-02-[0-9a-f]{4}:[\w-]{43}$/)
    expect(first.split(":")[1]).not.toBe(second.split(":")[1])
  })

  it("do not show", () => {
    const [, key = ""] = first.split(":")
    const shown = [JSON.stringify({ keys: keysOf(first) }), inspect(keysOf(first), { depth: 5, showHidden: true })]
    for (const text of shown) expect(text).not.toContain(key)
    expect(JSON.stringify(keysOf(first))).toBe("{}")
  })
})
