/** What a page of events costs, in rows read and requests a second, with a thousand and with a million events stored. */
import { readdirSync } from "node:fs"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import { inFolder } from "./folder.ts"
import { askFor, askOnce, startServer } from "./server.ts"

const FEW = 1_000
const MANY = 1_000_000
const MEASURED_MS = 3_000
/** When the newest event was sent, in ms since 1970; each older one a second before the next. */
const NEWEST = 1_700_000_000_000

const QUESTIONS = [
  { name: "the newest events of a project", query: "project=measured" },
  { name: "those of one type", query: "project=measured&type=sh.keptn.event.test.finished" },
  {
    name: "events deep in the past",
    query: `project=measured&nextPageKey=after-${NEWEST - (FEW / 2) * 1000}-${FEW / 2}`,
  },
]

/** Measures and prints. */
export async function measureEvents(): Promise<void> {
  const few = await inFolder((state) => measure(state, FEW))
  const many = await inFolder((state) => measure(state, MANY))
  for (const { name } of QUESTIONS) {
    const [before, after] = [few.get(name), many.get(name)]
    if (!before || !after) throw new Error(`${name} was not measured`)
    const rows = `${before.rows} rows read of ${FEW}, ${after.rows} of ${MANY}`
    process.stdout.write(`${name}: ${rows}; ${(after.rate / before.rate).toFixed(2)} times as many pages a second\n`)
  }
}

async function measure(state: string, count: number): Promise<Map<string, { rows: number; rate: number }>> {
  await (await startServer(state, [])).stop()
  fill(state, count)
  const { token, stop } = await startServer(state, [])
  try {
    const results = new Map<string, { rows: number; rate: number }>()
    for (const { name, query } of QUESTIONS) {
      const path = `/api/mongodb-datastore/event?pageSize=20&${query}`
      const { rows } = await askOnce(path, token)
      results.set(name, { rows, rate: await askFor(MEASURED_MS, path, token) })
    }
    return results
  } finally {
    await stop()
  }
}

/** Stores `count` events of one project in every region, straight into the databases of an edge that is stopped. */
function fill(state: string, count: number): void {
  const folder = join(state, "v3", "d1", "miniflare-D1DatabaseObject")
  for (const name of readdirSync(folder).filter((file) => file.endsWith(".sqlite"))) {
    const database = new DatabaseSync(join(folder, name))
    const isRegion = database.prepare("select 1 from sqlite_master where name = 'events'").get()
    if (isRegion) {
      database.exec(`with recursive n(i) as (select 0 union all select i + 1 from n where i < ${count - 1})
        insert into events (id, project, stage, service, context, type, source, time, root, event)
        select 'id-' || i, 'measured', 'dev', 'carts', 'context-' || (i / 10),
          'sh.keptn.event.' || (case i % 2 when 0 then 'test' else 'deployment' end) || '.finished', 'bench',
          ${NEWEST} - (${count} - i) * 1000, i % 10 = 0,
          json_object('id', 'id-' || i, 'type', 'bench', 'data', json_object('project', 'measured')) from n`)
    }
    database.close()
  }
}
