/**
 * What an import package wants, worked out before anything is done: its templates rendered, its payloads read, its names checked. What a
 * task answers is known in advance but for the commits of its files, so that later tasks can use it.
 */
import { utf8, utf8Text } from "../../lib/bytes.ts"
import { filePath } from "../../lib/file-path.ts"
import type { Project } from "../../partition/projects.ts"
import type { NewSecret } from "../../partition/secrets.ts"
import type { Subscription } from "../../partition/uniform.ts"
import type { Archive } from "./import-archive.ts"
import { readManifest, type Task } from "./import-manifest.ts"
import { PlanError, readSecret, readService, readSubscription } from "./import-payloads.ts"
import { TemplateError, TemplateRenderer } from "./import-template.ts"

/** A task as the answer tells of it, in the names of Keptn. */
export interface TaskContext {
  Project: string
  Task: Record<string, unknown>
  Context: Record<string, string>
}

/** What one task wants. */
export type Step =
  | { kind: "service"; name: string }
  | { kind: "secret"; secret: NewSecret }
  | { kind: "subscription"; subscription: Subscription }
  | { kind: "files"; stages: readonly string[]; path: string; content: Uint8Array<ArrayBuffer> }

/** A task with what it wants, and what it will answer; null for a commit, which is not known yet. */
export interface PlannedTask {
  id: string
  task: TaskContext
  step: Step
  response: Record<string, unknown> | null
}

/** How many characters the files and values of a package may be together, before and after they are rendered. */
const LARGEST_PLAN = 32 * 1024 * 1024
/** Each file is a request to R2, of which a Worker has 10,000. */
const MOST_WRITES = 1000

/** Plans the import of a package into a project. Throws a `PlanError`, or what reading the package throws. */
export function planImport(project: Project, archive: Archive): PlannedTask[] {
  const planner = new Planner(project, archive)
  return readManifest(archive).map((task) => planner.plan(task))
}

class Planner {
  readonly #project: Project
  readonly #archive: Archive
  readonly #renderer = new TemplateRenderer(LARGEST_PLAN)
  readonly #planned: PlannedTask[] = []
  readonly #services = new Set<string>()
  readonly #secrets = new Set<string>()
  #writes = 0

  constructor(project: Project, archive: Archive) {
    this.#project = project
    this.#archive = archive
  }

  plan(task: Task): PlannedTask {
    try {
      const context = this.#contextOf(task)
      const planned = { id: task.id, task: context, ...this.#stepOf(task, context) }
      this.#planned.push(planned)
      return planned
    } catch (error) {
      if (!(error instanceof TemplateError || error instanceof PlanError)) throw error
      throw new PlanError(`task ${task.id}: ${error.message}`)
    }
  }

  #contextOf(task: Task): TaskContext {
    const values = {
      Inputs: { project: this.#project.name },
      Tasks: Object.fromEntries(
        this.#planned.map(({ id, task: done, response }) => [id, { ...done, Response: response }]),
      ),
    }
    const rendered = Object.entries(task.context).map(([key, value]) => [key, this.#renderer.render(value, values)])
    return { Project: this.#project.name, Task: describe(task), Context: Object.fromEntries(rendered) }
  }

  #stepOf(task: Task, context: TaskContext): Pick<PlannedTask, "step" | "response"> {
    if (task.type === "resource") return { step: this.#filesStep(task, context), response: null }
    const payload = this.#payload(task.payload, context)
    switch (task.action) {
      case "keptn-api-v1-create-service":
        return { step: { kind: "service", name: this.#newService(payload) }, response: { message: "" } }
      case "keptn-api-v1-uniform-create-secret": {
        const secret = this.#newSecret(payload)
        return { step: { kind: "secret", secret }, response: { ...secret } }
      }
      case "keptn-api-v1-uniform-create-webhook-subscription": {
        const subscription = readSubscription(payload)
        return { step: { kind: "subscription", subscription }, response: { id: subscription.id } }
      }
    }
  }

  #newService(payload: unknown): string {
    const name = readService(payload)
    const stands = this.#project.stages.some((stage) => stage.services.some((service) => service.name === name))
    if (stands || this.#services.has(name)) throw new PlanError("service already exists")
    this.#services.add(name)
    return name
  }

  /** Whether it is stored already is found out later, when all are known. */
  #newSecret(payload: unknown): NewSecret {
    const secret = readSecret(payload)
    if (this.#secrets.has(secret.name)) throw new PlanError("Unable to create secret: secret already exists")
    this.#secrets.add(secret.name)
    return secret
  }

  #filesStep(task: Extract<Task, { type: "resource" }>, context: TaskContext): Step {
    const { service, resourceUri } = task
    const path = filePath(resourceUri)
    if (path === null) throw new PlanError(`invalid resource uri '${resourceUri}'`)
    const stages = this.#stagesOf(task)
    this.#writes += stages.length
    if (this.#writes > MOST_WRITES) throw new PlanError(`the package writes more than ${MOST_WRITES} files`)
    const content = this.#rendered(task.resource, context)
    return { kind: "files", stages, path: service === null ? path : `${service}/${path}`, content }
  }

  /** The stages that a file goes to, all of which must have its service. */
  #stagesOf({ stage, service }: Extract<Task, { type: "resource" }>): string[] {
    const stages = this.#project.stages.filter(({ name }) => stage === null || name === stage)
    if (stages.length === 0) throw new PlanError(`stage '${stage}' not found`)
    const isThere = (names: readonly { name: string }[]) =>
      service === null || this.#services.has(service) || names.some(({ name }) => name === service)
    const without = stages.find(({ services }) => !isThere(services))
    if (without) throw new PlanError(`service '${service}' not found in stage '${without.name}'`)
    return stages.map(({ name }) => name)
  }

  #payload(path: string, context: TaskContext): unknown {
    const text = utf8Text(this.#rendered(path, context))
    if (text === null) throw new PlanError(`payload ${path} is not UTF-8`)
    try {
      return JSON.parse(text.replace(/^\uFEFF/, ""))
    } catch {
      throw new PlanError(`payload ${path} is not valid JSON once it is rendered`)
    }
  }

  /** A file of the package, rendered; one that is no text is taken as it is. */
  #rendered(path: string, context: TaskContext): Uint8Array<ArrayBuffer> {
    this.#renderer.count(this.#archive.size(path) ?? 0)
    const bytes = this.#archive.read(path)
    const text = utf8Text(bytes)
    if (text === null) return bytes
    try {
      return utf8(this.#renderer.render(text, context))
    } catch (error) {
      if (error instanceof TemplateError) throw new PlanError(`error rendering ${path}: ${error.message}`)
      throw error
    }
  }
}

/** A task in the names that Keptn's templates and answers have for its members. */
function describe(task: Task): Record<string, unknown> {
  const { id: ID, type: Type, name: Name, context: Context } = task
  if (task.type === "api") return { Action: task.action, PayloadFile: task.payload, ID, Type, Name, Context }
  const { resource: File, resourceUri: RemoteURI, stage, service } = task
  return { File, RemoteURI, Stage: stage ?? "", Service: service ?? "", ID, Type, Name, Context }
}
