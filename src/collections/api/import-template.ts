/**
 * The part of Go's text templates that import packages use, with `[[` and `]]` as delimiters: fields (`[[ .Context.name ]]`), quoted
 * texts, and the marks that trim blanks (`[[-`, `-]]`). Whatever else Go has is refused. Pure.
 */

/** The template cannot be rendered; the message says why. */
export class TemplateError extends Error {
  override name = "TemplateError"
}

/** Renders templates, as many as it may: what they make of each other doubles quickly. */
export class TemplateRenderer {
  #left: number

  /** `most` is how many characters all templates together may become. */
  constructor(most: number) {
    this.#left = most
  }

  /** Counts what is used as it is. Throws a `TemplateError` beyond the limit. */
  count(length: number): void {
    this.#left -= length
    if (this.#left < 0) throw new TemplateError("the files and values of the package become too large")
  }

  /** Renders `text` with what `values` has. Throws a `TemplateError`. */
  render(text: string, values: unknown): string {
    const parts: string[] = []
    for (const part of partsOf(text)) {
      const rendered = typeof part === "string" ? part : valueOf(part.expression, values)
      this.count(rendered.length)
      parts.push(rendered)
    }
    return parts.join("")
  }
}

/** Text, and the actions within it, in their order. */
function* partsOf(text: string): Generator<string | { expression: string }> {
  let at = 0
  let trim = false
  for (;;) {
    const start = text.indexOf("[[", at)
    const plain = trim
      ? trimStart(text.slice(at, start === -1 ? undefined : start))
      : text.slice(at, start === -1 ? undefined : start)
    if (start === -1) {
      yield plain
      return
    }
    const action = actionAt(text, start)
    yield action.trimBefore ? trimEnd(plain) : plain
    yield { expression: action.expression }
    ;({ end: at, trimAfter: trim } = action)
  }
}

const ACTION =
  /\[\[(-[ \t\r\n])?[ \t\r\n]*((?:\.[\p{L}_][\p{L}\p{Nd}_]*)+|"(?:[^"\\\n]|\\.)*"|`[^`]*`)(?:[ \t\r\n]*|([ \t\r\n]+-))\]\]/uy

function actionAt(text: string, start: number) {
  ACTION.lastIndex = start
  const [whole, trimBefore, expression, trimAfter] = ACTION.exec(text) ?? []
  if (whole === undefined || expression === undefined) {
    const line = text.slice(0, start).split("\n").length
    const excerpt = JSON.stringify(text.slice(start, start + 40))
    throw new TemplateError(
      `line ${line}: ${excerpt} is not supported: only fields such as [[ .Context.name ]] and quoted texts are`,
    )
  }
  return {
    expression,
    trimBefore: trimBefore !== undefined,
    trimAfter: trimAfter !== undefined,
    end: start + whole.length,
  }
}

function valueOf(expression: string, values: unknown): string {
  if (expression.startsWith("`")) return expression.slice(1, -1)
  if (expression.startsWith('"')) return unquote(expression)
  const value = expression.slice(1).split(".").reduce(memberOf(expression), values)
  if (typeof value === "string") return value
  if (typeof value === "number" || typeof value === "boolean") return String(value)
  throw new TemplateError(`${expression} is not a single value`)
}

function memberOf(expression: string): (value: unknown, name: string) => unknown {
  return (value, name) => {
    if (typeof value === "object" && value !== null && Object.hasOwn(value, name)) return Reflect.get(value, name)
    throw new TemplateError(`there is no ${expression}: nothing is called "${name}"`)
  }
}

/** Go's escapes are those of JSON and some more. */
function unquote(literal: string): string {
  try {
    return String(JSON.parse(literal))
  } catch {
    throw new TemplateError(`the text ${literal} has an escape that is not supported`)
  }
}

/** What Go takes for blanks here. */
const BLANKS = " \t\r\n"

function trimStart(text: string): string {
  let start = 0
  while (start < text.length && BLANKS.includes(text.charAt(start))) start++
  return text.slice(start)
}

function trimEnd(text: string): string {
  let end = text.length
  while (end > 0 && BLANKS.includes(text.charAt(end - 1))) end--
  return text.slice(0, end)
}
