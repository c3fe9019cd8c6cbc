/** Copies one project: itself, its services, its files, its events. */
import { z } from "zod"
import { copyEvents } from "./events.ts"
import { copyCharts, copyFiles } from "./files.ts"
import { withoutPasswords } from "./git.ts"
import { copyHistory } from "./history.ts"
import type { Options } from "./options.ts"
import type { Progress } from "./progress.ts"
import type { Source, SourceProject } from "./source.ts"
import type { ProjectState } from "./state.ts"
import type { Target, TargetProject } from "./target.ts"

const CHARTS = "charts"
const chartsSchema = z.object({ open: z.boolean() })

/** Where projects go from and to. */
export interface Journey {
  source: Source
  target: Target
  options: Options
  progress: Progress
}

/** What is told of a project: what was done, and what ended it early; null for nothing. */
export interface Report {
  lines: string[]
  failure: string | null
}

/** Copies a project as far as it can be. Does not throw. */
export async function copyProject(journey: Journey, name: string, state: ProjectState): Promise<Report> {
  const done: string[] = []
  const notes: string[] = []
  let failure: string | null = null
  try {
    await copyAll(journey, name, state, { done, notes })
  } catch (error) {
    failure = withoutPasswords(error instanceof Error ? error.message : String(error)).replaceAll(/\s+/g, " ")
  }
  const summary = done.length === 0 ? (failure === null ? ["nothing is new"] : []) : [done.join(", ")]
  return { lines: [...summary, ...notes], failure }
}

/** What is said of a project: what changed, and what must be known. */
interface Told {
  done: string[]
  notes: string[]
}

async function copyAll(journey: Journey, name: string, state: ProjectState, told: Told): Promise<void> {
  const { source, target, options, progress } = journey
  progress.step("reads the project")
  const project = await source.project(name)
  if (project === null) throw new Error("the source has no such project")
  const standing = await settleProject(target, project, told)
  await createServices(journey, project, standing, told)
  // A run that ended in between may have left charts that are older than their files.
  const wasCutOff = state.read(CHARTS, chartsSchema)?.open ?? false
  state.write(CHARTS, { open: true })
  const pushed = await copyWithHistory(journey, project, state, told)
  const written = pushed === null ? await copyFiles(journey, project, progress) : 0
  if (written > 0) told.done.push(`${counted(written, "file")} written`)
  const changed = (stage: string) => wasCutOff || (pushed === null ? written > 0 : pushed.has(stage))
  const charts = await copyCharts(journey, project, changed, progress)
  if (charts > 0) told.done.push(`${counted(charts, "chart")} written`)
  state.write(CHARTS, { open: false })
  if (!options.events) return
  const events = await copyEvents(journey, name, standing.creationDate, state, progress)
  if (events.copied > 0) told.done.push(`${counted(events.copied, "event")} copied`)
  if (events.refused > 0) {
    const what = `${counted(events.refused, "event")} refused and put into ${state.path("refused.jsonl")}`
    throw new Error(`${what}, the first one because: ${events.firstRefusal}`)
  }
}

/** Creates the project where it is missing, and gives one that is there the source's shipyard. */
async function settleProject(target: Target, project: SourceProject, { done }: Told): Promise<TargetProject> {
  const there = await target.project(project.name)
  if (there !== null) refuseOtherStages(project, there)
  if (there === null || there.shipyard !== project.shipyard) {
    await target.putProject(project.name, project.shipyard, there === null ? "POST" : "PUT")
    done.push(there === null ? "created" : "shipyard changed")
  }
  const made = there ?? (await target.project(project.name))
  if (made === null) throw new Error("the target says that it created the project, but does not show it")
  refuseOtherStages(project, made)
  return made
}

function refuseOtherStages(project: SourceProject, there: TargetProject): void {
  const [ours, theirs] = [namesOf(project.stages), namesOf(there.stages)]
  if (ours.toSorted().join() === theirs.toSorted().join()) return
  const text = `it is at the target with the stages ${theirs.join(", ")}, here it has ${ours.join(", ")}`
  throw new Error(`${text}. Nothing was changed; delete it there, or leave it out`)
}

async function createServices(
  { target, progress }: Journey,
  project: SourceProject,
  standing: TargetProject,
  { done }: Told,
): Promise<void> {
  const known = new Set(standing.stages.flatMap(({ services }) => services))
  const missing = [...new Set(project.stages.flatMap(({ services }) => services))].filter((name) => !known.has(name))
  for (const [index, service] of missing.entries()) {
    progress.step("creates services", index, missing.length)
    await target.createService(project.name, service)
  }
  if (missing.length > 0) done.push(`${counted(missing.length, "service")} created`)
}

/** The branches that have new commits; null when there is no history to be had, which is said. */
async function copyWithHistory(
  { target, options, progress }: Journey,
  project: SourceProject,
  state: ProjectState,
  { done, notes }: Told,
): Promise<ReadonlySet<string> | null> {
  const remote = options.remotes.get(project.name) ?? project.remote
  if (remote === null) {
    notes.push("files without their history: the source tells no git remote (--git gives one)")
    return null
  }
  const to = { repository: target.repository(project.name), token: target.token }
  const outcome = await copyHistory(project, remote, to, state, progress)
  if ("unavailable" in outcome) {
    notes.push(`files without their history: ${outcome.unavailable}`)
    return null
  }
  const commits = [...outcome.copied.values()].reduce((sum, count) => sum + count, 0)
  if (commits > 0) {
    done.push(`${counted(commits, "commit")} on ${counted(outcome.copied.size, "branch", "branches")} copied`)
  }
  return new Set(outcome.copied.keys())
}

function namesOf(stages: readonly { name: string }[]): string[] {
  return stages.map(({ name }) => name)
}

function counted(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`
}
