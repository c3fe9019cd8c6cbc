/**
 * Every call to storage that a request makes goes wrong once, in each way: the answer is a success that is whole, or a clear 503; and sent
 * again, with the same `Idempotency-Key` where that is minded, the request is carried out once.
 */
import { describe, expect, it } from "vitest"
import { type Operation, readOperations } from "../support/openapi.ts"
import { furtherRequests } from "./further-requests.ts"
import { probeOf, tryOperation, useSubjects } from "./subjects.ts"
import { tryFaults } from "./trial.ts"

const operations = await readOperations("eu")

useSubjects(operations)

describe("with one call to storage gone wrong", () => {
  it.each(operations.map((one): [string, Operation] => [one.operationId, one]))(
    "%s is whole or answered 503, and can be sent again",
    (_, operation) => tryOperation(operation),
  )

  it.each(Object.entries(furtherRequests))("%s is whole or answered 503, and can be sent again", async (name, make) => {
    expect(await tryFaults(await probeOf(name, await make()))).toBeGreaterThan(0)
  })
})
