/** Headers that do not fit what is sent, or each other, with the example of every operation. */
import { describe, it } from "vitest"
import { attackWith, eachOperation, expectAnswered, useExamples } from "./attack.ts"
import { HEADERS } from "./corpus.ts"
import { exampleDraft, requestOf } from "./requests.ts"

useExamples()

describe.each(eachOperation())("%s", (_, operation) => {
  it("answers hostile headers as it should", async () => {
    const draft = await exampleDraft(operation)
    const fitting = HEADERS.filter(({ headers }) => operation.takesBody || !("content-type" in headers))
    const requests = fitting.map(({ why, headers }) =>
      requestOf({ ...draft, headers: { ...draft.headers, ...headers } }, why),
    )
    await attackWith(operation, requests)
    await expectAnswered(operation)
  })
})
