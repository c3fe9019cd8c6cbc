/** Sums of events, as the statistics API tells of them. Pure. */
import type { z } from "@hono/zod-openapi"
import type { EventCount } from "../../partition/event-counts.ts"
import type { statisticsSchema } from "./schemas.ts"

type ProjectStatistics = z.infer<typeof statisticsSchema>["projects"][number]

/** Who sends the events that end a sequence. */
const SEQUENCER = "shipyard-controller"

/** Projects with their services and what happened to each, in the order of `counts`. */
export function summarize(counts: readonly EventCount[]): ProjectStatistics[] {
  return groups(counts, ({ project }) => project).map(([name, ofProject]) => ({
    name,
    services: groups(ofProject, ({ service }) => service).map(([service, ofService]) => ({
      name: service,
      ...serviceSummary(ofService),
    })),
  }))
}

function serviceSummary(counts: readonly EventCount[]) {
  const started = endingIn(".started", counts)
  const sequences = endingIn(
    ".finished",
    counts.filter(({ source }) => source === SEQUENCER),
  )
  return {
    events: byType(counts),
    keptnServiceExecutions: groups(started, ({ source }) => source).map(([name, ofSource]) => ({
      name,
      executions: byType(ofSource),
    })),
    ...(sequences.length > 0 && { executedSequencesPerType: byType(sequences) }),
  }
}

/** The counts of types that end in `suffix`, without it. */
function endingIn(suffix: string, counts: readonly EventCount[]): EventCount[] {
  return counts
    .filter(({ type }) => type.endsWith(suffix))
    .map((one) => ({ ...one, type: one.type.slice(0, -suffix.length) }))
}

function byType(counts: readonly EventCount[]): { type: string; count: number }[] {
  return groups(counts, ({ type }) => type).map(([type, ofType]) => ({
    type,
    count: ofType.reduce((sum, { count }) => sum + count, 0),
  }))
}

function groups(counts: readonly EventCount[], keyOf: (count: EventCount) => string): [string, EventCount[]][] {
  return [...Map.groupBy(counts, keyOf)]
}
