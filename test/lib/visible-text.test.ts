import { expect, it } from "vitest"
import { isVisibleDescription, isVisibleName } from "../../src/lib/visible-text.ts"

it.each([
  "ci",
  "Ada Lovelace",
  "O'Brien-Smith, 3rd (ops)",
  "Łukasz Żółć",
  "李小龍",
  "אברהם",
  "e\u0301",
  "नेहा",
  "team 🚀",
  "team ❤\ufe0f",
  "👩\u200d💻",
  "👩🏽\u200d🚀",
  "علی\u200cرضا",
  "ශ්\u200dරී",
  "\u{10ffff}x",
])("%j is a name", (name) => {
  expect(isVisibleName(name)).toBe(true)
})

it.each([
  "",
  " ",
  "\u0301",
  "\u0000",
  "a\u0000",
  "a\tb",
  "a\nb",
  "a\u007f",
  "a\u0085b",
  "a\u00adb",
  "a\u034fb",
  "a\u061cb",
  "a\u115fb",
  "a\u180eb",
  "a\u200bb",
  "a\u200cb",
  "a\u200db",
  "a\u200eb",
  "a\u2028b",
  "a\u2029b",
  "a\u202ab",
  "a\u202eb",
  "a\u2060b",
  "a\u2066b",
  "a\u2069b",
  "\u2800",
  "\u3164",
  "a\ufe0fb",
  "\ufeffa",
  "a\uffa0",
  "a\ud800b",
  "a\u{e0041}b",
  "a\u{e0100}b",
  "👩\u200d",
  "\u200d💻",
  "علی\u200c",
])("%j is none", (name) => {
  expect(isVisibleName(name)).toBe(false)
})

it.each([
  ["", true],
  ["one\ntwo\r\n\tthree", true],
  ["one\rtwo", false],
  ["a\u202eb", false],
  ["a\u0000b", false],
])("%j as a description: %j", (text, expected) => {
  expect(isVisibleDescription(text)).toBe(expected)
})
