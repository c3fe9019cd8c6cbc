/** An empty value of a query parameter that is no text is 400, on every operation whose document has such a parameter. */
import { beforeAll, expect, it } from "vitest"
import { send } from "../support/client.ts"
import { readOperations } from "../support/openapi.ts"
import { putExamples } from "../support/people.ts"

const operations = [...(await readOperations("eu")), ...(await readOperations("global"))]
const cases = operations.flatMap((operation) =>
  operation.parameters
    .filter((parameter) => parameter.in === "query" && parameter.isTyped)
    .map(({ name }): [string, string, (typeof operations)[number]] => [operation.operationId, name, operation]),
)

// A list of something that is not there would be 404 whatever its query says.
beforeAll(putExamples)

it("is looked for on every kind of typed parameter", () => {
  const names = [...new Set(cases.map(([, name]) => name))]
  expect(names.toSorted()).toEqual([
    "beforeTime",
    "excludeInvalidated",
    "from",
    "fromTime",
    "limit",
    "nextPageKey",
    "pageSize",
    "page[number]",
    "page[size]",
    "to",
  ])
})

it.each(cases)("is refused by %s: %s", async (_, name, operation) => {
  const { path, ...request } = operation.request()
  const query = `${path.includes("?") ? "&" : "?"}${encodeURIComponent(name)}=`
  const response = await send(operation.host, `${path}${query}`, request)
  expect([response.status, await response.text()]).toEqual([400, expect.stringContaining(name)])
})
