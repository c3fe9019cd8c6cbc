/** The contract of the resource-service API: the same operations on the files of a project, a stage and a service. */
import { createRoute, z } from "@hono/zod-openapi"
import { offsetPageQuery } from "../../gateway/paging.ts"
import { keptnErrors } from "../../gateway/responses.ts"
import type { ResourceDialect } from "./dialects.ts"
import { contribute, json, projectName, read, resourceURI, serviceName, stageName } from "./parameters.ts"
import {
  rawContent,
  readQuery,
  resourceListSchema,
  resourceSchema,
  writeListSchema,
  writeOneSchema,
  writeResultSchema,
} from "./schemas.ts"

/** A part of a project that has files of its own: how it is called, and where it is. */
interface RouteScope<Params> {
  name: "Project" | "Stage" | "Service"
  path: string
  params: Params
}

const project = { name: "Project", path: "/project/{projectName}", params: z.object({ projectName }) } as const
const stage = {
  name: "Stage",
  path: `${project.path}/stage/{stageName}`,
  params: z.object({ projectName, stageName }),
} as const
const service = {
  name: "Service",
  path: `${stage.path}/service/{serviceName}`,
  params: z.object({ projectName, stageName, serviceName }),
} as const

/** The name of a file is the rest of the path, whatever it holds: `.` would stop at the line separators of Unicode. */
const FILE = ":resourceURI{[^]+}"

const CONDITIONS =
  "`If-Match` and `If-None-Match` are honoured: with the `ETag` of a file for that file, with that of a list for its branch."
const UPSERT =
  "A file that is there already is overwritten; when all stand there already, no commit is made and the current one is answered. " +
  "Whoever reads after the answer reads what was written. With 409 and `Retry-After`, too many wrote at once: nothing was written."

/** The parts that all routes of a scope have in common. */
function ofScope({ name }: RouteScope<unknown>, dialect: ResourceDialect) {
  return { tags: [`${name.toLowerCase()} resources`], ...(dialect.deprecated && { deprecated: true }) }
}

function operationId(dialect: ResourceDialect, verb: string, scope: RouteScope<unknown>, noun: string): string {
  const id = `${verb}${scope.name}${noun}`
  return dialect.deprecated ? `legacy${id.charAt(0).toUpperCase()}${id.slice(1)}` : id
}

function listRoute<Params extends z.ZodObject>(dialect: ResourceDialect, scope: RouteScope<Params>) {
  return createRoute({
    ...ofScope(scope, dialect),
    ...read,
    method: "get",
    path: `${dialect.base}${scope.path}/resource`,
    operationId: operationId(dialect, "list", scope, "Resources"),
    summary: `List the files of a ${scope.name.toLowerCase()}`,
    description:
      "A page of the files at the head of the branch, in the order of a directory walk. A stage has those of its services, too. The answer's " +
      "`ETag` is the commit at the head.",
    request: { params: scope.params, query: offsetPageQuery },
    responses: {
      200: json(resourceListSchema, "A page of the files"),
      304: { description: "The branch is as it was with the given `If-None-Match`" },
      ...keptnErrors("invalid_request", "not_found"),
    },
  })
}

function writeRoute<Params extends z.ZodObject>(
  dialect: ResourceDialect,
  scope: RouteScope<Params>,
  method: "post" | "put",
) {
  const verb = method === "post" ? "write" : "update"
  return createRoute({
    ...ofScope(scope, dialect),
    ...contribute,
    method,
    path: `${dialect.base}${scope.path}/resource`,
    operationId: operationId(dialect, verb, scope, "Resources"),
    summary: `${method === "post" ? "Write" : "Update"} files of a ${scope.name.toLowerCase()}`,
    description: `Writes all files, at most 1,000, as one git commit, or none of them. ${UPSERT} ${CONDITIONS}`,
    request: {
      params: scope.params,
      body: { required: true, content: { "application/json": { schema: writeListSchema } } },
    },
    responses: {
      [method === "post" ? 201 : dialect.updated]: json(writeResultSchema, "The commit that holds the files"),
      ...keptnErrors(...WRITE_ERRORS),
    },
  })
}

const WRITE_ERRORS = [
  "invalid_request",
  "permission_denied",
  "not_found",
  "conflict",
  "precondition_failed",
  "payload_too_large",
] as const

function readRoute<Params extends z.ZodRawShape>(dialect: ResourceDialect, scope: RouteScope<z.ZodObject<Params>>) {
  return createRoute({
    ...ofScope(scope, dialect),
    ...read,
    method: "get",
    path: `${dialect.base}${scope.path}/resource/${FILE}`,
    operationId: operationId(dialect, "read", scope, "Resource"),
    summary: `Read a file of a ${scope.name.toLowerCase()}`,
    description:
      "Reads one file from the head of its branch, or as of `gitCommitID`. Scopes do not fall back on each other. The " +
      "answer's `ETag` is the git blob id. With `Accept: application/octet-stream` the answer is the bytes of the file, and " +
      "`Range` asks for a part of them. An unknown `gitCommitID` is answered with 500, as in Keptn.",
    request: { params: scope.params.extend({ resourceURI }), query: readQuery },
    responses: {
      200: {
        description: "The file",
        content: { "application/json": { schema: resourceSchema }, "application/octet-stream": { schema: rawContent } },
      },
      206: {
        description: "A part of the file's bytes",
        content: { "application/octet-stream": { schema: rawContent } },
      },
      304: { description: "The file is the one with the given `If-None-Match`" },
      ...keptnErrors("invalid_request", "not_found", "range_not_satisfiable", "keptn_failure"),
    },
  })
}

function writeOneRoute<Params extends z.ZodRawShape>(dialect: ResourceDialect, scope: RouteScope<z.ZodObject<Params>>) {
  return createRoute({
    ...ofScope(scope, dialect),
    ...contribute,
    method: "put",
    path: `${dialect.base}${scope.path}/resource/${FILE}`,
    operationId: operationId(dialect, "update", scope, "Resource"),
    summary: `Write a file of a ${scope.name.toLowerCase()}`,
    description:
      `Writes one file as one git commit; the path names it. ${UPSERT} With \`Content-Type: application/octet-stream\` and a ` +
      `\`Content-Length\` the body is the file itself, which may be larger than JSON can be. ${CONDITIONS}`,
    request: {
      params: scope.params.extend({ resourceURI }),
      body: {
        required: true,
        content: { "application/json": { schema: writeOneSchema }, "application/octet-stream": { schema: rawContent } },
      },
    },
    responses: {
      [dialect.updated]: json(writeResultSchema, "The commit that holds the file"),
      ...keptnErrors(...WRITE_ERRORS, "length_required"),
    },
  })
}

function removeRoute<Params extends z.ZodRawShape>(dialect: ResourceDialect, scope: RouteScope<z.ZodObject<Params>>) {
  return createRoute({
    ...ofScope(scope, dialect),
    ...contribute,
    method: "delete",
    path: `${dialect.base}${scope.path}/resource/${FILE}`,
    operationId: operationId(dialect, "delete", scope, "Resource"),
    summary: `Delete a file of a ${scope.name.toLowerCase()}`,
    description: `Deletes one file as one git commit. Earlier commits still hold it. ${CONDITIONS}`,
    request: { params: scope.params.extend({ resourceURI }) },
    responses: {
      ...(dialect.deletedIsEmpty
        ? { 204: { description: "The file is deleted" } }
        : { 200: json(writeResultSchema, "The commit without the file") }),
      ...keptnErrors("invalid_request", "permission_denied", "not_found", "conflict", "precondition_failed"),
    },
  })
}

/** The routes of one dialect. */
export function resourceRoutes(dialect: ResourceDialect) {
  return {
    list: [listRoute(dialect, project), listRoute(dialect, stage), listRoute(dialect, service)],
    create: [
      writeRoute(dialect, project, "post"),
      writeRoute(dialect, stage, "post"),
      writeRoute(dialect, service, "post"),
    ],
    update: [
      writeRoute(dialect, project, "put"),
      writeRoute(dialect, stage, "put"),
      writeRoute(dialect, service, "put"),
    ],
    read: [readRoute(dialect, project), readRoute(dialect, stage), readRoute(dialect, service)],
    updateOne: [writeOneRoute(dialect, project), writeOneRoute(dialect, stage), writeOneRoute(dialect, service)],
    remove: [removeRoute(dialect, project), removeRoute(dialect, stage), removeRoute(dialect, service)],
  } as const
}
