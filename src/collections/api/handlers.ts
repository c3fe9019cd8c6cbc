/** How the api-service API behaves. */
import { requireProject } from "../../gateway/authorize.ts"
import { ApiError } from "../../gateway/errors.ts"
import { utf8 } from "../../lib/bytes.ts"
import { keptnContext } from "../../lib/keptn-context.ts"
import type { Action } from "../../lib/roles.ts"
import { appendEvent, eventProject, MAX_EVENT_BYTES } from "../../partition/events.ts"
import type { KeptnEvent } from "../../partition/schema.ts"
import type { z } from "@hono/zod-openapi"
import type { RegionalHandler } from "../regional.ts"
import type { checkAuthentication, getMetadata, sendEvent } from "./routes.ts"
import type { sentEventSchema } from "./schemas.ts"

/** What Keptn puts in the place of an empty source. */
const DEFAULT_SOURCE = "https://github.com/keptn/keptn/api"

/** The request has passed authentication: that is all there is to check. */
export const checkAuthenticationHandler: RegionalHandler<typeof checkAuthentication> = (c) => c.body(null, 200)

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

export const sendEventHandler: RegionalHandler<typeof sendEvent> = async (c) => {
  const event = acceptEvent(c.req.valid("json"), new Date())
  requireProject(c, actionOf(event.type), eventProject(event), unknownProject)
  if (utf8(JSON.stringify(event)).length > MAX_EVENT_BYTES) {
    throw new ApiError(
      "payload_too_large",
      `an event can hold at most ${MAX_EVENT_BYTES} bytes: store large content as a resource`,
    )
  }
  const { db } = c.get("partition")
  await db.batch([appendEvent(db, event)])
  return c.json({ keptnContext: event.shkeptncontext }, 200)
}

/** The event that is stored for one that was sent at `now`: Keptn gives the id and the time, and keeps what it knows. */
function acceptEvent(sent: z.infer<typeof sentEventSchema>, now: Date): KeptnEvent {
  if (sent.time && Number.isNaN(Date.parse(sent.time))) {
    throw new ApiError("invalid_request", `time in body must be a date-time, not "${sent.time}"`)
  }
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
