/** The events that Keptn's control plane publishes about projects and services. Pure but for ids. */
import type { KeptnEvent } from "./schema.ts"

/** The pair of events about one action, in a context of its own: started, and finished with success. */
export function lifecycleEvents(
  action: "project.create" | "service.create" | "service.delete",
  subject: { project: string; service?: string },
  outcome: Record<string, unknown>,
  now: Date,
): KeptnEvent[] {
  const shkeptncontext = crypto.randomUUID()
  const event = (step: "started" | "finished", data: Record<string, unknown>): KeptnEvent => ({
    contenttype: "application/json",
    data: { ...subject, ...data },
    id: crypto.randomUUID(),
    shkeptncontext,
    source: "shipyard-controller",
    specversion: "1.0",
    time: now.toISOString(),
    type: `sh.keptn.event.${action}.${step}`,
  })
  return [event("started", {}), event("finished", { status: "succeeded", result: "pass", ...outcome })]
}
