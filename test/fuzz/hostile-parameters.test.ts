/** The worst texts, each in every place of every address. */
import { describe, it } from "vitest"
import type { Parameter } from "../support/openapi.ts"
import { attackWith, eachOperation, expectAnswered, useExamples } from "./attack.ts"
import { type HostileText, rotations, sentence, TEXTS } from "./corpus.ts"
import { type Draft, exampleDraft, type HostileRequest, inAddress, requestOf } from "./requests.ts"

useExamples()

describe.each(eachOperation(({ parameters }) => parameters.length > 0))("%s", (_, operation) => {
  it("answers hostile parameters as it should", async () => {
    await attackWith(operation, requestsFrom(await exampleDraft(operation)))
    await expectAnswered(operation)
  })
})

/**
 * Each text alone in each place of the path. In the query and the headers they change places until each was everywhere: there are
 * many of them, and the random requests exchange one at a time.
 */
function requestsFrom(draft: Draft): HostileRequest[] {
  const { parameters } = draft.operation
  const inPath = parameters.filter((parameter) => parameter.in === "path")
  const others = parameters.filter((parameter) => parameter.in !== "path")
  const alone = inPath.flatMap((parameter) => TEXTS.map((text) => withTexts(draft, [parameter], [text])))
  return [...alone, ...rotations(others.length).map((texts) => withTexts(draft, others, texts))]
}

function withTexts(draft: Draft, parameters: readonly Parameter[], texts: readonly HostileText[]): HostileRequest {
  const entries = parameters.flatMap(({ name }, index) => {
    const text = texts[index]
    return text ? [[name, inAddress(text)]] : []
  })
  return requestOf({ ...draft, values: Object.fromEntries(entries) }, texts.map(sentence).join("; "))
}
