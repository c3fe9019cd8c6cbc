/** How the mongodb-datastore API behaves. */
import { reachOf, requireProject } from "../../gateway/authorize.ts"
import { ApiError } from "../../gateway/errors.ts"
import { streamOf, utf8 } from "../../lib/bytes.ts"
import { readPlace } from "../../partition/event-archive.ts"
import * as exports from "../../partition/event-export.ts"
import * as imports from "../../partition/event-import.ts"
import { searchEvents } from "../../partition/event-search.ts"
import { findEvents } from "../../partition/events.ts"
import type { RegionalHandler } from "../regional.ts"
import { readPageKey, writePageKey } from "./page-key.ts"
import { MOST_TERMS, readFilter } from "./event-filter.ts"
import { type ImportedEvent, readImportedEvents } from "./imported-lines.ts"
import {
  type exportEvents,
  type importEvents,
  type listEvents,
  type listEventsOfType,
  projectNotFound,
} from "./routes.ts"

const RETRY = { "Retry-After": "1" }
/** About how much of an export is sent at once. */
const PART_CHARACTERS = 65_536

export const listEventsHandler: RegionalHandler<typeof listEvents> = async (c) => {
  const query = c.req.valid("query")
  const start = readPageKey(query.nextPageKey)
  if (start === null) {
    const text = "nextPageKey in query must be one that a page before had"
    throw new ApiError("validation_failed", text, { keptnCode: 601 })
  }
  const filter = {
    project: query.project,
    stage: query.stage,
    service: query.service,
    context: query.keptnContext,
    type: query.type,
    source: query.source,
    id: query.eventID,
    after: query.fromTime,
    before: query.beforeTime,
    rootOnly: query.root !== undefined,
  }
  const page = await findEvents(c.get("partition"), filter, reachOf(c, "read"), { start, size: query.pageSize })
  const members = {
    pageSize: query.pageSize,
    ...(page.next && { nextPageKey: writePageKey(page.next) }),
    ...(page.total && { totalCount: page.total }),
  }
  return c.json({ events: page.events, ...members }, 200)
}

export const listEventsOfTypeHandler: RegionalHandler<typeof listEventsOfType> = async (c) => {
  const { filter, fromTime, limit, excludeInvalidated } = c.req.valid("query")
  const terms = readFilter(filter)
  if (!terms.some(({ key }) => key === "data.project" || key === "shkeptncontext")) {
    const text = "invalid event filter: either 'shkeptncontext' or 'data.project' must be set"
    throw new ApiError("invalid_request", text)
  }
  if (terms.length > MOST_TERMS) {
    throw new ApiError("invalid_request", `invalid event filter: it must not have more than ${MOST_TERMS} conditions`)
  }
  const search = { type: c.req.valid("param").eventType, terms, after: fromTime, excludeInvalidated, limit }
  return c.json({ events: await searchEvents(c.get("partition"), search, reachOf(c, "read")) }, 200)
}

export const exportEventsHandler: RegionalHandler<typeof exportEvents> = (c) => {
  const { project, after } = c.req.valid("query")
  requireProject(c, "read", project, projectNotFound)
  const place = after === undefined ? null : readPlace(after)
  if (after !== undefined && place === null) {
    throw new ApiError("invalid_request", "after must be the sequence of an event that was exported")
  }
  const lines = exports.exportEvents(c.get("partition"), project, place)
  return c.newResponse(streamOf(encoded(lines)), 200, { "Content-Type": "application/jsonl" })
}

export const importEventsHandler: RegionalHandler<typeof importEvents> = async (c) => {
  const { project } = c.req.valid("query")
  requireProject(c, "administer", project, projectNotFound)
  const lines = await readImportedEvents(c.req, project)
  const events = lines.map(({ event }) => event)
  const imported = await imports.importEvents(c.get("partition"), project, events)
  if (imported.outcome !== "imported") throw importProblem(imported, project, lines)
  return c.json({ stored: imported.stored, known: imported.known }, 200)
}

function importProblem(
  problem: Exclude<imports.ImportOutcome, { outcome: "imported" }>,
  project: string,
  lines: readonly ImportedEvent[],
): ApiError {
  switch (problem.outcome) {
    case "no-project":
      return projectNotFound(project)
    case "busy":
      return new ApiError("conflict", "others store or archive events of the project; try again", { headers: RETRY })
    case "taken":
      return new ApiError("conflict", `${placeOf(lines[problem.index])} has the id of an event of another project`)
    case "archived": {
      const until = new Date(problem.until).toISOString()
      const text =
        `${placeOf(lines[problem.index])} is older than the archive, which holds the project's events until ${until} and takes ` +
        "none in between. Leave such events out; or import all into a new project while EVENT_RETENTION_DAYS is 0"
      return new ApiError("conflict", text)
    }
  }
}

function placeOf(place: ImportedEvent | undefined): string {
  return place === undefined ? "an event" : `line ${place.line}: the event ${place.event.id}`
}

/** Lines go together: each part of a stream waits for its turn among all requests, which takes far longer than to make a line. */
async function* encoded(lines: AsyncIterable<string>): AsyncGenerator<Uint8Array> {
  let part = ""
  for await (const line of lines) {
    part += line
    if (part.length < PART_CHARACTERS) continue
    yield utf8(part)
    part = ""
  }
  if (part !== "") yield utf8(part)
}
