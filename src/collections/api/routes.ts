/** The contract of the api-service API. */
import { createRoute, z } from "@hono/zod-openapi"
import { requires } from "../../gateway/authorize.ts"
import { keptnErrors } from "../../gateway/responses.ts"
import {
  documentedBatch,
  documentedPackage,
  eventContextSchema,
  eventContextsSchema,
  importSummarySchema,
  metadataSchema,
} from "./schemas.ts"

/** Registered by the collection. A schema of zod would be taken for the validator of every body. */
const sentEvent = { $ref: "#/components/schemas/KeptnContextExtendedCE" }

/** Keptn's gateway turns every method into the POST, and clients have come to use those that they know. */
export const authenticationChecks = (["get", "post", "put", "patch", "delete"] as const).map((method) =>
  createRoute({
    ...requires({ on: "token" }),
    method,
    path: "/api/v1/auth",
    operationId:
      method === "post"
        ? "checkAuthentication"
        : `checkAuthenticationBy${method.charAt(0).toUpperCase()}${method.slice(1)}`,
    tags: ["installation"],
    summary: "Check a token",
    description:
      method === "post"
        ? "Answers with an empty body when the token is valid."
        : "The same as the POST, for clients that use another method.",
    responses: { 200: { description: "The token is valid" }, ...keptnErrors() },
  }),
)

export const getMetadata = createRoute({
  ...requires({ on: "token" }),
  method: "get",
  path: "/api/v1/metadata",
  operationId: "getMetadata",
  tags: ["installation"],
  summary: "Describe the installation",
  description:
    "What Keptn's clients ask before anything else: whose API this is, and that projects need no git remote.",
  responses: {
    200: { description: "The installation", content: { "application/json": { schema: metadataSchema } } },
    ...keptnErrors(),
  },
})

export const sendEvent = createRoute({
  ...requires({ on: "body", action: "integrate", atMost: "contribute" }),
  method: "post",
  path: "/api/v1/event",
  operationId: "sendEvent",
  tags: ["events"],
  summary: "Send an event",
  description:
    "Stores a CloudEvent and answers its Keptn context. `id` and `time` are given by the server: the same request again stores another event, unless it comes with the same `Idempotency-Key`. " +
    "It is found as soon as this is answered. A context that is no UUID " +
    "is turned into one, always the same. Events that only report on a task (`….started`, `….status.changed`, `….finished`, " +
    "logs) need the role Integration on their project, all others Contributor; an event of no project needs it on all.\n\n" +
    "An event is one JSON object. Beyond Keptn it may come in CloudEvents' binary mode: the body is its `data`, the attributes are " +
    "headers, percent-encoded (`ce-specversion`, which tells the two apart, `ce-type`, `ce-source`, and `ce-time`, " +
    "`ce-shkeptncontext`, `ce-triggeredid`, `ce-gitcommitid`). `application/cloudevents-batch+json` is an array of up to 100 " +
    "events, of which all are stored or none; the caller needs the role of every one. The answer holds their contexts in " +
    "`keptnContexts`. JSON may be nested 500 levels deep.",
  request: {
    body: {
      required: true,
      // The handler reads the body: which of these it is decides how.
      content: {
        "application/json": { schema: sentEvent },
        "application/cloudevents+json": { schema: sentEvent },
        "application/cloudevents-batch+json": { schema: documentedBatch },
      },
    },
  },
  responses: {
    200: {
      description: "The context of the event, or those of a batch",
      content: { "application/json": { schema: z.union([eventContextSchema, eventContextsSchema]) } },
    },
    ...keptnErrors(
      "invalid_request",
      "permission_denied",
      "not_found",
      "payload_too_large",
      "unsupported_media_type",
      "validation_failed",
    ),
  },
})

export const importPackage = createRoute({
  ...requires({ on: "body", action: "contribute", atMost: "administer", secrets: true }),
  method: "post",
  path: "/api/v1/import",
  operationId: "importPackage",
  tags: ["import"],
  summary: "Import a package into a project",
  description:
    "Takes a zip archive with a `manifest.yaml`, whose tasks change the project that the query names: `resource` tasks store files, in one " +
    "stage or, without one, in every stage; `api` tasks create services (`keptn-api-v1-create-service`), secrets " +
    "(`keptn-api-v1-uniform-create-secret`, which needs the role Admin on secrets besides) and subscriptions of the integration " +
    "`webhook-service` (`keptn-api-v1-uniform-create-webhook-subscription`).\n\n" +
    "Values of a `context`, payloads and files are templates with the delimiters `[[ ]]`, of which fields (`[[ .Context.name ]]`) and quoted " +
    "texts are supported; a field that is not there is an error. A file that is not UTF-8 is stored as it is. What a `resource` task answers " +
    "cannot be used by others, because nothing is committed before all are read.\n\n" +
    "Everything that can be checked is checked before anything is written: a package with such a mistake does nothing. Then the `api` tasks " +
    "are done in their order, then each stage gets its files in one commit. This is not one transaction: when a step fails " +
    "nevertheless, because of another writer or of the storage, the steps before it stay, and the message says which tasks are done " +
    "and which are not.\n\n" +
    "An archive unpacks to at most 50 MiB in at most 1,000 entries, and has at most 200 tasks, which write at most 1,000 files.",
  request: {
    query: z.object({
      project: z.string().min(1).openapi({ description: "The project that the package changes", example: "sockshop" }),
    }),
    body: { required: true, content: { "multipart/form-data": { schema: documentedPackage } } },
  },
  responses: {
    200: {
      description: "Everything was done",
      content: { "application/json": { schema: importSummarySchema } },
    },
    ...keptnErrors(
      "invalid_request",
      "permission_denied",
      "not_found",
      "payload_too_large",
      "unsupported_media_type",
      "validation_failed",
      "unavailable",
    ),
  },
})
