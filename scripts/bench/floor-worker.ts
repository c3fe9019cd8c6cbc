/**
 * What the Worker is measured by: another with the same bindings, which asks storage what the Worker would ask, and does nothing else.
 * It checks nobody's rights.
 */
import { Hono } from "hono"
import { z } from "zod"
import { openDirectory } from "../../src/directory/directory.ts"
import { findToken } from "../../src/directory/tokens.ts"
import { Meter } from "../../src/lib/meter.ts"
import { appendEvents, findEvents } from "../../src/partition/events.ts"
import { openPartition, type Partition } from "../../src/partition/partition.ts"
import { findProject, findProjects } from "../../src/partition/projects.ts"
import { findFile, listFiles } from "../../src/partition/file-reads.ts"
import { writeFile, writeFiles } from "../../src/partition/file-writes.ts"
import { METADATA } from "./metadata.ts"
import { record, type Recorded, runAgain } from "./recorded.ts"

/** Stands for the id and the context of an event, each of which is new in every batch. */
const MARK = "00000000-0000-4000-8000-000000000000"

const PAGE = { offset: 0, size: 20 }
const COMMIT = { author: { name: "bench", email: "bench@localhost", time: 0 }, message: "Update" }

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

/** The same after the look into the directory for a token that is not there. */
app.get("/refused-after-look", async (c) => {
  await lookUp(c.env, "none")
  await countRefusal(c.env)
  return c.json(METADATA, 401)
})

/** What a token costs that is not known here yet. */
app.get("/looked-up/:hash", async (c) => {
  await lookUp(c.env, c.req.param("hash"))
  return c.json(METADATA)
})

app.get("/fetch/:port", (c) => fetch(`http://127.0.0.1:${c.req.param("port")}/small`))

app.get("/project/:project", async (c) => {
  const rows = await recorded(c.env, c.req.path, (partition) => findProject(partition, c.req.param("project")))
  const results = await runAgain(c.env.DB_EU, rows)
  return c.json(results.map((result) => result.results))
})

app.get("/projects", async (c) => {
  const rows = await recorded(c.env, c.req.path, (partition) => findProjects(partition, { all: true }, PAGE))
  const results = await runAgain(c.env.DB_EU, rows)
  return c.json(results.map((result) => result.results))
})

app.get("/files/:project", async (c) => {
  const scope = scopeOf(c.req.param("project"))
  const rows = await recorded(c.env, c.req.path, (partition) => listFiles(partition, scope, PAGE))
  const results = await runAgain(c.env.DB_EU, rows)
  return c.json(results.map((result) => result.results))
})

app.get("/events/:project", async (c) => {
  const filter = { project: c.req.param("project"), rootOnly: false }
  const page = { start: { offset: 0 }, size: PAGE.size }
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
  const rows = await recorded(c.env, c.req.path, (partition) =>
    writeFile(partition, scopeOf(project), { path, content }, COMMIT, () => true),
  )
  return c.json({ version: await commitAgain(c.env, project, rows, [content]) })
})

const writes = z.object({ resources: z.array(z.object({ resourceURI: z.string(), resourceContent: z.string() })) })

app.post("/files/:project", async (c) => {
  const project = c.req.param("project")
  const { resources } = writes.parse(await c.req.json())
  const sent = resources.map(({ resourceURI, resourceContent }) => ({
    path: resourceURI,
    content: Uint8Array.fromBase64(resourceContent),
  }))
  const rows = await recorded(c.env, `post ${c.req.path}`, (partition) =>
    writeFiles(partition, scopeOf(project), sent, COMMIT, () => true),
  )
  const contents = sent.map(({ content }) => content)
  return c.json({ version: await commitAgain(c.env, project, rows, contents) }, 201)
})

export default app

async function countRefusal(env: Env): Promise<void> {
  for (const key of [crypto.randomUUID(), "audit"]) await env.AUTH_FAILURES.limit({ key })
}

async function lookUp(env: Env, hash: string): Promise<void> {
  const rows = await recordedOf(env.DB_GLOBAL, "look-up", (database) =>
    findToken(openDirectory(database, new Meter()), MARK),
  )
  await runAgain(env.DB_GLOBAL, rows, (text) => (text === MARK ? hash : text))
}

/** Puts the bytes, and runs a commit once more at the next position, with ids of its own. */
async function commitAgain(
  env: Env,
  project: string,
  rows: readonly Recorded[],
  contents: readonly Uint8Array[],
): Promise<string> {
  const after = (positions.get(project) ?? 0) + 1
  positions.set(project, after)
  const mark = after.toString(16).padStart(8, "0")
  const put = (content: Uint8Array, index: number) =>
    env.BLOBS_EU.put(`projects/${project}/blobs/${mark}-${index}`, content)
  await Promise.all(contents.map(put))
  await runAgain(env.DB_EU, rows, (text) =>
    text
      .replaceAll(/"(seq|from|until)":(\d+)/g, (_, name: string, seq: string) => `"${name}":${Number(seq) + after}`)
      .replaceAll(/\b[0-9a-f]{40}\b/g, (id) => mark + id.slice(mark.length)),
  )
  return mark
}

function recorded(
  env: Env,
  path: string,
  use: (partition: Partition) => Promise<unknown>,
): Promise<readonly Recorded[]> {
  return recordedOf(env.DB_EU, path, (database) =>
    use(
      openPartition(
        "eu",
        { database, bucket: env.BLOBS_EU, cache: env.CACHE_EU },
        { meter: new Meter(), later: () => undefined },
      ),
    ),
  )
}

function recordedOf(
  database: D1Database,
  name: string,
  use: (database: D1Database) => Promise<unknown>,
): Promise<readonly Recorded[]> {
  const known = recordings.get(name)
  if (known) return known
  const made = record(database, use)
  recordings.set(name, made)
  return made
}

function scopeOf(project: string) {
  return { project, stage: null, service: null }
}

function present<T>(value: T | null | undefined): T {
  if (value === null || value === undefined) throw new Error("it is not stored here")
  return value
}
