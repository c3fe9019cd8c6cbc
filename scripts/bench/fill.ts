/** Fills a store with as much as a measurement wants, past the API: as real as what the API makes, and faster. */
import { Meter } from "../../src/lib/meter.ts"
import { openPartition, type Partition } from "../../src/partition/partition.ts"
import type { Amounts } from "./edges.ts"
import { addCommits } from "./fill-commits.ts"
import { FILLED, idOf, NEWEST } from "./filled.ts"

/** How many rows are made by one statement. */
const AT_ONCE = 50_000

/** The part of a Worker's bindings that is filled. */
type Bindings = Pick<Env, "DB_GLOBAL" | "DB_EU" | "BLOBS_EU">

/** Fills the region `eu`, and the directory. */
export async function fill(bindings: Bindings, { events, commits, people }: Amounts): Promise<void> {
  await addEvents(bindings.DB_EU, events)
  await addProjects(bindings.DB_EU, people)
  await addPeople(bindings.DB_GLOBAL, people)
  if (commits > 0) await addCommits(openEu(bindings), bindings.DB_EU, commits)
}

function openEu({ DB_EU: database, BLOBS_EU: bucket }: Bindings): Partition {
  return openPartition("eu", { database, bucket, cache: null }, { meter: new Meter(), later: () => undefined })
}

/** Events of one project, ten in a context, of two types in turns, one a second until the newest. */
function addEvents(database: D1Database, count: number): Promise<void> {
  return inParts(count, (numbers) =>
    database.prepare(`with recursive ${numbers}, named as (select i, 'id-' || i as id, 'context-' || (i / 10) as context,
        'sh.keptn.event.' || (case i % 2 when 0 then 'test' else 'deployment' end) || '.finished' as type,
        ${NEWEST} - (${count} - 1 - i) * 1000 as time from n)
      insert into events (id, project, stage, service, context, type, source, time, root, event)
      select id, '${FILLED}', 'dev', 'carts', context, type, 'bench', time, i % 10 = 0,
        json_object('id', id, 'shkeptncontext', context, 'type', type, 'source', 'bench', 'specversion', '1.0',
          'time', strftime('%Y-%m-%dT%H:%M:%fZ', time / 1000.0, 'unixepoch'),
          'data', json_object('project', '${FILLED}', 'stage', 'dev', 'service', 'carts', 'text', hex(zeroblob(100))))
      from named`),
  )
}

/** Projects with a default branch and a stage. */
async function addProjects(database: D1Database, count: number): Promise<void> {
  const branch = (name: string, position: string) =>
    inParts(count, (numbers) =>
      database.prepare(`with recursive ${numbers} insert into branches (id, project_id, name, stage_position, parent_stages)
        select 'branch-${name}-' || i, 'project-' || i, '${name}', ${position}, '[]' from n`),
    )
  await inParts(count, (numbers) =>
    database.prepare(`with recursive ${numbers}
      insert into projects (id, name, default_branch, shipyard, shipyard_version, created_at)
      select 'project-' || i, 'p-' || i, 'main', 'spec: {stages: [{name: dev}]}', '0.2.2', ${NEWEST} from n`),
  )
  await branch("main", "null")
  await branch("dev", "0")
}

/** Users with a token each. */
async function addPeople(database: D1Database, count: number): Promise<void> {
  await inParts(count, (numbers) =>
    database.prepare(`with recursive ${numbers}
      insert into users (id, organization_id, email, full_name, preferred_name, active, created_at, updated_at)
      select ${idOf("1", "i")}, (select id from organizations), 'user-' || i || '@example.com', 'User ' || i, '', 1, ${NEWEST}, ${NEWEST}
      from n`),
  )
  await inParts(count, (numbers) =>
    database.prepare(`with recursive ${numbers}
      insert into tokens (id, hash, hint, owner_id, name, purpose, created_at, updated_at, expires_at)
      select ${idOf("2", "i")}, 'hash-' || i, 'kpat_', ${idOf("1", "i")}, 'token', 'access', ${NEWEST}, ${NEWEST}, ${NEWEST} * 2 from n`),
  )
}

/** Runs a statement for the numbers from 0 on, which are the rows of `n`. */
async function inParts(count: number, statement: (numbers: string) => D1PreparedStatement): Promise<void> {
  for (let from = 0; from < count; from += AT_ONCE) {
    const last = Math.min(from + AT_ONCE, count) - 1
    await statement(`n(i) as (select ${from} union all select i + 1 from n where i < ${last})`).run()
  }
}
