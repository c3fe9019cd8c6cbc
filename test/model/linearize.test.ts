import { describe, expect, it } from "vitest"
import { type Done, linearize } from "./linearize.ts"

type Register = { write: string } | "read"

/** One register: a write is answered with nothing, a read with what was written last. */
function step(value: string, operation: Register, answer: string): string | null {
  if (operation === "read") return answer === value ? value : null
  return operation.write
}

function done(sent: number, answered: number, operation: Register, answer = ""): Done<Register, string> {
  return { client: 0, operation, answer, sent, answered }
}

function isExplained(...history: Done<Register, string>[]): boolean {
  return linearize("", history, step).explained
}

describe("a history", () => {
  it("is explained when reads that run beside a write see it or not", () => {
    expect(isExplained(done(1, 4, { write: "a" }), done(2, 3, "read", "a"))).toBe(true)
    expect(isExplained(done(1, 4, { write: "a" }), done(2, 3, "read", ""))).toBe(true)
  })

  it("is not explained by a value that nobody wrote", () => {
    expect(isExplained(done(1, 4, { write: "a" }), done(2, 3, "read", "b"))).toBe(false)
  })

  it("is not explained when a read misses a write that was answered before it", () => {
    expect(isExplained(done(1, 2, { write: "a" }), done(3, 4, "read", ""))).toBe(false)
  })

  it("is not explained when a read sees a write that was sent after it", () => {
    expect(isExplained(done(1, 2, "read", "a"), done(3, 4, { write: "a" }))).toBe(false)
  })

  it("is not explained when a later read sees less than an earlier one", () => {
    const write = done(1, 10, { write: "a" })
    expect(isExplained(write, done(2, 3, "read", "a"), done(4, 5, "read", ""))).toBe(false)
    expect(isExplained(write, done(2, 5, "read", "a"), done(3, 4, "read", ""))).toBe(true)
  })

  it("tells how far it can be explained", () => {
    const [write, read] = [done(1, 2, { write: "a" }), done(3, 4, "read", "b")]
    expect(linearize("", [write, read], step)).toEqual({ explained: false, longest: [write] })
  })
})
