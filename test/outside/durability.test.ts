/** What was acknowledged stays, however the process ends. */
import { rmSync } from "node:fs"
import { expect, test } from "vitest"
import { z } from "zod"
import { call, createProject } from "./client.ts"
import { type RunningEdge, startEdge, stopEdge } from "./edge.ts"

const FILES = "/api/resource-service/v1/project/sockshop/stage/dev/resource"
const WRITERS = 8
/** Enough that the kill comes in the middle of others. */
const ACKNOWLEDGED = 60

const writeResult = z.object({ commitID: z.string() })
const file = z.object({ resourceContent: z.base64() })
const eventContext = z.object({ keptnContext: z.string() })
const events = z.object({ events: z.array(z.unknown()) })

test("killed with -9 under writes, an edge starts again with everything that it acknowledged", async () => {
  const first = await startEdge()
  await createProject(first, "sockshop", "dev")
  const acknowledged = { files: new Map<string, string>(), contexts: new Set<string>() }
  const enough = Promise.withResolvers<void>()
  const writers = Array.from({ length: WRITERS }, (_, writer) => write(first, writer, acknowledged, enough.resolve))
  await enough.promise
  await stopEdge(first, "SIGKILL")
  await Promise.all(writers)

  const second = await startEdge(first.state)
  expect(second.token).toBe(first.token)
  for (const [name, commit] of acknowledged.files) {
    for (const pin of ["", `?gitCommitID=${commit}`]) {
      const { status, body } = await call(second, "eu", "GET", `${FILES}/${name}${pin}`)
      expect(status).toBe(200)
      expect(Buffer.from(file.parse(JSON.parse(body)).resourceContent, "base64").toString()).toBe(name)
    }
  }
  for (const context of acknowledged.contexts) {
    const { body } = await call(second, "eu", "GET", `/api/mongodb-datastore/event?keptnContext=${context}`)
    expect(events.parse(JSON.parse(body)).events).toHaveLength(1)
  }
  expect(acknowledged.files.size + acknowledged.contexts.size).toBeGreaterThanOrEqual(ACKNOWLEDGED)
  await stopEdge(second, "SIGTERM")
  rmSync(second.state, { recursive: true })
})

/** Writes files and events until the edge no longer answers, and notes what it acknowledged. */
async function write(
  edge: RunningEdge,
  writer: number,
  acknowledged: { files: Map<string, string>; contexts: Set<string> },
  enough: () => void,
): Promise<void> {
  for (let round = 0; ; round++) {
    const name = `${writer}-${round}.txt`
    const resources = [{ resourceURI: name, resourceContent: Buffer.from(name).toString("base64") }]
    const event = { type: "sh.keptn.event.test.triggered", source: "test", data: { project: "sockshop", name } }
    try {
      const written = await call(edge, "eu", "POST", FILES, { resources })
      if (written.status === 201) acknowledged.files.set(name, writeResult.parse(JSON.parse(written.body)).commitID)
      const sent = await call(edge, "eu", "POST", "/api/v1/event", event)
      if (sent.status === 200) acknowledged.contexts.add(eventContext.parse(JSON.parse(sent.body)).keptnContext)
    } catch {
      return
    }
    if (acknowledged.files.size + acknowledged.contexts.size >= ACKNOWLEDGED) enough()
  }
}
