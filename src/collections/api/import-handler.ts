/** How import packages are taken in. */
import type { HonoRequest } from "hono"
import { principalOf, requireProject, requireSecrets, requireSubscribe } from "../../gateway/authorize.ts"
import { ApiError } from "../../gateway/errors.ts"
import { authorOf } from "../../lib/author.ts"
import { findProject, type Project } from "../../partition/projects.ts"
import type { RegionalHandler } from "../regional.ts"
import type { ApiSettings } from "./handlers.ts"
import { type Archive, ArchiveError, openArchive } from "./import-archive.ts"
import { MANIFEST, ManifestError } from "./import-manifest.ts"
import { PlanError } from "./import-payloads.ts"
import { planImport, type PlannedTask } from "./import-plan.ts"
import { type DoneTask, ImportFailure, type ImportTools, runImport } from "./import-run.ts"
import type { importPackage } from "./routes.ts"
import { PACKAGE_FIELD } from "./schemas.ts"

/** Imports packages. `integrationLifetime` is how long an integration is known without a heartbeat, in milliseconds. */
export function importPackageHandler({ integrationLifetime }: ApiSettings): RegionalHandler<typeof importPackage> {
  return async (c) => {
    const { project: name } = c.req.valid("query")
    requireProject(c, "contribute", name, unknownProject)
    const bytes = await readPackage(c.req)
    const partition = c.get("partition")
    const project = await findProject(partition, name)
    if (project === null) throw unknownProject(name)
    const tasks = planned(project, bytes)
    // Secrets belong to the region, and are not every project's to create.
    if (tasks.some(({ step }) => step.kind === "secret")) requireSecrets(c, "administer")
    for (const { step } of tasks) {
      if (step.kind === "subscription") requireSubscribe(c, step.subscription.filter.projects)
    }
    const now = Date.now()
    const author = authorOf(principalOf(c), now)
    const tools = { partition, project: name, author, seal: c.get("seal"), alive: now - integrationLifetime }
    return c.json({ outcome: "success" as const, tasks: await done(tools, tasks) }, 200)
  }
}

async function done(tools: ImportTools, tasks: readonly PlannedTask[]): Promise<DoneTask[]> {
  try {
    return await runImport(tools, tasks)
  } catch (error) {
    if (!(error instanceof ImportFailure)) throw error
    if (error.storageError === null) throw notProcessed(error.message)
    console.error(JSON.stringify({ event: "import-failed", project: tools.project, error: error.storageError }))
    throw new ApiError("unavailable", processingText(error.message))
  }
}

/** The bytes of the archive in a form. */
async function readPackage(request: HonoRequest): Promise<Uint8Array> {
  const type = request.header("content-type")
  if (type !== undefined && !/^multipart\/form-data\s*(;|$)/i.test(type)) {
    const text = `unsupported media type "${type}", only [multipart/form-data] are allowed`
    throw new ApiError("unsupported_media_type", text)
  }
  const file = type === undefined ? null : (await readForm(request, type)).get(PACKAGE_FIELD)
  if (file === null) throw invalidForm("is required", 602)
  if (typeof file === "string") throw invalidForm("must be of type file", 601)
  return new Uint8Array(await file.arrayBuffer())
}

async function readForm(request: HonoRequest, type: string): Promise<FormData> {
  try {
    // With an Idempotency-Key the body was read before, and Hono keeps its bytes but forgets their type.
    return await new Response(await request.arrayBuffer(), { headers: { "Content-Type": type } }).formData()
  } catch {
    throw new ApiError("invalid_request", "Invalid request format: the body is no form, as it is declared to be")
  }
}

function invalidForm(text: string, keptnCode: number): ApiError {
  return new ApiError("validation_failed", `${PACKAGE_FIELD} in formData ${text}`, { keptnCode })
}

/** What the package in these bytes wants of a project. */
function planned(project: Project, bytes: Uint8Array): PlannedTask[] {
  try {
    return planImport(project, withManifest(openArchive(bytes)))
  } catch (error) {
    if (error instanceof ArchiveError) {
      throw new ApiError("unsupported_media_type", `Error opening import archive: ${error.message}`)
    }
    if (error instanceof ManifestError || error instanceof PlanError) throw notProcessed(error.message)
    throw error
  }
}

function withManifest(archive: Archive): Archive {
  if (archive.size(MANIFEST) === null) throw new ArchiveError(`there is no ${MANIFEST} at its top level`)
  return archive
}

function notProcessed(problem: string): ApiError {
  return new ApiError("invalid_request", processingText(problem))
}

function processingText(problem: string): string {
  return `Error processing import archive: ${problem}`
}

function unknownProject(project: string): ApiError {
  return new ApiError("not_found", `project ${project} does not exist`)
}
