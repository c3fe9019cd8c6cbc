/** How projects, stages and services are answered, and what all of their writes can end in. */
import type { z } from "@hono/zod-openapi"
import { ApiError } from "../../gateway/errors.ts"
import type { Project, Service, ServiceEvent, Stage } from "../../partition/projects.ts"
import type { projectSchema, serviceSchema, stageSchema } from "./schemas.ts"

/** A project in Keptn's shape. */
export function expandedProject(project: Project): z.infer<typeof projectSchema> {
  const last = lastOf(project.stages.flatMap(({ services }) => services))
  return {
    projectName: project.name,
    creationDate: nanoseconds(project.createdAt),
    shipyard: project.shipyard,
    shipyardVersion: project.shipyardVersion,
    stages: project.stages.map(expandedStage),
    isUpstreamAutoProvisioned: project.gitRemote === null,
    ...(project.gitRemote && { gitCredentials: project.gitRemote }),
    ...(last && { lastEventContext: reference(last) }),
  }
}

/** A stage in Keptn's shape. */
export function expandedStage(stage: Stage): z.infer<typeof stageSchema> {
  const last = lastOf(stage.services)
  return {
    stageName: stage.name,
    services: stage.services.map(expandedService),
    ...(stage.parentStages.length > 0 && { parentStages: stage.parentStages }),
    ...(last && { lastEventContext: reference(last) }),
  }
}

/** A service in Keptn's shape. */
export function expandedService(service: Service): z.infer<typeof serviceSchema> {
  const { name, createdAt, deployedImage, lastEvents } = service
  const types = lastEvents.toSorted((a, b) => (a.type < b.type ? -1 : 1)).map((event) => [event.type, reference(event)])
  return {
    serviceName: name,
    creationDate: nanoseconds(createdAt),
    openRemediations: null,
    ...(deployedImage !== null && { deployedImage }),
    ...(types.length > 0 && { lastEventTypes: Object.fromEntries(types) }),
  }
}

/** Other writers were faster each time; `done` is what has not happened. */
export function tooManyWriters(done: string): ApiError {
  return new ApiError("conflict", `too many writers at once in this project: nothing was ${done}, try again`, {
    headers: { "Retry-After": "1" },
  })
}

function lastOf(services: readonly Service[]): ServiceEvent | undefined {
  return services
    .flatMap(({ lastEvents }) => lastEvents)
    .reduce<ServiceEvent | undefined>((last, event) => (last && last.time > event.time ? last : event), undefined)
}

function reference({ eventId, context, time }: ServiceEvent) {
  return { eventId, keptnContext: context, time: nanoseconds(time) }
}

function nanoseconds(milliseconds: number): string {
  return `${milliseconds}000000`
}
