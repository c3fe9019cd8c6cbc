/** Random requests to every operation: a few of each in `npm test`, as many as FUZZ_RUNS says in `npm run fuzz`. */
import * as fc from "fast-check"
import { describe, it } from "vitest"
import { captureLog } from "../support/log.ts"
import { trials } from "../support/property.ts"
import { attack, eachOperation, expectAnswered, operations, useExamples } from "./attack.ts"
import { anyRequest } from "./random-requests.ts"
import { exampleDraft, type HostileRequest } from "./requests.ts"
import { soundBodies } from "./sound-bodies.ts"

useExamples()

describe.each(eachOperation())("%s", (_, operation) => {
  it("answers random requests as it should", async () => {
    await expectAnswered(operation)
    const draft = await exampleDraft(operation)
    const requests = anyRequest(operation, draft, await soundBodies(operation, draft.body))
    const log = captureLog()
    const property = fc.asyncProperty(requests, async (request) => {
      const from = log.length
      const fault = await attack(request, () => log.slice(from))
      if (fault !== null) throw new Error(fault)
    })
    const { seed = 0, ...runs } = trials<[HostileRequest]>(4)
    // A seed for each operation: of one for all would come the same few changes everywhere.
    await fc.assert(property, { ...runs, seed: seed + 1000 * operations.indexOf(operation) })
    await expectAnswered(operation)
  })
})
