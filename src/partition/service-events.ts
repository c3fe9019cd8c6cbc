/** What is told of a service besides its name: the last event of each type, and the image that was deployed. */
import { sql } from "drizzle-orm"
import { jsonChunks } from "./bulk.ts"
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
/** Where the image stands in an event of a deployment. */
const IMAGE = "$.data.configurationChange.values.image"

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

/**
 * The statements that note events of a project at its services, in the order of their times. They may be old: what is known to be later stays.
 * They run when the events are stored.
 */
export function noteServiceEvents(db: Database, project: string, noted: readonly KeptnEvent[]): Statement[] {
  const ordered = noted
    .filter((event) => OF_TASK_OR_SEQUENCE.test(event.type) && stageOf(event) !== "" && serviceOf(event) !== "")
    .toSorted((a, b) => Date.parse(a.time) - Date.parse(b.time))
  const last = new Map(ordered.map((event) => [JSON.stringify([stageOf(event), serviceOf(event), event.type]), event]))
  const rows = Array.from(last.values(), (event) => ({
    stage: stageOf(event),
    service: serviceOf(event),
    type: event.type,
    id: event.id,
    context: event.shkeptncontext,
    time: Date.parse(event.time),
  }))
  const statements = jsonChunks(rows).map((json) =>
    db
      .insert(serviceEvents)
      .select(
        sql`select services.branch_id, services.name, value ->> 'type', value ->> 'id', value ->> 'context', value ->> 'time'
          from json_each(${json}) join ${servicesNamed(project)} where true`,
      )
      .onConflictDoUpdate({
        target: [serviceEvents.branchId, serviceEvents.service, serviceEvents.type],
        set: { eventId: sql`excluded.event_id`, context: sql`excluded.context`, time: sql`excluded.time` },
        setWhere: sql`excluded.time >= service_events.time`,
      }),
  )
  return [...statements, ...noteImages(db, project, ordered)]
}

/** Notes the image of each service's last deployment among `ordered` that has one, where none is known to be later. */
function noteImages(db: Database, project: string, ordered: readonly KeptnEvent[]): Statement[] {
  const finished = ordered.filter(({ type }) => type === `${DEPLOYMENT}.finished`)
  const byService = Map.groupBy(finished, (event) => JSON.stringify([stageOf(event), serviceOf(event)]))
  const rows = [...byService.values()].flatMap((events) => {
    const [newest, ...others] = events.toReversed()
    if (!newest) return []
    const deployments = [newest, ...others].map((event) => ({ id: event.id, context: event.shkeptncontext }))
    return [{ stage: stageOf(newest), service: serviceOf(newest), id: newest.id, deployments }]
  })
  const image = sql`(select coalesce((select json_extract(event, ${IMAGE}) from events indexed by events_by_id
        where id = deployment.value ->> 'id'),
      (select json_extract(event, ${IMAGE}) from events indexed by events_by_context
        where context = deployment.value ->> 'context' and type = ${`${DEPLOYMENT}.triggered`} and project = ${project}
          and stage = noted.value ->> 'stage' and service = noted.value ->> 'service' order by time desc limit 1)) as image
    from json_each(noted.value -> 'deployments') as deployment where image is not null order by deployment.key limit 1)`
  return jsonChunks(rows).map((json) =>
    db
      .insert(services)
      .select(
        sql`select services.branch_id, services.name, services.created_at, coalesce(${image}, services.deployed_image)
          from json_each(${json}) as noted join ${servicesNamed(project)}
          join service_events on service_events.branch_id = services.branch_id and service_events.service = services.name
            and service_events.type = ${`${DEPLOYMENT}.finished`} and service_events.event_id = noted.value ->> 'id'
          where true`,
      )
      .onConflictDoUpdate({
        target: [services.branchId, services.name],
        set: { deployedImage: sql`excluded.deployed_image` },
      }),
  )
}

/** Joins the services of a project that rows of JSON name by `stage` and `service`. */
function servicesNamed(project: string) {
  return sql`projects on projects.name = ${project}
    join branches on branches.project_id = projects.id and branches.stage_position is not null
      and branches.name = value ->> 'stage'
    join services on services.branch_id = branches.id and services.name = value ->> 'service'`
}

function stageOf({ data }: KeptnEvent): string {
  return typeof data["stage"] === "string" ? data["stage"] : ""
}

function serviceOf({ data }: KeptnEvent): string {
  return typeof data["service"] === "string" ? data["service"] : ""
}

/** The image of a deployment is in the event that triggered it, and sometimes in the one that finished it. */
function noteImage(db: Database, event: KeptnEvent, place: ServicePlace): Statement {
  const own = sql`json_extract(${JSON.stringify(event)}, ${IMAGE})`
  const triggered = sql`(select json_extract(event, ${IMAGE}) from events indexed by events_by_context
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
