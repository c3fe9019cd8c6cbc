/** Copies files through the API, without their history: what differs is written, nothing is deleted. */
import { createHash } from "node:crypto"
import type { Progress } from "./progress.ts"
import type { Level, Source, SourceProject } from "./source.ts"
import type { FileContent, Target } from "./target.ts"

/** Where a copy goes from and to. */
interface Ends {
  source: Source
  target: Target
}

/** What one request may hold: far below the target's limits, whose bodies carry base64. */
const BATCH = { files: 200, bytes: 2 * 1024 * 1024 }
const AT_ONCE = 6
const SHIPYARD = "shipyard.yaml"

/** Copies the files of all levels of a project. Answers how many were written. */
export async function copyFiles(ends: Ends, project: SourceProject, progress: Progress): Promise<number> {
  const main = await copyLevel(ends, project, {}, new Set(), progress)
  let written = main.length
  for (const { name: stage, services } of project.stages) {
    const listed = new Set(await ends.source.files(project.name, { stage }))
    written += (await copyLevel(ends, project, { stage }, new Set(), progress, listed)).length
    for (const service of services) {
      // A stage lists the files of its services, too.
      const seen = new Set(
        [...listed].filter((path) => path.startsWith(`${service}/`)).map((path) => path.slice(service.length + 1)),
      )
      written += (await copyLevel(ends, project, { stage, service }, seen, progress)).length
    }
  }
  return written
}

/** Copies the files of a level that are not `seen`. Answers the paths that were written. */
async function copyLevel(
  ends: Ends,
  project: SourceProject,
  level: Level,
  seen: ReadonlySet<string>,
  progress: Progress,
  listed?: ReadonlySet<string>,
): Promise<string[]> {
  const paths = [...(listed ?? (await ends.source.files(project.name, level)))].filter((path) => !seen.has(path))
  const written: string[] = []
  const batch = new Batch(ends.target, project.name, level)
  for (let start = 0; start < paths.length; start += AT_ONCE) {
    progress.step("copies files", start, paths.length)
    const some = paths.slice(start, start + AT_ONCE)
    const files = await Promise.all(some.map((path) => readDiffering(ends, project, level, path)))
    for (const file of files) {
      if (file === null) continue
      await batch.add(file)
      written.push(file.path)
    }
  }
  await batch.flush()
  return written
}

/** A file of the source that the target does not have; null when it has it, or the source no longer. */
async function readDiffering(
  { source, target }: Ends,
  project: SourceProject,
  level: Level,
  path: string,
): Promise<FileContent | null> {
  const isShipyard = level.stage === undefined && path === SHIPYARD
  const content = isShipyard ? Buffer.from(project.shipyard) : await source.file(project.name, level, path)
  if (content === null || (await target.hasFile(project.name, level, path, blobId(content)))) return null
  return { path, content }
}

/** The id that git gives a file. */
function blobId(content: Buffer): string {
  return createHash("sha1").update(`blob ${content.length}\0`).update(content).digest("hex")
}

/** Files of a level on their way to the target. */
class Batch {
  readonly #target: Target
  readonly #project: string
  readonly #level: Level
  #files: FileContent[] = []
  #bytes = 0

  constructor(target: Target, project: string, level: Level) {
    this.#target = target
    this.#project = project
    this.#level = level
  }

  async add(file: FileContent): Promise<void> {
    if (file.content.length > BATCH.bytes) {
      await this.#target.writeFile(this.#project, this.#level, file)
      return
    }
    if (this.#files.length === BATCH.files || this.#bytes + file.content.length > BATCH.bytes) await this.flush()
    this.#files.push(file)
    this.#bytes += file.content.length
  }

  async flush(): Promise<void> {
    if (this.#files.length > 0) await this.#target.writeFiles(this.#project, this.#level, this.#files)
    this.#files = []
    this.#bytes = 0
  }
}

/**
 * Copies the charts of services as archives, which is how clients ask for them: Keptn keeps `helm/carts.tgz` unpacked, lists the
 * files in it, and packs them when it is read. Packing gives other bytes each time, so a chart that is there is copied again only when
 * its files were: `changed` says which branches have new ones. Answers how many were written.
 */
export async function copyCharts(
  { source, target }: Ends,
  project: SourceProject,
  changed: (stage: string) => boolean,
  progress: Progress,
): Promise<number> {
  let written = 0
  for (const { name: stage } of project.stages) {
    const charts = (await source.files(project.name, { stage })).flatMap(
      (path) => /^(.*\/)?helm\/[^/]+(?=\/Chart\.yaml$)/.exec(path)?.[0] ?? [],
    )
    for (const [index, chart] of charts.entries()) {
      progress.step("copies charts", index, charts.length)
      const path = `${chart}.tgz`
      if (!changed(stage) && (await target.hasFile(project.name, { stage }, path, null))) continue
      const content = await source.file(project.name, { stage }, path)
      if (content === null) continue
      await target.writeFile(project.name, { stage }, { path, content })
      written++
    }
  }
  return written
}
