/** Bodies that are taken, of operations whose example says too little: what is exchanged in them gets further. */
import { zipSync } from "fflate"
import { FILE_MODE } from "../../src/git/objects.ts"
import { utf8 } from "../../src/lib/bytes.ts"
import { commandBody, fetchBody, headOf, NO_OBJECT, pushBody } from "../support/git.ts"
import type { Operation } from "../support/openapi.ts"
import { blobOf, commitOf, packOf, treeOf } from "../support/packs.ts"
import type { Body } from "./requests.ts"

/** The project and the stage of all examples. */
const PROJECT = "sockshop"
const STAGE = "dev"

/** More bodies for an operation; most have none. */
export async function soundBodies({ operationId }: Operation, example: Body | null): Promise<Body[]> {
  if (operationId === "gitUploadPack") return fetches()
  if (operationId === "gitReceivePack") return pushes()
  return operationId === "importPackage" && example instanceof Uint8Array ? packages(example) : []
}

async function fetches(): Promise<Body[]> {
  const head = await headOf(PROJECT, STAGE)
  return [
    fetchBody(`want ${head}`, `have ${NO_OBJECT}`, "deepen 1", "done"),
    fetchBody(`want ${head}`, "filter blob:none", "done"),
    commandBody("ls-refs", "peel", "symrefs", "ref-prefix refs/heads/"),
  ]
}

async function pushes(): Promise<Body[]> {
  const head = await headOf(PROJECT, STAGE)
  const blob = await blobOf("pushed\n")
  const tree = await treeOf({ mode: FILE_MODE, name: "a", id: blob.id })
  const commit = await commitOf({ tree: tree.id, parents: [head] })
  const update = { ref: `refs/heads/${STAGE}`, from: head, to: commit.id }
  const removal = { ref: "refs/heads/other", from: head, to: NO_OBJECT }
  return [pushBody([update], packOf([commit, tree, blob])), pushBody([removal, update], new Uint8Array())]
}

/** The form of the example with other archives in it, which are not packed, so that what is exchanged in them can still be read. */
function packages(example: Uint8Array<ArrayBuffer>): Body[] {
  const form = [...example].map((byte) => String.fromCharCode(byte)).join("")
  const [head = "", ...rest] = form.split("\r\n\r\n")
  const tail = rest.join("\r\n\r\n").slice(rest.join("\r\n\r\n").lastIndexOf("\r\n--"))
  return MANIFESTS.map((manifest) => {
    const archive = zipSync({ "manifest.yaml": utf8(manifest), "a.json": utf8('{"serviceName":"a"}') }, { level: 0 })
    const bytes = [...archive].map((byte) => String.fromCharCode(byte)).join("")
    return Uint8Array.from(`${head}\r\n\r\n${bytes}${tail}`, (letter) => letter.charCodeAt(0))
  })
}

const MANIFESTS = [
  `apiVersion: v1beta1
tasks:
  - {id: a, type: api, action: keptn-api-v1-create-service, payload: a.json, context: {service: "[[ .Inputs.x ]]"}}
  - {id: b, type: resource, resource: a.json, resourceUri: a/b.json, stage: ${STAGE}, context: {c: "[[ .Tasks.a.Response.d ]]"}}
`,
]
