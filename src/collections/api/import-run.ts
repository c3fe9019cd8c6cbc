/**
 * Does what an import package wants: the calls of the API in their order, then one commit of files for each stage. All that can be foreseen
 * is checked before; when something fails nevertheless, what was done stays, and the caller is told.
 */
import type { Signature } from "../../git/objects.ts"
import { lifecycleEvents } from "../../partition/lifecycle-events.ts"
import type { Seal } from "../../lib/sealing.ts"
import type { Partition } from "../../partition/partition.ts"
import { type FileWrite, foreseeRefusal, writeFiles } from "../../partition/file-writes.ts"
import type { WriteOutcome } from "../../partition/write.ts"
import { createSecret, findSecrets } from "../../partition/secrets.ts"
import { createService } from "../../partition/services.ts"
import { findIntegrations, putSubscription } from "../../partition/uniform.ts"
import type { PlannedTask, TaskContext } from "./import-plan.ts"

/** A task that is done, with what it answered. */
export interface DoneTask {
  task: TaskContext
  response: Record<string, unknown>
}

/** An import that failed: the message says why, and which tasks are done. */
export class ImportFailure extends Error {
  override name = "ImportFailure"
  /** What the storage threw; null when the failure has to do with the package. */
  readonly storageError: string | null

  constructor(message: string, storageError: string | null) {
    super(message)
    this.storageError = storageError
  }
}

/** Something to be done for one or more tasks; answers why it could not be done, or null. */
interface Deed {
  labels: string[]
  run: () => Promise<string | null>
}

/** The files that go to a stage, in one commit. */
interface Branch {
  stage: string
  writes: FileWrite[]
  labels: string[]
  commitId: string
}

/** What an import works on, and with. Integrations that were not heard of since `alive` (ms since 1970) are gone. */
export interface ImportTools {
  partition: Partition
  project: string
  author: Signature
  seal: Seal
  alive: number
}

/** The integration that calls webhooks: subscriptions are made for it. */
const WEBHOOK_SERVICE = "webhook-service"
/** An import adds subscriptions under new ids, and looks at none that is stored. */
const NOT_SHOWN = { named: { all: false, names: [] }, unnamed: false } as const
const EXISTING_SECRET = "Unable to create secret: secret already exists"

/** Imports what was planned. Throws an `ImportFailure`, or the `ApiError` of a deployment that cannot keep secrets. */
export async function runImport(tools: ImportTools, tasks: readonly PlannedTask[]): Promise<DoneTask[]> {
  const branches = branchesOf(tasks)
  const webhooks = await webhookIntegration(tools, tasks)
  const deeds = [
    ...tasks.flatMap((task) => callOf(tools, task, webhooks)),
    ...branches.map((branch) => branchDeed(tools, branch)),
  ]
  const problem = (await secretInTheWay(tools, tasks)) ?? (await refusedBranch(tools, branches))
  if (problem !== null) throw failure(problem, [], deeds)
  await doAll(deeds)
  return tasks.map(({ task, step, response }) => ({ task, response: response ?? committed(branches, step) }))
}

/** The id of the integration that subscriptions go to, "" where there are none. */
async function webhookIntegration({ partition, alive }: ImportTools, tasks: readonly PlannedTask[]): Promise<string> {
  const first = tasks.find(({ step }) => step.kind === "subscription")
  if (!first) return ""
  const [integration] = await findIntegrations(partition, { name: WEBHOOK_SERVICE }, alive, NOT_SHOWN)
  if (integration) return integration.id
  throw new ImportFailure(`task ${first.id}: no integration found for name ${WEBHOOK_SERVICE}`, null)
}

/** Which task cannot create its secret; null for none. */
async function secretInTheWay({ partition, seal }: ImportTools, tasks: readonly PlannedTask[]): Promise<string | null> {
  const wanted = tasks.flatMap(({ id, step }) => (step.kind === "secret" ? [{ id, name: step.secret.name }] : []))
  // A deployment without keys says so here, before anything is done.
  if (wanted.length > 0) await seal("import", "")
  const stored = await Promise.all(wanted.map(({ name }) => findSecrets(partition, { name, scope: undefined })))
  const taken = wanted.find((_, index) => (stored[index]?.length ?? 0) > 0)
  return taken ? `${taken.id}: ${EXISTING_SECRET}` : null
}

/** Which stage would not take its files, and why; null for none. */
async function refusedBranch(tools: ImportTools, branches: readonly Branch[]): Promise<string | null> {
  const refusals = await Promise.all(
    branches.map(async (branch) => {
      const { stage, writes, labels } = branch
      const refusal = await foreseeRefusal(tools.partition, scopeOf(tools, stage), writes, textFor(tools, branch))
      return refusal && `${labels.join(", ")}: ${refusalText(refusal)}`
    }),
  )
  return refusals.find((refusal) => refusal !== null) ?? null
}

/** The last of two files of one name stays, as if they were written one after the other. */
function branchesOf(tasks: readonly PlannedTask[]): Branch[] {
  const wanted = tasks.flatMap(({ id, step }) =>
    step.kind === "files" ? step.stages.map((stage) => ({ id, stage, path: step.path, content: step.content })) : [],
  )
  return [...Map.groupBy(wanted, ({ stage }) => stage)].map(([stage, files]) => ({
    stage,
    writes: [...new Map(files.map(({ path, content }) => [path, { path, content }])).values()],
    labels: files.map(({ id }) => `${id} (stage ${stage})`),
    commitId: "",
  }))
}

/** What a task that calls the API is done with. */
function callOf(tools: ImportTools, { id, step }: PlannedTask, webhooks: string): Deed[] {
  const { partition, project, author, seal, alive } = tools
  const deed = (run: Deed["run"]) => [{ labels: [id], run }]
  switch (step.kind) {
    case "files":
      return []
    case "service":
      return deed(async () => {
        const events = lifecycleEvents("service.create", { project, service: step.name }, {}, new Date())
        const { outcome } = await createService(partition, project, step.name, author, events)
        return outcome === "created" ? null : `service ${step.name}: ${outcome}`
      })
    case "secret":
      return deed(async () => {
        const outcome = await createSecret(partition, seal, step.secret)
        return outcome === "created" ? null : EXISTING_SECRET
      })
    case "subscription":
      return deed(async () => {
        const { outcome } = await putSubscription(partition, webhooks, step.subscription, alive, NOT_SHOWN)
        return outcome === "stored" ? null : `subscription: ${outcome}`
      })
  }
}

function branchDeed(tools: ImportTools, branch: Branch): Deed {
  const { stage, writes, labels } = branch
  const run = async () => {
    const scope = scopeOf(tools, stage)
    const outcome = await writeFiles(tools.partition, scope, writes, textFor(tools, branch), () => true)
    if (outcome.outcome !== "written") return refusalText(outcome)
    branch.commitId = outcome.commitId
    return null
  }
  return { labels, run }
}

async function doAll(deeds: readonly Deed[]): Promise<void> {
  for (const [index, { labels, run }] of deeds.entries()) {
    const [done, open] = [deeds.slice(0, index), deeds.slice(index)]
    const problem = await run().catch((error: unknown) => {
      const reason = error instanceof Error ? error.message : "unknown"
      throw failure(`${labels.join(", ")}: the storage failed, this may be done or not`, done, open, reason)
    })
    if (problem !== null) throw failure(`${labels.join(", ")}: ${problem}`, done, open)
  }
}

function failure(
  text: string,
  done: readonly Deed[],
  open: readonly Deed[],
  storageError: string | null = null,
): ImportFailure {
  const list = (deeds: readonly Deed[]) => deeds.flatMap(({ labels }) => labels).join(", ") || "nothing"
  const message = `${text}; done: ${list(done)}; not done: ${list(open)}`
  return new ImportFailure(message, storageError)
}

/** What a write answers; of several stages the last one's, as in Keptn. */
function committed(branches: readonly Branch[], step: PlannedTask["step"]): Record<string, unknown> {
  const last = step.kind === "files" ? step.stages.at(-1) : undefined
  const commitID = branches.find(({ stage }) => stage === last)?.commitId ?? ""
  return { commitID, metadata: { upstreamURL: "", version: commitID } }
}

function scopeOf({ project }: ImportTools, stage: string) {
  return { project, stage, service: null }
}

function textFor({ author }: ImportTools, { writes }: Branch) {
  const [first] = writes
  return {
    author,
    message: writes.length === 1 && first ? `Import ${first.path}` : `Import ${writes.length} resources`,
  }
}

function refusalText(outcome: Exclude<WriteOutcome, { outcome: "written" }>): string {
  switch (outcome.outcome) {
    case "missing":
      return `${outcome.what} not found`
    case "file-in-the-way":
      return `'${outcome.path}' is a file, so nothing can be stored below it`
    case "folder-in-the-way":
      return `'${outcome.path}' is a folder, so it cannot be written as a file`
    case "folder-too-large":
      return `the folder '${outcome.path}' would hold too many files`
    case "collision":
      return "other content is stored under the git object id of this content"
    case "busy":
      return "too many writers at once on this branch, try again"
    case "changed-since":
    case "precondition-failed":
      return "what is stored has changed"
  }
}
