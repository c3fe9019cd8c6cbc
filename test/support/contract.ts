/**
 * Every response to a test is held against the documents: that its operation tells of its status and media type, and that its body has
 * the shape that stands there. What no document describes (paths that are not there, methods that are not allowed, HEAD, OPTIONS, the docs
 * themselves, health) is passed over.
 */
import { z } from "zod"
import { routedPath } from "../../src/gateway/path.ts"
import { readDocuments } from "./documents.ts"
import { type Check, schemaChecks } from "./json-schema.ts"

/** Larger bodies are not looked at. */
const LARGEST = 1024 * 1024
/** The one parameter that stands for several segments of a path, which OpenAPI cannot say. */
const SPANNING = "{resourceURI}"
/** What regional hosts serve of the identity document. */
const SELF = new Set(["getOrganization", "getMe"])

const documentSchema = z.looseObject({
  paths: z.record(
    z.string(),
    z.record(
      z.string(),
      z.looseObject({
        operationId: z.string(),
        responses: z.record(
          z.string(),
          z.looseObject({ content: z.record(z.string(), z.looseObject({ schema: z.unknown() })).optional() }),
        ),
      }),
    ),
  ),
  components: z.looseObject({ schemas: z.record(z.string(), z.unknown()) }),
})

type Responses = z.infer<typeof documentSchema>["paths"][string][string]["responses"]

interface Described {
  method: string
  pattern: RegExp
  /** How many parameters its path has. */
  parameters: number
  operationId: string
  responses: Responses
  checkOf: (schema: unknown) => Check
}

/** Per host label what its documents describe. */
let described: Promise<Map<string, Described[]>> | undefined
const checks = new WeakMap<object, Check>()

/** Reads the documents of all hosts, unless they were read already. */
export async function readContract(): Promise<Map<string, Described[]>> {
  described ??= read()
  return described
}

async function read(): Promise<Map<string, Described[]>> {
  const [regional, global] = await Promise.all([operationsOf("eu"), operationsOf("global")])
  const ofRegion = [...regional, ...global.filter(({ operationId }) => SELF.has(operationId))]
  return new Map([
    ["eu", ofRegion],
    ["us", ofRegion],
    ["global", global],
  ])
}

async function operationsOf(label: string): Promise<Described[]> {
  const documents = await readDocuments(label)
  return documents.flatMap((document) => {
    const { paths, components } = documentSchema.parse(document)
    const checkOf = schemaChecks(components.schemas)
    return Object.entries(paths).flatMap(([path, item]) =>
      Object.entries(item).map(([method, { operationId, responses }]) => ({
        method: method.toUpperCase(),
        pattern: patternOf(path),
        parameters: path.split("{").length - 1,
        operationId,
        responses,
        checkOf,
      })),
    )
  })
}

function patternOf(path: string): RegExp {
  const source = path.replaceAll(SPANNING, "(.+)").replaceAll(/\{\w+\}/g, "([^/]+)")
  return new RegExp(`^${source}$`)
}

/** Throws when the documents do not have what was answered to `request`. */
export async function expectDocumented(request: Request, response: Response): Promise<void> {
  const { hostname } = new URL(request.url)
  const operations = (await readContract()).get(hostname.replace(/\.api\.localhost$/, "")) ?? []
  const path = routedPath(request)
  const matching = operations.filter(({ pattern }) => pattern.test(path))
  // A concrete path comes before a template that covers it, whose methods it does not have.
  const fewest = Math.min(...matching.map(({ parameters }) => parameters))
  const operation = matching.find(({ method, parameters }) => method === request.method && parameters === fewest)
  if (operation === undefined) return
  const problem = await problemOf(operation, response)
  if (problem === null) return
  throw new Error(`${operation.operationId} (${request.method} ${path}) answered ${response.status}: ${problem}`)
}

async function problemOf({ responses, checkOf }: Described, response: Response): Promise<string | null> {
  const told = responses[response.status]
  if (told === undefined) return "its document does not tell of this status"
  const type = response.headers.get("content-type")?.split(";")[0]?.trim().toLowerCase() ?? null
  if (told.content === undefined) {
    if (type !== null) return `it has a body of type ${type}, and its document tells of none`
    return (await readBody(response)) === "" ? null : "it has a body, and its document tells of none"
  }
  const media = type === null ? undefined : told.content[type]
  if (media === undefined) return `its type is ${type}, its document has ${Object.keys(told.content).join(", ")}`
  const isText = z.looseObject({ type: z.literal("string") }).safeParse(media.schema).success
  if (isText) return null
  const text = await readBody(response)
  if (text === null) return null
  const check = checks.get(media) ?? checkOf(media.schema)
  checks.set(media, check)
  const problem = check(JSON.parse(text))
  return problem === null ? null : `its body does not fit: ${problem} in ${text.slice(0, 500)}`
}

/** The body as text, or null when it is too large. The response itself can still be read. */
async function readBody(response: Response): Promise<string | null> {
  const { body } = response.clone()
  if (body === null) return ""
  const decoder = new TextDecoder()
  const reader = body.getReader()
  let text = ""
  for (;;) {
    const { done, value } = await reader.read()
    if (done) return text + decoder.decode()
    text += decoder.decode(value, { stream: true })
    if (text.length > LARGEST) {
      await reader.cancel()
      return null
    }
  }
}
