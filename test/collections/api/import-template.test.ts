/** The templates of import packages, which are a part of Go's. */
import { describe, expect, it } from "vitest"
import { TemplateError, TemplateRenderer } from "../../../src/collections/api/import-template.ts"

const values = {
  Project: "p",
  Context: { name: "n", empty: "", number: 3, half: 0.5, yes: true, nothing: null, list: [1], ümlaut: "ü", _x1: "u" },
  Tasks: { a: { Response: { id: "i", deep: { er: "d" } } } },
}

function render(text: string, most = 1000): string {
  return new TemplateRenderer(most).render(text, values)
}

describe("a template", () => {
  it.each([
    ["", ""],
    ["plain", "plain"],
    ["]] { } {{ .x }} [ [", "]] { } {{ .x }} [ ["],
    ["[[.Project]]", "p"],
    ["[[ .Project ]]", "p"],
    ["[[\t\n.Project\n]]", "p"],
    ["<[[ .Context.name ]]>", "<n>"],
    ["[[ .Context.empty ]]", ""],
    ["[[ .Context.number ]] [[ .Context.half ]] [[ .Context.yes ]]", "3 0.5 true"],
    ["[[ .Context.ümlaut ]][[ .Context._x1 ]]", "üu"],
    ["[[ .Tasks.a.Response.id ]][[ .Tasks.a.Response.deep.er ]]", "id"],
    ['[[ "quoted ]] text" ]]', "quoted ]] text"],
    [String.raw`[[ "a\tb\"c\u00e4" ]]`, 'a\tb"cä'],
    ["[[ `raw \\n ]]` ]]", "raw \\n ]]"],
    ["a \n[[- .Project -]]\n b", "apb"],
    ["a [[- .Project ]] b", "ap b"],
    ["a [[ .Project -]] b", "a pb"],
    ["[[ .Project -]] [[- .Project ]]", "pp"],
    ["[[ .Project -]]   ", "p"],
    ["   [[- .Project ]]", "p"],
    ["[[[ .Project ]]]", null],
  ])("%j", (text, rendered) => {
    if (rendered === null) expect(() => render(text)).toThrow(TemplateError)
    else expect(render(text)).toBe(rendered)
  })

  it.each([
    ["[[ .Nothing ]]", 'there is no .Nothing: nothing is called "Nothing"'],
    ["[[ .Context.other ]]", 'there is no .Context.other: nothing is called "other"'],
    ["[[ .Context.name.length ]]", 'there is no .Context.name.length: nothing is called "length"'],
    ["[[ .Context.constructor ]]", 'there is no .Context.constructor: nothing is called "constructor"'],
    ["[[ .Context.__proto__ ]]", 'there is no .Context.__proto__: nothing is called "__proto__"'],
    ["[[ .Context ]]", ".Context is not a single value"],
    ["[[ .Context.list ]]", ".Context.list is not a single value"],
    ["[[ .Context.nothing ]]", ".Context.nothing is not a single value"],
    ["a\nb\n[[ if .x ]]", 'line 3: "[[ if .x ]]" is not supported'],
    ["[[ . ]]", 'line 1: "[[ . ]]" is not supported'],
    ["[[ .Project | upper ]]", "is not supported"],
    ["[[ printf .Project ]]", "is not supported"],
    ["[[ $x := .Project ]]", "is not supported"],
    ["[[ .Context. ]]", "is not supported"],
    ["[[ .1 ]]", "is not supported"],
    ["[[ 1 ]]", "is not supported"],
    ["[[]]", "is not supported"],
    ["[[", "is not supported"],
    ["if [[ -f x ]]", "is not supported"],
    ["[[-.Project]]", "is not supported"],
    ["[[ .Project-]]", "is not supported"],
    ["[[/* comment */]]", "is not supported"],
    ['[[ "open ]]', "is not supported"],
    [String.raw`[[ "\x41" ]]`, "has an escape that is not supported"],
  ])("is refused: %j", (text, problem) => {
    expect(() => render(text)).toThrow(TemplateError)
    expect(() => render(text)).toThrow(problem)
  })

  it("may not become longer than allowed, alone or together", () => {
    expect(() => render("x".repeat(1001))).toThrow("too large")
    const renderer = new TemplateRenderer(10)
    expect(renderer.render("[[ .Project ]]12345", values)).toBe("p12345")
    expect(() => renderer.render("12345", values)).toThrow("too large")
  })

  it("is rendered in time that grows with its length", () => {
    const started = performance.now()
    render(`[[ .Project -]]${" ".repeat(500_000)}[[- .Project ]]`, 1_000_000)
    expect(() => render(`[[${" ".repeat(200_000)}x`, 1_000_000)).toThrow(TemplateError)
    expect(() => render(`[[ .${"a.".repeat(100_000)}`, 1_000_000)).toThrow(TemplateError)
    expect(performance.now() - started).toBeLessThan(1000)
  })
})
