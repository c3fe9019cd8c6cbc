/** Keptn's rules for events of each type, which an installation may switch on. Pure. */
import { utf8 } from "../../lib/bytes.ts"
import type { SentEvent } from "./event-forms.ts"

const LARGEST_EVENT = 64 * 1024
const PLACE = ["project", "stage", "service"] as const
const TASK_ACTIONS = ["started", "finished", "invalidated"]

/** Which rule an event breaks, in Keptn's words; null for none. */
export function brokenRule(event: SentEvent): string | null {
  if (utf8(JSON.stringify(event)).length > LARGEST_EVENT) return `the event is larger than ${LARGEST_EVENT} bytes`
  const { type } = event
  if (type === "sh.keptn.log.error" || type === "sh.keptn.events.problem") return null
  if (type === "sh.keptn.event.monitoring.configure") return monitoringProblem(event)
  const parts = type.split(".")
  if (!type.startsWith("sh.keptn.event.")) return "unknown event type"
  if (parts.length === 6) return sequenceProblem(event, parts)
  return parts.length === 5 ? taskProblem(event, parts) : "unknown event type"
}

function monitoringProblem({ data }: SentEvent): string | null {
  const complete = isSet(data["project"]) && isSet(data["type"])
  return complete ? null : "mandatory fields(s) 'project', 'service' or 'type' missing"
}

function sequenceProblem(event: SentEvent, parts: readonly string[]): string | null {
  const [, , , stage, , action = ""] = parts
  if (action !== "triggered") return `unknown event type action: ${action}`
  const problem = placeProblem(event)
  if (problem !== null) return problem
  return event.data["stage"] === stage ? null : "stage name in event data and in event type does not match"
}

function taskProblem(event: SentEvent, parts: readonly string[]): string | null {
  const action = parts.at(-1) ?? ""
  if (!TASK_ACTIONS.includes(action)) return `unknown event type action: ${action}`
  const problem = placeProblem(event)
  if (problem !== null) return problem
  if (action === "finished" && !isSet(event.data["result"])) return "result field is not set"
  if (action === "finished" && !isSet(event.data["status"])) return "status field is not set"
  return isSet(event.triggeredid) ? null : "mandatory field 'triggeredid' missing"
}

function placeProblem({ data }: SentEvent): string | null {
  return PLACE.every((name) => isSet(data[name])) ? null : "mandatory field(s) 'project', 'stage' or 'service' missing"
}

function isSet(value: unknown): boolean {
  return typeof value === "string" && value !== ""
}
