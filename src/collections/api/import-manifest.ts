/** The manifest of an import package: read and checked. The rules are Keptn's. Pure. */
import { z } from "zod"
import { parseYaml } from "../../lib/yaml.ts"
import type { Archive } from "./import-archive.ts"

/** The manifest cannot be used; the message says why. */
export class ManifestError extends Error {
  override name = "ManifestError"
}

export const ACTIONS = [
  "keptn-api-v1-create-service",
  "keptn-api-v1-uniform-create-secret",
  "keptn-api-v1-uniform-create-webhook-subscription",
] as const

export type ActionName = (typeof ACTIONS)[number]

interface TaskHead {
  id: string
  name: string
  /** Its values are templates. */
  context: Record<string, string>
}

/** A task: a call of the API with the payload in a file, or a file to be stored. `stage` null means every stage. */
export type Task =
  | (TaskHead & { type: "api"; action: ActionName; payload: string })
  | (TaskHead & {
      type: "resource"
      resource: string
      resourceUri: string
      stage: string | null
      service: string | null
    })

export const MANIFEST = "manifest.yaml"

const LARGEST_MANIFEST = 256 * 1024
const MOST_TASKS = 200

/** Reads the tasks of a package, and sees that their files are there. Throws a `ManifestError`. */
export function readManifest(archive: Archive): Task[] {
  if ((archive.size(MANIFEST) ?? 0) > LARGEST_MANIFEST) {
    throw new ManifestError(`error parsing manifest: it is larger than ${LARGEST_MANIFEST} bytes`)
  }
  const manifest = manifestSchema.safeParse(parsed(archive.read(MANIFEST)))
  if (!manifest.success) {
    const [issue] = manifest.error.issues
    throw new ManifestError(`error parsing manifest: ${issue?.path.join(".")}: ${issue?.message}`)
  }
  const { tasks } = manifest.data
  if (tasks.length > MOST_TASKS) throw invalid(`it has more than ${MOST_TASKS} tasks`)
  return tasks.map((task) => readTask(task, archive))
}

/** Nothing and an empty text are the same, as in Go. */
const text = z.string().default("")

const taskSchema = z.object({
  id: text,
  type: text,
  name: text,
  action: text,
  payload: text,
  resource: text,
  resourceUri: text,
  stage: text,
  service: text,
  context: unlessEmpty(z.record(z.string(), z.string()).default({})),
})

const manifestSchema = z.object({ tasks: unlessEmpty(z.array(taskSchema).default([])) })

/** `tasks:` with nothing behind it is an empty text where every scalar is a text. */
function unlessEmpty<Schema extends z.ZodType>(schema: Schema) {
  return z.preprocess((value) => (value === "" ? undefined : value), schema)
}

type TaskFile = z.infer<typeof taskSchema>

/** Every scalar is a text here: a context holds texts only, also where they look like numbers. */
function parsed(bytes: Uint8Array): unknown {
  try {
    const content = new TextDecoder("utf-8", { fatal: true, ignoreBOM: false }).decode(bytes)
    return parseYaml(content, { schema: "failsafe" })
  } catch (error) {
    // Nothing but the text of a caller is read here, which may also be nested too deep.
    throw new ManifestError(`error parsing manifest: ${error instanceof Error ? error.message : "it is no YAML"}`)
  }
}

function readTask(task: TaskFile, archive: Archive): Task {
  const { id, type, name, context } = task
  if (id === "") throw invalid("task id cannot be empty")
  if (!/^\w+$/.test(id)) throw invalid(`task id ${id} can only consist of alphanumeric characters and underscores`)
  if (type === "api") return { type, id, name, context, ...readApiTask(task, archive) }
  if (type === "resource") return { type, id, name, context, ...readResourceTask(task, archive) }
  throw invalid(`task ${id}: '${type}' is no type of task, only api and resource are`)
}

function readApiTask({ id, action, payload, ...other }: TaskFile, archive: Archive) {
  if (other.resource || other.resourceUri || other.stage || other.service) {
    throw invalid(`task ${id}: cannot set resource task fields on API task`)
  }
  if (action === "" && payload === "") throw invalid(`task ${id}: empty api definition not supported`)
  const known = ACTIONS.find((one) => one === action)
  if (known === undefined) throw invalid(`task ${id}: unsupported action type: ${action}`)
  if (archive.size(payload) === null) throw invalid(`task ${id}: payload file ${payload} does not exist`)
  return { action: known, payload }
}

function readResourceTask({ id, resource, resourceUri, stage, service, ...other }: TaskFile, archive: Archive) {
  if (other.action || other.payload) throw invalid(`task ${id}: cannot set API task fields on resource task`)
  if (resource === "" && resourceUri === "") throw invalid(`task ${id}: empty resource definition not supported`)
  if (resourceUri === "") throw invalid(`task ${id}: resourceUri cannot be empty for resource task type`)
  if (archive.size(resource) === null) throw invalid(`task ${id}: resource file ${resource} does not exist`)
  return { resource, resourceUri, stage: stage || null, service: service || null }
}

function invalid(problem: string): ManifestError {
  return new ManifestError(`error validating manifest: ${problem}`)
}
