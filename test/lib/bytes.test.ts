import { describe, expect, it } from "vitest"
import { base64Stream, compareBytes, concat, fromBase64, fromHex, toBase64, toHex, utf8 } from "../../src/lib/bytes.ts"
import { sha1Hex, sha256Hex } from "../../src/lib/digest.ts"
import { hasControlCharacter } from "../../src/lib/text.ts"

describe("base64", () => {
  it.each([
    ["", ""],
    ["YQ==", "61"],
    ["YWI=", "6162"],
    ["YWJj", "616263"],
    ["+/8=", "fbff"],
    ["YW\nJj\r\n", "616263"],
  ])("%j stands for the bytes %j", (text, hex) => {
    expect(fromBase64(text)?.toHex()).toBe(hex)
    expect(toBase64(fromHex(hex))).toBe(text.replaceAll(/\s/g, ""))
  })

  it.each(["a", "YQ", "YQ=", "YQ===", "YR==", "-_8=", "YWJ%", "YWJj=", "=", "äöüß"])(
    "%j stands for nothing",
    (text) => {
      expect(fromBase64(text)).toBeNull()
    },
  )
})

describe("bytes", () => {
  it.each([
    ["", "", 0],
    ["a", "a", 0],
    ["a", "b", -1],
    ["a", "ab", -1],
    ["B", "a", -1],
    ["ä", "z", 1],
    ["a/", "a.", 1],
  ])("of %j and %j sort like %i", (a, b, sign) => {
    expect(Math.sign(compareBytes(utf8(a), utf8(b)))).toBe(sign)
    expect(Math.sign(compareBytes(utf8(b), utf8(a)))).toBe(sign === 0 ? 0 : -sign)
  })

  it("are put together in order", () => {
    expect(toHex(concat([utf8("a"), new Uint8Array(), utf8("ä")]))).toBe("61c3a4")
    expect(concat([])).toEqual(new Uint8Array())
  })
})

it("digests are those of FIPS 180", async () => {
  expect(await sha1Hex(utf8("abc"))).toBe("a9993e364706816aba3e25717850c26c9cd0d89d")
  expect(await sha256Hex("abc")).toBe("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
})

it.each([
  ["a b-ä.€😀", false],
  ["", false],
  ["a\u0000", true],
  ["\n", true],
  ["a\tb", true],
  ["\u001f", true],
  ["\u007f", true],
  ["\u0085", true],
])("%j holds a control character: %s", (text, holds) => {
  expect(hasControlCharacter(text)).toBe(holds)
})

describe("base64Stream", () => {
  it.each([1, 2, 3, 4, 5, 7, 64, 1000])("encodes as the whole would be, in pieces of %i bytes", async (size) => {
    for (const length of [0, 1, 2, 3, 4, 100, 999]) {
      const bytes = Uint8Array.from({ length }, (_, index) => (index * 7) % 256)
      const pieces = Array.from({ length: Math.ceil(length / size) }, (_, index) =>
        bytes.slice(index * size, (index + 1) * size),
      )
      const source = new ReadableStream<Uint8Array>({
        start(controller) {
          for (const piece of pieces) controller.enqueue(piece)
          controller.close()
        },
      })
      const text = await new Response(source.pipeThrough(base64Stream("ä<", ">"))).text()
      expect(text).toBe(`ä<${bytes.toBase64()}>`)
    }
  })
})
