/** Requests that are drawn: an example of the documents, with a few things in it exchanged. */
import * as fc from "fast-check"
import type { Operation } from "../support/openapi.ts"
import { BODIES, HEADERS, TEXTS } from "./corpus.ts"
import { jsonPlaces, withToken } from "./json-places.ts"
import { type Body, type Draft, escape, type HostileRequest, inAddress, requestOf } from "./requests.ts"

type Change = (draft: Draft) => Draft

/** Everything that can be a text, and more than can. */
const anyText = fc.oneof(
  fc.constantFrom(...TEXTS).map(({ text }) => text),
  fc.string({ unit: "grapheme" }),
  fc.string({ unit: "binary", maxLength: 40 }),
  fc.string({ unit: fc.integer({ min: 0, max: 0xffff }).map((code) => String.fromCharCode(code)) }),
  fc.tuple(fc.string({ minLength: 1 }), fc.integer({ min: 1, max: 400 })).map(([text, times]) => text.repeat(times)),
  fc.oneof(fc.double(), fc.integer(), fc.bigInt()).map(String),
  fc.date({ noInvalidDate: true }).map((date) => date.toISOString()),
  fc.uuid(),
  fc.base64String(),
)

/** How a text, or what is none, stands in an address. */
const inAnyAddress = fc.oneof(
  { weight: 3, arbitrary: anyText.map(escape) },
  { weight: 2, arbitrary: fc.constantFrom(...TEXTS).map(inAddress) },
  fc.string({ unit: fc.constantFrom(..."%0123456789abcdefABCDEF/.;:@&=+$,~!'()*".split("")) }),
  fc
    .array(fc.integer({ min: 0, max: 255 }).map((byte) => `%${byte.toString(16).padStart(2, "0")}`))
    .map((bytes) => bytes.join("")),
)

/** What a header can hold. */
const headerValue = fc
  .oneof(
    fc.constantFrom(...HEADERS.flatMap(({ headers }) => Object.values(headers))),
    fc.string({ unit: "binary-ascii", maxLength: 100 }),
    anyText,
  )
  .map((text) => text.replaceAll(/[^\x20-\x7e]/g, "?").trim())
const headerName = fc.constantFrom(
  ...new Set([...HEADERS.flatMap(({ headers }) => Object.keys(headers)), "idempotency-key", "x-token", "x-real-ip"]),
)

/** One token of JSON, as it is written: also numbers and texts that no serializer writes. */
const jsonToken = fc.oneof(
  { weight: 3, arbitrary: anyText.map((text) => JSON.stringify(text)) },
  { weight: 2, arbitrary: fc.json({ maxDepth: 3 }) },
  fc.constantFrom("null", "true", "[]", "{}", "-0", "1e400", "-1e-400", "123456789012345678901234567890", '"\\ud800"'),
  fc.constantFrom("NaN", "undefined", "'a'", "[1,]", "01", '"\n"', "\0"),
  fc.integer({ min: 1, max: 5000 }).map((depth) => `${"[".repeat(depth)}${"]".repeat(depth)}`),
)
const memberName = fc.oneof(fc.constantFrom("__proto__", "constructor", "toString", "", "0", "length"), anyText)

const headerChange = fc.tuple(headerName, headerValue).map(([name, value]): Change => (draft) => ({
  ...draft,
  headers: { ...draft.headers, [name]: value },
}))

const METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND", "QUERY"]
const methodChange = fc.constantFrom(...METHODS).map((method): Change => (draft) => ({ ...draft, method }))

const LABELS = ["us", "global", "EU", "eu.eu", "xx", "%65u", "eu%2eapi", "localhost"]
const hostChange = fc.constantFrom(...LABELS).map((label): Change => (draft) => ({ ...draft, label }))

const wholeBody = fc
  .oneof(
    fc.constantFrom(...BODIES).map(({ body }): Body => body),
    fc.json({ maxDepth: 4 }),
    anyText,
    fc.uint8Array({ maxLength: 200 }).map((bytes) => new Uint8Array(bytes)),
  )
  .map((body): Change => (draft) => ({ ...draft, body }))

/** Bytes are cut out, put in, turned, or come twice. */
const byteChange = fc
  .record({
    at: fc.double({ min: 0, max: 1, noNaN: true }),
    cut: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 2000 })),
    put: fc.uint8Array({ maxLength: 12 }),
    twice: fc.boolean(),
  })
  .map(({ at, cut, put, twice }): Change => (draft) => {
    const bytes =
      typeof draft.body === "string" ? new TextEncoder().encode(draft.body) : (draft.body ?? new Uint8Array())
    const start = Math.floor(at * bytes.length)
    const parts = [bytes.slice(0, start), put, bytes.slice(start + cut), ...(twice ? [bytes.slice(start)] : [])]
    return { ...draft, body: Uint8Array.from(parts.flatMap((part) => [...part])) }
  })

/** What can be exchanged in the requests to an operation. `bodies` are others that it takes beside that of the example. */
export function anyRequest(
  operation: Operation,
  example: Draft,
  bodies: readonly Body[],
): fc.Arbitrary<HostileRequest> {
  const changes = [
    ...operation.parameters.map(({ name }) => ({ weight: 3, arbitrary: parameterChange(name) })),
    { weight: 2, arbitrary: queryChange(operation) },
    { weight: 2, arbitrary: headerChange },
    { weight: 1, arbitrary: methodChange },
    { weight: 1, arbitrary: hostChange },
    ...(operation.takesBody ? bodyChanges(example, bodies) : []),
  ]
  return fc
    .array(fc.oneof(...changes), { minLength: 1, maxLength: 3 })
    .map((chosen) => requestOf(chosen.reduce((draft, change) => change(draft), example)))
}

function parameterChange(name: string): fc.Arbitrary<Change> {
  return inAnyAddress.map((value) => (draft) => ({ ...draft, values: { ...draft.values, [name]: value } }))
}

/** One parameter more: of a name that is known, so that it comes twice, or of any. */
function queryChange({ parameters }: Operation): fc.Arbitrary<Change> {
  const known = [...parameters.map(({ name }) => escape(name)), "filter[a][b][c]", "page[size]", "sort", "a[]"]
  const name = fc.oneof(fc.constantFrom(...known), anyText.map(escape), inAnyAddress)
  return fc.tuple(name, inAnyAddress).map(([key, value]) => (draft) => ({
    ...draft,
    queries: [...draft.queries, `${key}=${value}`],
  }))
}

function bodyChanges({ body }: Draft, bodies: readonly Body[]): { weight: number; arbitrary: fc.Arbitrary<Change> }[] {
  const others = bodies.map((other): Change => (draft) => ({ ...draft, body: other }))
  return [
    { weight: 2, arbitrary: wholeBody },
    { weight: 4, arbitrary: byteChange },
    ...(typeof body === "string" ? [{ weight: 10, arbitrary: jsonChange(JSON.parse(body)) }] : []),
    // What is exchanged in them follows.
    ...(others.length > 0 ? [{ weight: 6, arbitrary: fc.constantFrom(...others) }] : []),
  ]
}

/** Something else stands in a place, nothing does, or a member is there that nobody knows, or twice. */
function jsonChange(example: unknown): fc.Arbitrary<Change> {
  const places = jsonPlaces(example)
  const whole = JSON.stringify(example)
  const added = fc
    .tuple(memberName, jsonToken)
    .map(([name, token]) => whole.replace(/^\{/, () => `{${JSON.stringify(name)}:${token},`))
  const doubled = fc
    .tuple(fc.constantFrom(...Object.keys(Object(example)), "name"), jsonToken)
    .map(([name, token]) => `${whole.slice(0, -1)},${JSON.stringify(name)}:${token}}`)
  const placed = places.length === 0 ? [] : [fc.constantFrom(...places)]
  const exchanged = placed.flatMap((place) => [
    { weight: 6, arbitrary: fc.tuple(place, jsonToken).map(([at, token]) => withToken(example, at, token)) },
    { weight: 1, arbitrary: place.map((at) => withToken(example, at, null)) },
  ])
  return fc.oneof(...exchanged, added, doubled).map((body) => (draft) => ({ ...draft, body }))
}
