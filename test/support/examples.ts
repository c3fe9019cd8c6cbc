/** What the examples of the documents speak of, stored by sending those examples. */
import { expect } from "vitest"
import type { Operation } from "./openapi.ts"
import { putExamples } from "./people.ts"
import { eventually } from "./eventually.ts"

/** What is not posted under the id of the example, but put. */
const MADE_BY_PUT = ["putSubscription"]

/** Sends the example of an operation as an administrator. */
type SendExample = (operation: Operation) => Promise<Response>

/** Whether an example was answered as it has to be: with success, or because what it makes is there already. */
export function isDone(response: Response): boolean {
  // A name can be used again once the deletion of its project is through: that conflict ends.
  return response.ok || (response.status === 409 && !response.headers.has("retry-after"))
}

/** Makes what the examples of both hosts speak of. */
export async function storeExamples(regional: readonly Operation[], sendExample: SendExample): Promise<void> {
  await putExamples()
  let open = regional.filter(({ method, operationId }) => method === "POST" || MADE_BY_PUT.includes(operationId))
  // What needs another to be there comes again.
  const sendAll = async () => {
    const failed: Operation[] = []
    for (const operation of open) {
      if (!isDone(await sendExample(operation))) failed.push(operation)
    }
    open = failed
    expect(failed.map(({ operationId }) => operationId)).toEqual([])
  }
  await eventually(sendAll)
}
