/** The worst that was thought of or met with. All of it is sent to every route, on every run. */
import { deepYaml, yamlBomb } from "./yaml-bombs.ts"

/** A hostile text, and why it is one. */
export interface HostileText {
  name: string
  why: string
  text: string
  /** It stands in an address as it is; others are percent-encoded there. */
  raw?: true
}

/** A body that no schema describes. */
export interface HostileBody {
  name: string
  why: string
  body: string | Uint8Array<ArrayBuffer>
}

/** Headers that do not fit what is sent, or each other. */
export interface HostileHeaders {
  why: string
  headers: Record<string, string>
}

export const TEXTS: readonly HostileText[] = [
  { name: "nothing", why: "makes the path that of another route", text: "" },
  { name: "a space", why: "is nothing once it is trimmed", text: " " },
  { name: "a dot", why: "names the folder itself", text: "." },
  { name: "two dots", why: "lead out of a folder", text: ".." },
  { name: "a way out", why: "leads to a file of the machine", text: "../../../../etc/passwd" },
  { name: "encoded dots", why: "are resolved by the one who decodes first", text: "%2e%2e%2f%2e%2e", raw: true },
  { name: "dots encoded twice", why: "are a way out for who decodes twice", text: "%252e%252e%252f", raw: true },
  { name: "an encoded slash", why: "is a separator for one and a letter for another", text: "a%2Fb", raw: true },
  { name: "only slashes", why: "are merged to nothing", text: "%2F%2F%2F", raw: true },
  { name: "an overlong slash", why: "is no UTF-8, but old decoders took it for a slash", text: "%c0%af", raw: true },
  { name: "a lone byte", why: "is no UTF-8", text: "%80", raw: true },
  { name: "an encoded surrogate", why: "is no UTF-8, but looks like three bytes of it", text: "%ED%A0%80", raw: true },
  { name: "a broken escape", why: "cannot be decoded", text: "%zz", raw: true },
  { name: "half an escape", why: "cannot be decoded, and ends in the middle", text: "abc%2", raw: true },
  {
    name: "an encoded question mark",
    why: "begins a query for who decodes before it parses",
    text: "a%3Fb%23c",
    raw: true,
  },
  { name: "NUL", why: "ends a text in C", text: "a\0b" },
  { name: "line breaks", why: "begin a header of their own", text: "a\r\nX-Injected: yes\r\n\r\n<b>" },
  { name: "an escape sequence", why: "paints on a terminal", text: "\u001b[31mred\u001b[0m\u0007\u007f" },
  { name: "C1 controls", why: "are control characters beyond ASCII", text: "\u0080\u0085\u009f" },
  { name: "line separators", why: "end a line in JavaScript, and not in JSON", text: "a\u2028b\u2029c" },
  { name: "right to left", why: "shows other text than is there", text: "\u202egnp.exe" },
  { name: "nothing to see", why: "is not empty, and looks so", text: "\u200b\u200d\ufeff" },
  { name: "a family", why: "is one letter of many code points", text: "👩‍👩‍👧‍👦🏳️‍🌈" },
  { name: "a pile of accents", why: "is one letter of hundreds of bytes", text: `Z${"\u0301".repeat(200)}` },
  { name: "a split accent", why: "equals another text once it is normalized", text: "cafe\u0301" },
  { name: "a dotted I", why: "is longer in lower case", text: "İSTANBUL" },
  { name: "half a pair", why: "is no text that UTF-8 could hold", text: "a\ud800b" },
  { name: "the pair the wrong way round", why: "is two halves that do not fit", text: "\udc00\ud800" },
  { name: "no characters", why: "are code points that mean nothing", text: "\uffff\ufffe\u{10ffff}" },
  { name: "the prototype", why: "is a member of every object", text: "__proto__" },
  { name: "the constructor", why: "is a member of every object", text: "constructor" },
  { name: "a method", why: "is a member of every object", text: "hasOwnProperty" },
  { name: "an object in text", why: "is what a mistake prints", text: "[object Object]" },
  { name: "undefined", why: "is what a mistake prints", text: "undefined" },
  { name: "null", why: "is a text and no null", text: "null" },
  { name: "not a number", why: "is of the type number", text: "NaN" },
  { name: "minus one", why: "is before the first", text: "-1" },
  { name: "minus zero", why: "is less than nothing and equal to it", text: "-0" },
  { name: "half", why: "is between two", text: "0.5" },
  { name: "beyond exact", why: "is another number once it is read", text: "9007199254740993" },
  { name: "beyond 64 bits", why: "fits no integer of SQLite", text: "99999999999999999999999999" },
  { name: "beyond doubles", why: "is infinite once it is read", text: "1e400" },
  { name: "hexadecimal", why: "is a number for some", text: "0x10" },
  { name: "a quote", why: "ends a text in SQL", text: "' OR 1=1 --" },
  { name: "a statement", why: "is one in SQL", text: "'); drop table projects; --" },
  { name: "wildcards", why: "stand for anything in LIKE", text: "%_%\\%" },
  { name: "many wildcards", why: "are more than LIKE takes of a pattern", text: "%a".repeat(100) },
  { name: "a glob", why: "stands for anything in GLOB", text: "*[!a-z]?{a,b}" },
  { name: "a slow expression", why: "takes a regular expression for ever", text: `${"a".repeat(60)}!(a+)+$` },
  { name: "a query of Mongo", why: "asks for everything that is not null", text: '{"$ne":null}' },
  { name: "a filter", why: "has more parts than one", text: "data.project:a AND data.stage:b AND :: AND" },
  { name: "templates", why: "are reckoned by who fills in templates", text: "{{7*7}}${7*7}[[.x]]<%= 7 %>" },
  { name: "a script", why: "runs in a page", text: "<script>alert(1)</script>" },
  { name: "git's own folder", why: "is not for others to write to", text: ".git/config" },
  {
    name: "git's own folder in disguise",
    why: "some file systems take it for .git",
    text: ".G\u200cIT/hooks/post-checkout",
  },
  { name: "HEAD with steps", why: "is a commit to git", text: "HEAD~1^{tree}@{-1}" },
  { name: "no id", why: "has the form of one", text: "00000000-0000-0000-0000-000000000000" },
  { name: "no commit", why: "has the form of one", text: "0".repeat(40) },
  { name: "no day", why: "has the form of a time", text: "2026-13-45T99:99:99.999Z" },
  { name: "the last day", why: "is past what a date can hold", text: "+275760-09-13T00:00:00.001Z" },
  { name: "the first day", why: "is before 1970, and below zero", text: "0000-01-01T00:00:00.000Z" },
  { name: "broken base64", why: "has the length of none", text: "YQ=" },
  { name: "base64 for URLs", why: "is another alphabet", text: "_-8=" },
  { name: "base64 of no text", why: "is bytes that are no UTF-8", text: "/////w==" },
  { name: "YAML that multiplies", why: "is small, and endless once its aliases are resolved", text: btoa(yamlBomb()) },
  { name: "deep YAML", why: "is nested deeper than any stack", text: btoa(deepYaml()) },
  {
    name: "YAML of odd types",
    why: "has keys that are no texts",
    text: btoa("? [a, {b: c}]\n: !!binary x\n__proto__: {stages: 1}\nspec: &a [*a]"),
  },
  { name: "a long name", why: "is longer than a file system takes", text: "n".repeat(300) },
  { name: "a very long name", why: "is longer than an address should be", text: "ä".repeat(3000) },
]

export const BODIES: readonly HostileBody[] = [
  { name: "nothing", why: "is no JSON", body: "" },
  { name: "white space", why: "is no JSON, and not empty", body: " \n\t " },
  { name: "null", why: "is JSON, and no object", body: "null" },
  { name: "a list", why: "is an object to JavaScript", body: "[]" },
  { name: "a list of lists", why: "is an object to JavaScript", body: "[[[]],null,{}]" },
  { name: "a number", why: "has no members", body: "0" },
  { name: "a text", why: "has members: its letters", body: '"text"' },
  { name: "an empty object", why: "lacks everything", body: "{}" },
  { name: "an open object", why: "ends too soon", body: '{"name":"a"' },
  { name: "an open text", why: "ends too soon", body: '{"name":"\\ud8' },
  { name: "two values", why: "is one too many", body: "{}{}" },
  { name: "a mark at the start", why: "is no white space to JSON", body: "\ufeff{}" },
  { name: "UTF-16", why: "is full of NULs", body: Uint8Array.from([0xff, 0xfe, 0x7b, 0, 0x7d, 0]) },
  {
    name: "no UTF-8",
    why: "cannot be decoded",
    body: Uint8Array.from([0x7b, 0x22, 0xc0, 0xaf, 0xff, 0x22, 0x3a, 0x31, 0x7d]),
  },
  { name: "NULs", why: "end a text in C", body: new Uint8Array(64) },
  { name: "gzip", why: "nobody said that it is packed", body: Uint8Array.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3]) },
  {
    name: "a prototype",
    why: "is a member of every object",
    body: '{"__proto__":{"name":"a"},"constructor":{"prototype":{}}}',
  },
  {
    name: "the same member twice",
    why: "the first for one, the last for another",
    body: '{"name":"a","name":["b"],"name":null}',
  },
  { name: "no finite number", why: "is infinite once it is read", body: '{"ttl_seconds":1e400,"name":-1e400,"id":-0}' },
  { name: "a long number", why: "is slow to read exactly", body: `{"name":${"9".repeat(20_000)}}` },
  { name: "deep lists", why: "are nested deeper than any stack", body: "[".repeat(50_000) },
  {
    name: "deep closed lists",
    why: "are nested deeper than any stack",
    body: `${"[".repeat(50_000)}${"]".repeat(50_000)}`,
  },
  {
    name: "deep objects",
    why: "are nested deeper than any stack",
    body: `${'{"data":'.repeat(20_000)}1${"}".repeat(20_000)}`,
  },
  { name: "a long text", why: "is larger than a row", body: `{"name":"${"x".repeat(300_000)}"}` },
  {
    name: "many members",
    why: "are all wrong at once",
    body: `{${Array.from({ length: 5000 }, (_, index) => `"k${index}":0`).join(",")}}`,
  },
]

export const HEADERS: readonly HostileHeaders[] = [
  { why: "a body of no type", headers: { "content-type": "" } },
  { why: "a type that is none", headers: { "content-type": "/;;;=," } },
  { why: "text", headers: { "content-type": "text/plain" } },
  { why: "JSON in letters that JSON does not use", headers: { "content-type": "application/json; charset=utf-16" } },
  { why: "JSON of a kind", headers: { "content-type": "application/merge-patch+json" } },
  { why: "a form without a boundary", headers: { "content-type": "multipart/form-data" } },
  { why: "a form with an empty boundary", headers: { "content-type": 'multipart/form-data; boundary=""' } },
  { why: "a form in an address's letters", headers: { "content-type": "application/x-www-form-urlencoded" } },
  { why: "the bytes of a file", headers: { "content-type": "application/octet-stream" } },
  { why: "lines", headers: { "content-type": "application/jsonl" } },
  { why: "nothing will do", headers: { accept: "application/vnd.nobody+xml;q=0, */*;q=0" } },
  { why: "a preference that is none", headers: { accept: ",;q=,*/", "accept-language": "*;;", "accept-charset": "x" } },
  { why: "packed, and is not", headers: { "content-encoding": "gzip" } },
  { why: "packed as nobody packs", headers: { "content-encoding": "gzip, br, made-up" } },
  { why: "tags that are none", headers: { "if-match": '"', "if-none-match": 'W/"a, "b' } },
  { why: "any tag and none", headers: { "if-match": "*", "if-none-match": "*" } },
  { why: "no times", headers: { "if-modified-since": "yesterday", "if-unmodified-since": "-1", "if-range": "0" } },
  { why: "backwards", headers: { range: "bytes=9-1" } },
  { why: "past all ends", headers: { range: "bytes=99999999999999999999-,-0,0-0,-1" } },
  { why: "no bytes", headers: { range: "lines=1-2" } },
  { why: "another method", headers: { "x-http-method-override": "DELETE", "x-method-override": "PUT" } },
  { why: "another host", headers: { "x-forwarded-host": "us.api.localhost", forwarded: "host=evil;proto=gopher" } },
  { why: "another path", headers: { "x-original-url": "/v3/users", "x-rewrite-url": "/v3/users" } },
  { why: "no length", headers: { "x-content-length": "-1", "content-md5": "x", digest: "sha-256=" } },
  { why: "an id that is long and odd", headers: { "x-request-id": `{"${"e".repeat(8000)}` } },
  { why: "a trace that is none", headers: { traceparent: "00-0-0-zz", "cf-ray": "{}", tracestate: "=,=" } },
  { why: "a cookie of many", headers: { cookie: "a=b; ".repeat(1500) } },
  {
    why: "a page of another origin",
    headers: { origin: "null", referer: "javascript:alert(1)", "sec-fetch-site": "x" },
  },
  { why: "before the flight", headers: { origin: "https://evil.example", "access-control-request-method": "DELETE" } },
  { why: "git of no version", headers: { "git-protocol": "version=999:version=-1:=:" } },
  { why: "two credentials that differ", headers: { authorization: "Bearer kpat_x" } },
  { why: "a credential that cannot be read", headers: { authorization: "Basic %%%" } },
]

/** Texts for so many places at once, as often as it takes for each text to have been in each of them. */
export function rotations(places: number): HostileText[][] {
  if (places === 0) return []
  return TEXTS.map((_, turn) => [...TEXTS.slice(turn), ...TEXTS].slice(0, places))
}

/** What is wrong with one of them. */
export function sentence({ name, why }: HostileText | HostileBody): string {
  return `${name} ${why}`
}
