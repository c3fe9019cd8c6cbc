/** The counter of failed attempts is no storage, but can fail like one: what it guards is refused with 401 in any case. */
import { expect, it } from "vitest"
import { edgeWith } from "../support/edge.ts"
import { Fault } from "../support/intercept.ts"
import { captureLog } from "../support/log.ts"

const limiters: Record<string, () => Promise<RateLimitOutcome>> = {
  fails: () => Promise.reject(new Fault("no counter")),
  "never returns": () => Promise.withResolvers<RateLimitOutcome>().promise,
}

it.each(Object.entries(limiters))("refuses a wrong token with 401 when the limiter %s", async (_, limit) => {
  const lines = captureLog()
  // What is written to the audit trail asks it, too, behind the answer: that must not keep the test waiting.
  const failing = { limit: ({ key }: RateLimitOptions) => (key === "audit" ? passed() : limit()) }
  const send = edgeWith({ authFailures: failing, storageTimeout: 50 })
  const response = await send("http://eu.api.localhost/api/v1/metadata", { headers: { "x-token": "kpat_wrong" } })
  expect(response.status).toBe(401)
  expect(lines.map(({ fields }) => fields["event"])).toContain("limiter-failed")
})

async function passed(): Promise<RateLimitOutcome> {
  return { success: true }
}
