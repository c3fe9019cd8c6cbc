/** How the api-service API behaves. */
import { requireProject } from "../../gateway/authorize.ts"
import { ApiError } from "../../gateway/errors.ts"
import { foretell } from "../../gateway/idempotency.ts"
import { utf8 } from "../../lib/bytes.ts"
import { keptnContext } from "../../lib/keptn-context.ts"
import type { Action } from "../../lib/roles.ts"
import { appendEvents, eventProject, MAX_EVENT_BYTES } from "../../partition/events.ts"
import type { KeptnEvent } from "../../partition/schema.ts"
import type { RegionalHandler } from "../regional.ts"
import { readEvents, type SentEvent } from "./event-forms.ts"
import { brokenRule } from "./event-rules.ts"
import type { authenticationChecks, getMetadata, sendEvent } from "./routes.ts"

/** What an installation decides about this API. */
export interface ApiSettings {
  /** Whether events must keep to Keptn's rules for their types. */
  eventValidation: boolean
  /** How long an integration is known without a heartbeat, in milliseconds. */
  integrationLifetime: number
}

/** What Keptn puts in the place of an empty source. */
const DEFAULT_SOURCE = "https://github.com/keptn/keptn/api"

/** The request has passed authentication: that is all there is to check. */
export const checkAuthenticationHandler: RegionalHandler<(typeof authenticationChecks)[number]> = (c) =>
  c.body(null, 200)

export const getMetadataHandler: RegionalHandler<typeof getMetadata> = (c) =>
  c.json(
    {
      namespace: "keptn",
      keptnlabel: "keptn",
      keptnversion: "1.4.5",
      shipyardversion: "0.2.0",
      bridgeversion: "N/A",
      automaticprovisioning: true,
    },
    200,
  )

/** Stores events. */
export function sendEventHandler({ eventValidation }: ApiSettings): RegionalHandler<typeof sendEvent> {
  return async (c) => {
    const { events: sent, batch } = await readEvents(c.req)
    const now = new Date()
    const events = sent.map((event) => acceptEvent(event, now))
    // All of them before any is looked at more closely: a caller learns nothing of projects that it does not see.
    for (const event of events) requireProject(c, actionOf(event.type), eventProject(event), unknownProject)
    for (const event of events) refuseLarge(event)
    if (eventValidation) for (const event of sent) refuseByRule(event)
    const contexts = events.map((event) => event.shkeptncontext)
    const answer = batch ? { keptnContexts: contexts } : { keptnContext: contexts[0] ?? "" }
    await foretell(c, 200, answer)
    await appendEvents(c.get("partition").db, events)
    return c.json(answer, 200)
  }
}

function refuseLarge(event: KeptnEvent): void {
  if (utf8(JSON.stringify(event)).length <= MAX_EVENT_BYTES) return
  throw new ApiError(
    "payload_too_large",
    `an event can hold at most ${MAX_EVENT_BYTES} bytes: store large content as a resource`,
  )
}

function refuseByRule(event: SentEvent): void {
  const rule = brokenRule(event)
  if (rule !== null) throw new ApiError("invalid_request", rule)
}

/** The event that is stored for one that was sent at `now`: Keptn gives the id and the time, and keeps what it knows. */
function acceptEvent(sent: SentEvent, now: Date): KeptnEvent {
  return {
    contenttype: "application/json",
    data: sent.data,
    id: crypto.randomUUID(),
    shkeptncontext: keptnContext(sent.shkeptncontext),
    source: isUriReference(sent.source) ? sent.source : DEFAULT_SOURCE,
    specversion: "1.0",
    time: now.toISOString(),
    type: sent.type,
    ...(sent.triggeredid ? { triggeredid: sent.triggeredid } : {}),
    ...(sent.gitcommitid ? { gitcommitid: sent.gitcommitid } : {}),
    ...(sent.extensions === undefined || sent.extensions === null ? {} : { extensions: sent.extensions }),
  }
}

/** Reporting on a task is what an integration does; everything else sets something off. */
function actionOf(type: string): Action {
  const reports =
    /^sh\.keptn\.event\.[^.]+\.(started|status\.changed|finished)$/.test(type) || type === "sh.keptn.log.error"
  return reports ? "integrate" : "contribute"
}

function isUriReference(source: string): boolean {
  return source !== "" && URL.canParse(source, "https://keptn.invalid")
}

function unknownProject(project: string): ApiError {
  return new ApiError("not_found", `project '${project}' not found`)
}
