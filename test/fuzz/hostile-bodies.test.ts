/** The worst bodies for every operation that takes one, and the worst texts in every place of those. */
import { describe, it } from "vitest"
import { attackWith, eachOperation, expectAnswered, useExamples } from "./attack.ts"
import { BODIES, rotations, sentence } from "./corpus.ts"
import { jsonPlaces, textPlaces, withToken } from "./json-places.ts"
import { type Draft, exampleDraft, type HostileRequest, requestOf } from "./requests.ts"

/** What stands in the place of every part of a body, whatever belongs there. */
const TOKENS = ["null", "0", "-0", "1e400", "123456789012345678901234567890", "true", '""', "[]", "[null]", "{}"]

useExamples()

describe.each(eachOperation(({ takesBody }) => takesBody))("%s", (_, operation) => {
  it("answers hostile bodies as it should", async () => {
    const draft = await exampleDraft(operation)
    await attackWith(
      operation,
      BODIES.map((hostile) => requestOf({ ...draft, body: hostile.body }, sentence(hostile))),
    )
    if (typeof draft.body === "string") await attackWith(operation, jsonRequests(draft, draft.body))
    await expectAnswered(operation)
  })
})

/** Each text in each place of a text, in several at once; and in each place of any kind what may not belong there, or nothing. */
function jsonRequests(draft: Draft, json: string): HostileRequest[] {
  const example = parsed(json)
  const places = textPlaces(example)
  const texts = rotations(places.length).map((chosen) => {
    const body = places.reduce((text, place, index) => {
      return withToken(parsed(text), place, JSON.stringify(chosen[index]?.text))
    }, json)
    return requestOf({ ...draft, body }, chosen.map(sentence).join("; "))
  })
  const exchanged = jsonPlaces(example).flatMap((place) =>
    [...TOKENS, null].map((token) => requestOf({ ...draft, body: withToken(example, place, token) }, place.join("."))),
  )
  return [...texts, ...exchanged]
}

function parsed(json: string): unknown {
  return JSON.parse(json)
}
