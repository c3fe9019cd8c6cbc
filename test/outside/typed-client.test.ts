/** Clients that a public generator makes of the documents: they compile, strictly, and what they are typed as is what is answered. */
import { execFileSync } from "node:child_process"
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { basename, join } from "node:path"
import { generateSource } from "oazapfts"
import { afterAll, beforeAll, expect, inject, test } from "vitest"
import { z } from "zod"
import { documentsOf } from "./documents.ts"

const ROOT = join(import.meta.dirname, "..", "..")
const edge = inject("edge")

/** The main job, in the words of the generated clients. */
const TOUR = `
import { ok } from "@oazapfts/runtime"
import * as api from "./api-service.js"
import * as control from "./control-plane.js"
import * as datastore from "./mongodb-datastore.js"
import * as resources from "./resource-service.js"

declare const process: { argv: string[] }
const [, , baseUrl = "", token = ""] = process.argv
for (const { defaults } of [api, control, datastore, resources]) {
  defaults.baseUrl = baseUrl
  defaults.headers = { "x-token": token }
}

const project = "typed-client"
const lines = ["apiVersion: spec.keptn.sh/0.2.2", "kind: Shipyard", "spec:", "  stages:", "    - name: dev"]
await ok(control.createProject({ name: project, shipyard: btoa(lines.join("\\n")) }))
await ok(control.createService(project, { serviceName: "carts" }))

const file = (text: string) => ({ resources: [{ resourceURI: "helm/values.yaml", resourceContent: btoa(text) }] })
const first = await ok(resources.writeProjectResources(project, file("of the project")))
await ok(resources.writeStageResources(project, "dev", file("of the stage")))
await ok(resources.writeServiceResources(project, "dev", "carts", file("of the service")))
await ok(resources.updateProjectResource(project, "helm/values.yaml", { resourceContent: btoa("changed") }))

const texts: string[] = []
for (const { resourceContent } of [
  await ok(resources.readProjectResource(project, "helm/values.yaml")),
  await ok(resources.readStageResource(project, "dev", "helm/values.yaml")),
  await ok(resources.readServiceResource(project, "dev", "carts", "helm/values.yaml")),
  await ok(resources.readProjectResource(project, "helm/values.yaml", { gitCommitId: first.commitID })),
]) {
  texts.push(atob(resourceContent))
}

const sent = await ok(
  api.sendEvent({
    type: "sh.keptn.event.dev.delivery.triggered",
    source: "typed-client",
    data: { project, stage: "dev", service: "carts" },
  }),
)
const keptnContext = "keptnContext" in sent ? sent.keptnContext : ""
const { events, totalCount } = await ok(datastore.listEvents({ project, keptnContext }))

const missing = await control.getProject("nowhere")
const refused = missing.status === 404 ? missing.data.message : ""
const types = events.map(({ type }) => type)
console.log(JSON.stringify({ texts, types, totalCount, refused }))
`

const SETTINGS = {
  compilerOptions: {
    target: "esnext",
    lib: ["esnext", "dom", "dom.iterable"],
    module: "esnext",
    moduleResolution: "bundler",
    strict: true,
    types: [],
    rootDir: ".",
    outDir: "out",
  },
  include: ["*.ts"],
}

/** Below the root, where the runtime of the clients is found. */
let folder = ""

beforeAll(async () => {
  mkdirSync(join(ROOT, "dist"), { recursive: true })
  folder = mkdtempSync(join(ROOT, "dist", "typed-client-"))
  const documents = [...(await documentsOf(edge, "eu")), ...(await documentsOf(edge, "global"))]
  for (const [path, text] of documents) {
    const document = join(folder, basename(path))
    writeFileSync(document, text)
    const source = await generateSource(document)
    // What generators make of a reference with more beside it: a type that is lost.
    expect(source).not.toContain("& any")
    writeFileSync(document.replace(/json$/, "ts"), source)
  }
  writeFileSync(join(folder, "tour.ts"), TOUR)
  writeFileSync(join(folder, "tsconfig.json"), JSON.stringify(SETTINGS))
})

afterAll(() => rmSync(folder, { recursive: true }))

test("clients of all documents compile, and those of the main job do it", () => {
  compile()
  // A bare address stands for the first region, and needs no name to be resolved.
  const output = execFileSync(
    process.execPath,
    [join(folder, "out", "tour.js"), `http://127.0.0.1:${edge.port}`, edge.token],
    { encoding: "utf8" },
  )
  expect(z.unknown().parse(JSON.parse(output))).toEqual({
    texts: ["changed", "of the stage", "of the service", "of the project"],
    types: ["sh.keptn.event.dev.delivery.triggered"],
    totalCount: 1,
    refused: "Project not found: nowhere",
  })
})

/** Compiles what is in the folder. What is wrong with it is in the error. */
function compile(): void {
  try {
    execFileSync(join(ROOT, "node_modules", ".bin", "tsc"), ["-p", folder], { encoding: "utf8", stdio: "pipe" })
  } catch (error) {
    const { stdout } = z.object({ stdout: z.string() }).parse(error)
    throw new Error(stdout, { cause: error })
  }
}
