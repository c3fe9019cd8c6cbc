/**
 * What the Worker is measured by: another with the same bindings, which asks storage what the Worker would ask, and does nothing else.
 * It checks nobody's rights.
 */
import { Hono } from "hono"
import { Meter } from "../../src/lib/meter.ts"
import { appendEvents, findEvents } from "../../src/partition/events.ts"
import { openPartition, type Partition } from "../../src/partition/partition.ts"
import { findProject } from "../../src/partition/projects.ts"
import { findFile, writeFile } from "../../src/partition/repository.ts"
import { METADATA } from "./metadata.ts"
import { record, type Recorded, runAgain } from "./recorded.ts"

/** Stands for the id and the context of an event, each of which is new in every batch. */
const MARK = "00000000-0000-4000-8000-000000000000"

/** What was recorded, by the path that was asked for first. */
const recordings = new Map<string, Promise<readonly Recorded[]>>()
const keys = new Map<string, string>()
const positions = new Map<string, number>()

const app = new Hono<{ Bindings: Env }>()

app.get("/hello", (c) => c.json(METADATA))

/** The same with one line in the log, as long as the gateway's. */
app.get("/hello-logged", (c) => {
  console.log(JSON.stringify({ event: "request", requestId: crypto.randomUUID(), text: "x".repeat(300) }))
  return c.json(METADATA)
})

/** A refusal counts its address and its entry in the audit trail. Locally that is most of it: the limiter is an object of Miniflare's. */
app.get("/refused", async (c) => {
  await countRefusal(c.env)
  return c.json(METADATA, 401)
})

/** The same after one look into the directory. */
app.get("/refused-after-look", async (c) => {
  await c.env.DB_GLOBAL.batch([c.env.DB_GLOBAL.prepare("select 1")])
  await countRefusal(c.env)
  return c.json(METADATA, 401)
})

app.get("/fetch/:port", (c) => fetch(`http://127.0.0.1:${c.req.param("port")}/small`))

app.get("/project/:project", async (c) => {
  const rows = await recorded(c.env, c.req.path, (partition) => findProject(partition, c.req.param("project")))
  const results = await runAgain(c.env.DB_EU, rows)
  return c.json(results.map((result) => result.results))
})

app.get("/events/:project", async (c) => {
  const filter = { project: c.req.param("project"), rootOnly: false }
  const page = { start: { offset: 0 }, size: 20 }
  const rows = await recorded(c.env, c.req.path, (partition) => findEvents(partition, filter, { all: true }, page))
  const [found] = await runAgain(c.env.DB_EU, rows)
  return c.json(found?.results)
})

app.get("/file/:project/:path", async (c) => {
  const { project, path } = c.req.param()
  const rows = await recorded(c.env, c.req.path, async (partition) => {
    const file = await findFile(partition, scopeOf(project), path, null)
    if (file.outcome === "found") keys.set(c.req.path, `projects/${project}/blobs/${file.blobId}`)
  })
  await runAgain(c.env.DB_EU, rows)
  const key = keys.get(c.req.path) ?? ""
  const stored = c.env.BLOBS_EU.get(key).then(async (object) => present(await object?.bytes()))
  const cached = c.env.CACHE_EU.get(key, "arrayBuffer").then((bytes) => present(bytes))
  return new Response(await Promise.any<ArrayBuffer | Uint8Array>([stored, cached]))
})

app.post("/event/:project", async (c) => {
  const sent = await c.req.json<{ data: Record<string, unknown>; type: string; source: string }>()
  const event = {
    ...sent,
    id: MARK,
    shkeptncontext: MARK,
    specversion: "1.0" as const,
    contenttype: "application/json",
    time: new Date().toISOString(),
  }
  const rows = await recorded(c.env, c.req.path, ({ db }) => appendEvents(db, [event]))
  const id = crypto.randomUUID()
  await runAgain(c.env.DB_EU, rows, (text) => text.replaceAll(MARK, id))
  return c.json({ keptnContext: id })
})

/** Each project is written to by one caller at a time: nothing else may take the next position of its branch. */
app.put("/file/:project/:path", async (c) => {
  const { project, path } = c.req.param()
  const content = new Uint8Array(await c.req.arrayBuffer())
  const rows = await recorded(c.env, c.req.path, (partition) => {
    const author = { name: "bench", email: "bench@localhost", time: 0 }
    return writeFile(partition, scopeOf(project), { path, content }, { author, message: "Update" }, () => true)
  })
  const after = (positions.get(project) ?? 0) + 1
  positions.set(project, after)
  const mark = after.toString(16).padStart(8, "0")
  await c.env.BLOBS_EU.put(`projects/${project}/blobs/${mark}`, content)
  await runAgain(c.env.DB_EU, rows, (text) =>
    text
      .replaceAll(/"(seq|from|until)":(\d+)/g, (_, name: string, seq: string) => `"${name}":${Number(seq) + after}`)
      .replaceAll(/\b[0-9a-f]{40}\b/g, (id) => mark + id.slice(mark.length)),
  )
  return c.json({ version: mark })
})

export default app

async function countRefusal(env: Env): Promise<void> {
  for (const key of [crypto.randomUUID(), "audit"]) await env.AUTH_FAILURES.limit({ key })
}

function recorded(
  env: Env,
  path: string,
  use: (partition: Partition) => Promise<unknown>,
): Promise<readonly Recorded[]> {
  const known = recordings.get(path)
  if (known) return known
  const made = record(env.DB_EU, (database) => {
    const bindings = { database, bucket: env.BLOBS_EU, cache: env.CACHE_EU }
    return use(openPartition("eu", bindings, new Meter(), () => undefined))
  })
  recordings.set(path, made)
  return made
}

function scopeOf(project: string) {
  return { project, stage: null, service: null }
}

function present<T>(value: T | null | undefined): T {
  if (value === null || value === undefined) throw new Error("it is not stored here")
  return value
}
