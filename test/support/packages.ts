/** Import packages as tests make and send them. */
import { strToU8, zipSync } from "fflate"
import { z } from "zod"
import { send, type TestRequest } from "./client.ts"
import { answer } from "./keptn.ts"

/** Files of a package by path. */
export type PackageFiles = Record<string, string | Uint8Array>

/** A package whose tasks are several changes: a service, files of every stage, and another service. */
export const SEVERAL_CHANGES: PackageFiles = {
  "manifest.yaml": `tasks:
  - {id: one, type: api, action: keptn-api-v1-create-service, payload: one.json}
  - {id: file, type: resource, resource: f, resourceUri: f}
  - {id: two, type: api, action: keptn-api-v1-create-service, payload: two.json}
`,
  "one.json": '{"serviceName":"one"}',
  "two.json": '{"serviceName":"two"}',
  f: "content",
}

/** A zip archive with these files. */
export function zipOf(files: PackageFiles): Uint8Array<ArrayBuffer> {
  const entries = Object.entries(files).map(([path, content]): [string, Uint8Array] => [
    path,
    typeof content === "string" ? strToU8(content) : content,
  ])
  return new Uint8Array(zipSync(Object.fromEntries(entries)))
}

/** A form with an archive, as Keptn's clients send it. */
export function formWith(archive: Uint8Array<ArrayBuffer>, field = "configPackage"): FormData {
  const form = new FormData()
  form.append(field, new File([archive], "package.zip"))
  return form
}

/** Sends an archive to be imported into a project of `eu`. */
export function postArchive(
  project: string,
  archive: Uint8Array<ArrayBuffer>,
  request: TestRequest = {},
): Promise<Response> {
  return send("eu", `/api/v1/import?project=${project}`, { body: formWith(archive), ...request })
}

/** Sends a package with these files. */
export function postPackage(project: string, files: PackageFiles, request: TestRequest = {}): Promise<Response> {
  return postArchive(project, zipOf(files), request)
}

const summarySchema = z.strictObject({
  outcome: z.literal("success"),
  tasks: z.array(
    z.strictObject({
      task: z.strictObject({
        Project: z.string(),
        Task: z.record(z.string(), z.unknown()),
        Context: z.record(z.string(), z.string()),
      }),
      response: z.record(z.string(), z.unknown()),
    }),
  ),
})

export type ImportSummary = z.infer<typeof summarySchema>

/** Imports a package that is accepted; answers the summary. */
export async function importPackage(project: string, files: PackageFiles): Promise<ImportSummary> {
  return answer(await postPackage(project, files), summarySchema)
}
