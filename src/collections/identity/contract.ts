/** What the routes of the identity API have in common. */
import type { z } from "@hono/zod-openapi"
import { requires } from "../../gateway/authorize.ts"
import { ApiError } from "../../gateway/errors.ts"
import { pageSchema } from "../../gateway/listing.ts"
import { problems } from "../../gateway/responses.ts"

/** Requirements on the organization, and on oneself or the organization. */
export const mayRead = requires({ on: "organization", action: "read" })
export const mayAdminister = requires({ on: "organization", action: "administer" })
export const mayReadUser = requires({ on: "self", action: "read", param: "userId" })
export const mayAdministerUser = requires({ on: "self", action: "administer", param: "userId" })

/** A response with a JSON body. */
export function json<Schema extends z.ZodType>(schema: Schema, description: string) {
  return { description, content: { "application/json": { schema } } }
}

/** A request body in JSON, which must be there. */
export function body<Schema extends z.ZodType>(schema: Schema) {
  return { required: true, content: { "application/json": { schema } } } as const
}

/** The responses of a list. */
export function listed<Schema extends z.ZodType>(schema: Schema) {
  return {
    200: json(pageSchema(schema), "A page"),
    ...problems("invalid_request", "permission_denied", "not_found"),
  }
}

/** The errors of a route that reads or changes one thing. */
export const errorsOfOne = problems("invalid_request", "permission_denied", "not_found")
/** The errors of a route whose change can meet with what is there already. */
export const errorsOfChange = problems(
  "invalid_request",
  "permission_denied",
  "not_found",
  "conflict",
  "unsupported_media_type",
)

/** The 404 of a thing that is not there. */
export function missing(kind: string): ApiError {
  return new ApiError("not_found", `The requested ${kind} was not found`)
}

/** The 409 of a change that would shut everybody out. */
export function lastWayIn(): ApiError {
  const text = "This is the last way in of an administrator: give another administrator a token first"
  return new ApiError("conflict", text)
}

/** The 409 of a name that is taken. */
export function nameTaken(kind: string, name: string): ApiError {
  return new ApiError("conflict", `A ${kind} with the name '${name}' already exists: choose another name`)
}
