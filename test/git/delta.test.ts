import { describe, expect, it } from "vitest"
import { applyDelta, deltaResultSize } from "../../src/git/delta.ts"
import { concat, utf8 } from "../../src/lib/bytes.ts"
import { copy, deltaOf, deltaSize, insert } from "../support/packs.ts"

const BASE = utf8("the quick brown fox")

function apply(delta: Uint8Array, base: Uint8Array = BASE): string {
  return new TextDecoder().decode(applyDelta(base, delta))
}

describe("a delta", () => {
  it("copies and inserts", () => {
    const delta = deltaOf(19, 15, copy(0, 4), insert("slow"), copy(15, 4), insert("es\n"))
    expect(apply(delta)).toBe("the slow foxes\n")
    expect(deltaResultSize(delta)).toBe(15)
  })

  it("may make nothing", () => {
    expect(apply(deltaOf(19, 0))).toBe("")
    expect(apply(deltaOf(0, 0), new Uint8Array())).toBe("")
  })

  it("may copy the same bytes again, and backwards", () => {
    expect(apply(deltaOf(19, 9, copy(16, 3), copy(0, 3), copy(16, 3)))).toBe("foxthefox")
  })

  it("leaves out bytes of offsets and sizes that are zero", () => {
    const delta = deltaOf(19, 9, Uint8Array.of(0x91, 4, 5), Uint8Array.of(0x90, 4))
    expect(apply(delta)).toBe("quickthe ")
  })

  it("copies 65,536 bytes when it says no size", () => {
    const base = new Uint8Array(70_000).fill(7)
    expect(applyDelta(base, deltaOf(70_000, 65_536, Uint8Array.of(0x80)))).toEqual(base.subarray(0, 65_536))
  })

  it("copies from beyond the first 16 mebibytes", () => {
    const base = new Uint8Array(0x1000003)
    base.set([1, 2, 3], 0x1000000)
    expect(applyDelta(base, deltaOf(base.length, 3, copy(0x1000000, 3)))).toEqual(Uint8Array.of(1, 2, 3))
  })
})

describe("a delta is refused", () => {
  it.each([
    ["of another base", deltaOf(18, 3, copy(0, 3)), "a delta is of another base"],
    ["that copies from behind its base", deltaOf(19, 5, copy(15, 5)), "a delta copies from behind its base"],
    ["that copies from far behind", deltaOf(19, 5, copy(0xffffffff, 5)), "a delta copies from behind its base"],
    ["that makes more than it says", deltaOf(19, 2, copy(0, 3)), "a delta makes more than it says"],
    ["that makes less than it says", deltaOf(19, 4, copy(0, 3)), "a delta makes less than it says"],
    ["that makes nothing of what it says", deltaOf(19, 4), "a delta makes less than it says"],
    ["with the instruction 0", deltaOf(19, 3, Uint8Array.of(0), copy(0, 3)), "a delta has an unknown instruction"],
    ["that inserts beyond its end", deltaOf(19, 5, Uint8Array.of(5, 65, 66)), "a delta makes less than it says"],
    ["whose copy is cut off", deltaOf(19, 3, Uint8Array.of(0x91, 4)), "a delta ends too early"],
    ["that is empty", new Uint8Array(), "a delta ends too early"],
    ["with one size only", deltaSize(19), "a delta ends too early"],
    ["with an endless size", new Uint8Array(20).fill(0x80), "a delta has an impossible size"],
  ])("%s", (_, delta, message) => {
    expect(() => apply(delta)).toThrow(message)
  })

  it("wherever it is cut off", () => {
    const whole = deltaOf(19, 15, copy(0, 4), insert("slow"), copy(15, 4), insert("es\n"))
    for (let length = 0; length < whole.length; length++) {
      expect(() => apply(whole.subarray(0, length))).toThrow(/^a delta /)
    }
    expect(() => apply(concat([whole, Uint8Array.of(0)]))).toThrow(/^a delta /)
  })
})
