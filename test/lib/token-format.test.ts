import { describe, expect, it } from "vitest"
import { classifyToken, createToken, tokenHint } from "../../src/lib/token-format.ts"

/** A token whose checksum was computed elsewhere: CRC-32 of what is before it, in base62 digits of six. */
const KNOWN = "kpat_0000000000000000000000000000003CU2Di"
const KNOWN_ACCOUNT = "spat_ABCDEFGHIJKLMNOPQRSTUVWXYZabcd4bASgq"

describe("a new token", () => {
  it.each(["kpat", "spat"] as const)("of kind %s has 30 random characters and a checksum of six", (prefix) => {
    const token = createToken(prefix)
    expect(token).toMatch(new RegExp(`^${prefix}_[0-9A-Za-z]{36}$`))
    expect(classifyToken(token)).toBe("ours")
  })

  it("is never the same", () => {
    const tokens = Array.from({ length: 2000 }, () => createToken("kpat"))
    expect(new Set(tokens).size).toBe(2000)
  })

  it("uses all letters and digits about equally often", () => {
    const counts = new Map<string, number>()
    for (let n = 0; n < 2000; n++) {
      for (const letter of createToken("kpat").slice(5, 35)) counts.set(letter, (counts.get(letter) ?? 0) + 1)
    }
    expect(counts.size).toBe(62)
    // 968 are expected of each; seven standard deviations are 216.
    for (const count of counts.values()) expect(Math.abs(count - 60_000 / 62)).toBeLessThan(216)
  })
})

describe("the form of a token", () => {
  it.each([KNOWN, KNOWN_ACCOUNT])("is ours with the checksum that belongs to it: %s", (token) => {
    expect(classifyToken(token)).toBe("ours")
  })

  it("is broken by any other character in any place, and by another order", () => {
    for (let place = 5; place < KNOWN_ACCOUNT.length; place++) {
      const other = KNOWN_ACCOUNT[place] === "x" ? "y" : "x"
      expect(classifyToken(KNOWN_ACCOUNT.slice(0, place) + other + KNOWN_ACCOUNT.slice(place + 1))).toBe("broken")
    }
    expect(classifyToken(KNOWN_ACCOUNT.replace("AB", "BA"))).toBe("broken")
    expect(classifyToken(`k${KNOWN_ACCOUNT.slice(1)}`)).toBe("broken")
  })

  it.each(["kpat_", `${KNOWN}0`, KNOWN.slice(0, -1), `${KNOWN} `, `${KNOWN}\n`, KNOWN.replace("000", "0-0")])(
    "is broken with our prefix and another shape: %j",
    (token) => {
      expect(classifyToken(token)).toBe("broken")
    },
  )

  it.each(["xpat_0", "Kpat_0", "0123456789abcdef", "", ` ${KNOWN}`])("is another one's: %j", (token) => {
    expect(classifyToken(token)).toBe("opaque")
  })
})

it("a hint shows where a token begins and ends, and no more", () => {
  expect(tokenHint(KNOWN_ACCOUNT)).toBe("spat_ABCD…ASgq")
})
