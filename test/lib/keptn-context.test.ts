import { describe, expect, it } from "vitest"
import { keptnContext } from "../../src/lib/keptn-context.ts"

describe("the Keptn context", () => {
  it.each([
    "3f709bb7-0246-403e-83a0-1f436f7c6c09",
    "3F709BB7-0246-103E-03A0-1F436F7C6C09",
    `${"0".repeat(8)}-0000-0000-0000-${"0".repeat(12)}`,
  ])("is the UUID that was given: %s", (uuid) => {
    expect(keptnContext(uuid)).toBe(uuid)
  })

  // The first 16 bytes, filled up with blanks, with the bits of a UUID of version 4 set.
  it.each([
    ["a", "61202020-2020-4020-a020-202020202020"],
    ["1234567890123456", "31323334-3536-4738-b930-313233343536"],
    ["0123456789abcdefXYZ", "30313233-3435-4637-b839-616263646566"],
    ["not-a-uuid-but-36-characters-long-xxx", "6e6f742d-612d-4575-a964-2d6275742d33"],
    ["ääääääää", "c3a4c3a4-c3a4-43a4-83a4-c3a4c3a4c3a4"],
    ["3f709bb7-0246-403e-83a0-1f436f7c6c0", "33663730-3962-4237-ad30-3234362d3430"],
    [" ", "20202020-2020-4020-a020-202020202020"],
  ])("is made of another text, always the same: %j", (text, context) => {
    expect(keptnContext(text)).toBe(context)
  })

  it.each([undefined, null, ""])("is a new UUID for %j", (nothing) => {
    const contexts = Array.from({ length: 50 }, () => keptnContext(nothing))
    expect(new Set(contexts).size).toBe(50)
    for (const context of contexts) {
      expect(context).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
    }
  })
})
