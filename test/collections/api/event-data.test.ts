/** What an event holds comes back as it was sent, or the event is refused. */
import { describe, expect, it } from "vitest"
import { postEvent, onlyEvent, sampleEvent, sendEvent } from "../../support/events.ts"
import { failure } from "../../support/keptn.ts"
import { send } from "../../support/client.ts"

const type = { "content-type": "application/json" }

function postText(body: BodyInit): Promise<Response> {
  return postEvent(undefined, { method: "POST", body, headers: type })
}

/** JSON nested `depth` levels deep, the outermost being one. */
function nested(depth: number): string {
  return `${'{"a":['.repeat(Math.floor(depth / 2))}${depth % 2 === 1 ? "[]" : ""}${"]}".repeat(Math.floor(depth / 2))}`
}

/** The same sequence of numbers from 0 to 1 for the same seed. */
function randomFrom(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
}

const TEXTS = [
  "",
  " ",
  "ä",
  "😀",
  "\u0000",
  "\u2028",
  '"\\/\b\f\n\r\t',
  "\ud800",
  "__proto__",
  "constructor",
  "0",
  "a.b",
  "'; --",
  "\ufeff",
  "$",
]
const NUMBERS = [0, 1, -1, 0.1, 1e21, 1e-7, 1.7976931348623157e308, 5e-324, 2 ** 53 - 1, -(2 ** 53), 123456789.12345679]

function randomValue(random: () => number, depth: number): unknown {
  const pick = <T>(list: readonly T[]) => list[Math.floor(random() * list.length)]
  const kind = Math.floor(random() * (depth > 6 ? 5 : 8))
  if (kind === 0) return null
  if (kind === 1) return random() < 0.5
  if (kind === 2) return pick(NUMBERS)
  if (kind === 3) return random() * 10 ** Math.floor(random() * 30 - 15)
  if (kind === 4) return (pick(TEXTS) ?? "") + (pick(TEXTS) ?? "")
  const items = Array.from({ length: Math.floor(random() * 5) }, () => randomValue(random, depth + 1))
  if (kind === 5) return items
  return Object.fromEntries(items.map((item) => [(pick(TEXTS) ?? "") + (pick(TEXTS) ?? ""), item]))
}

/** The data of the one event of a context, as text: parsing must not hide what was lost. */
async function storedText(context: string): Promise<string> {
  const response = await send("eu", `/api/mongodb-datastore/event?keptnContext=${context}`)
  return response.text()
}

describe("the data of an event", () => {
  it.each(Array.from({ length: 60 }, (_, seed) => seed))("comes back equal, whatever it is: %i", async (seed) => {
    const random = randomFrom(seed)
    const items = Array.from({ length: 12 }, (_, n) => [`${n}${TEXTS[n] ?? ""}`, randomValue(random, 0)])
    const data = { ...Object.fromEntries(items), project: "p", stage: ["s"], service: { s: "v" } }
    const extensions = randomValue(random, 0)
    const sent = { data, extensions, triggeredid: `t${TEXTS[seed % TEXTS.length]?.toWellFormed()}` }
    const event = await onlyEvent(await sendEvent(sent))
    expect(event.data).toEqual(data)
    expect(event.extensions ?? null).toEqual(extensions ?? null)
    expect(event.triggeredid).toBe(sent.triggeredid)
  })

  it.each([
    '{"__proto__":{"a":1},"nested":{"__proto__":[]}}',
    '{"constructor":{"prototype":{}},"toString":null,"hasOwnProperty":1}',
    '{"":{"":{}},"a":{},"b":[],"c":[[],{}]}',
    '{"n":[1e308,-1e-308,9007199254740991,0.30000000000000004]}',
    '{"t":"\\ud83d\\ude00 \\u0000 \\ud800"}',
    '{"project":"\\u0000","stage":"😀","service":"\\ud800"}',
  ])("comes back equal to the letter: %s", async (text) => {
    const context = crypto.randomUUID()
    const response = await postText(`{"type":"t","source":"s","shkeptncontext":"${context}","data":${text}}`)
    expect(response.status).toBe(200)
    expect(await storedText(context)).toContain(`"data":${JSON.stringify(JSON.parse(text))}`)
  })

  it("may be nested up to 500 levels, the event being the first: 200, and comes back", async () => {
    const context = crypto.randomUUID()
    const head = `{"type":"sh.keptn.event.deployment.finished","source":"s","shkeptncontext":"${context}"`
    const place = '"project":"p","stage":"s","service":"v"'
    const text = `${head},"data":{${place},"deep":${nested(498)}}}`
    expect((await postText(text)).status).toBe(200)
    expect(await storedText(context)).toContain(`"deep":${nested(498)}`)
  })

  it.each([499, 1000, 5000, 100_000])("is refused with 400 when it is nested %i levels and two more", async (depth) => {
    const deep = `{"type":"sh.keptn.event.deployment.finished","source":"s","data":{"deep":${nested(depth)}}}`
    const wide = `{"type":"t","source":"s","data":{},"other":${"[".repeat(depth)}${"]".repeat(depth)}}`
    const message = "Invalid request format: the body is nested more than 500 levels deep"
    expect(await failure(await postText(deep))).toEqual({ status: 400, code: 400, message })
    expect((await postText(wide)).status).toBe(400 - (depth === 499 ? 200 : 0))
  })

  it.each(["1e309", "-1e999", `[1${"0".repeat(400)}]`])("is refused with 400 for the number %.10s", async (number) => {
    const message = "Invalid request format: the body holds a number that is too large"
    const refused = await failure(await postText(`{"type":"t","source":"s","data":{"n":${number}}}`))
    expect(refused).toEqual({ status: 400, code: 400, message })
  })

  it("is refused with 400 when the body is not UTF-8", async () => {
    const bytes = new Uint8Array([
      ...new TextEncoder().encode('{"type":"t","source":"s","data":{"t":"'),
      255,
      34,
      125,
      125,
    ])
    const message = "Invalid request format: the body is not UTF-8"
    expect(await failure(await postText(bytes))).toEqual({ status: 400, code: 400, message })
  })

  it("may begin with a byte order mark", async () => {
    expect((await postText(`\ufeff${JSON.stringify(sampleEvent())}`)).status).toBe(200)
  })
})

describe("the attributes of an event", () => {
  it.each(["type", "source", "triggeredid", "shkeptncontext"])("may be as long as an event: %s", async (name) => {
    const long = "x".repeat(999_000)
    expect((await postEvent(sampleEvent({ [name]: long }))).status).toBe(200)
  })

  it.each(["project", "stage", "service"])("may be as long as an event: %s", async (name) => {
    const place = { project: "p", stage: "s", service: "v", [name]: "x".repeat(999_000) }
    const sent = sampleEvent({ type: "sh.keptn.event.deployment.finished", data: place })
    expect((await postEvent(sent)).status).toBe(200)
  })

  it.each(["sh.keptn.event..finished", "%_*?[a-z]", "a\u0000b", "😀", "'", '"'])("may be the type %j", async (name) => {
    expect((await onlyEvent(await sendEvent({ type: name }))).type).toBe(name)
  })
})

describe("anything that is sent", () => {
  const random = randomFrom(7)
  const pick = <T>(list: readonly T[], otherwise: T): T => list[Math.floor(random() * list.length)] ?? otherwise
  const types = [
    "application/json",
    "application/cloudevents+json",
    "application/cloudevents-batch+json",
    "application/json; charset=latin1",
    "multipart/form-data",
    "text/plain",
    "",
    ";",
    "application/json, text/plain",
  ]
  const pieces = [
    "{",
    "}",
    "[",
    "]",
    '"',
    ":",
    ",",
    "data",
    '"data":{}',
    '"type":"t"',
    '"source":"s"',
    "null",
    "1",
    "\\u",
    "\0",
    "é",
  ]

  function randomBody(): string {
    if (random() < 0.4) return Array.from({ length: Math.floor(random() * 12) }, () => pick(pieces, "")).join("")
    if (random() < 0.5) return JSON.stringify(randomValue(random, 0)) ?? ""
    const members = ["data", "type", "source", "time", "shkeptncontext", "triggeredid", "gitcommitid", "extensions"]
    return JSON.stringify(Object.fromEntries(members.map((name) => [name, randomValue(random, 4)])))
  }

  it("is accepted or refused, and never a failure of ours", async () => {
    const counts = new Map<number, number>()
    for (let n = 0; n < 400; n++) {
      const body = randomBody()
      const binary =
        random() < 0.2 ? { "ce-specversion": "1.0", "ce-type": pick(["t", "%ff", ""], "t"), "ce-source": "s" } : {}
      const headers = { "content-type": pick(types, ""), ...binary }
      const request = random() < 0.9 ? { body: new TextEncoder().encode(body) } : {}
      const { status } = await postEvent(undefined, { method: "POST", headers, ...request })
      expect({ body, headers, fine: status === 200 || (status >= 400 && status < 500) }).toMatchObject({ fine: true })
      counts.set(status, (counts.get(status) ?? 0) + 1)
    }
    expect([...counts.keys()]).toEqual(expect.arrayContaining([400, 415, 422]))
  })
})
