/** What is told of a service besides its name: the last event of each type, and the image that was deployed. */
import { sql } from "drizzle-orm"
import type { Statement } from "./commit.ts"
import type { Database } from "./partition.ts"
import { type KeptnEvent, serviceEvents, services } from "./schema.ts"

/** A service of a stage. */
interface ServicePlace {
  project: string
  stage: string
  service: string
}

/** Events of tasks and sequences, which are those that a service is shown with. */
const OF_TASK_OR_SEQUENCE = /^sh\.keptn\.event\..+\.(triggered|started|finished)$/
const DEPLOYMENT = "sh.keptn.event.deployment"

/** The statements that note an event at its service. One that concerns no known service changes nothing. */
export function noteServiceEvent(db: Database, event: KeptnEvent, place: ServicePlace): Statement[] {
  if (!OF_TASK_OR_SEQUENCE.test(event.type)) return []
  const noted = db
    .insert(serviceEvents)
    .select(
      sql`select branch_id, services.name, ${event.type}, ${event.id}, ${event.shkeptncontext}, ${Date.parse(event.time)}
        from services where ${isAt(place)}`,
    )
    .onConflictDoUpdate({
      target: [serviceEvents.branchId, serviceEvents.service, serviceEvents.type],
      set: { eventId: sql`excluded.event_id`, context: sql`excluded.context`, time: sql`excluded.time` },
    })
  return event.type === `${DEPLOYMENT}.finished` ? [noted, noteImage(db, event, place)] : [noted]
}

/** The image of a deployment is in the event that triggered it, and sometimes in the one that finished it. */
function noteImage(db: Database, event: KeptnEvent, place: ServicePlace): Statement {
  const path = "$.data.configurationChange.values.image"
  const own = sql`json_extract(${JSON.stringify(event)}, ${path})`
  const triggered = sql`(select json_extract(event, ${path}) from events indexed by events_by_context
    where context = ${event.shkeptncontext} and type = ${`${DEPLOYMENT}.triggered`}
      and project = ${place.project} and stage = ${place.stage} and service = ${place.service}
    order by time desc limit 1)`
  return db
    .update(services)
    .set({ deployedImage: sql`coalesce(${own}, ${triggered}, ${services.deployedImage})` })
    .where(isAt(place))
}

function isAt({ project, stage, service }: ServicePlace) {
  return sql`services.name = ${service} and services.branch_id = (select branches.id from branches
    join projects on projects.id = branches.project_id
    where projects.name = ${project} and branches.name = ${stage} and branches.stage_position is not null)`
}
