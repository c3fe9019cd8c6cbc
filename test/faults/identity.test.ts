/** The same as in regional.test.ts, of what the global host serves. */
import { describe, it } from "vitest"
import { type Operation, readOperations } from "../support/openapi.ts"
import { tryOperation, useSubjects } from "./subjects.ts"

const operations = await readOperations("global")

useSubjects([])

describe("with one call to storage gone wrong", () => {
  it.each(operations.map((one): [string, Operation] => [one.operationId, one]))(
    "%s is whole or answered 503, and can be sent again",
    (_, operation) => tryOperation(operation),
  )
})
