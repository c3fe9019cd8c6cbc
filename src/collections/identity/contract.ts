/** What the routes of the identity API have in common. */
import type { z } from "@hono/zod-openapi"
import type { EndOutcome } from "../../directory/way-in.ts"
import { requires } from "../../gateway/authorize.ts"
import { ApiError } from "../../gateway/errors.ts"
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

/** What can be wrong with a body. */
const OF_BODY = ["payload_too_large", "unsupported_media_type"] as const
const OF_ALL = ["invalid_request", "permission_denied"] as const

/** The responses of a list, of which `page` is one page. */
export function listed<Page extends z.ZodType>(page: Page) {
  return { 200: json(page, "A page"), ...problems(...OF_ALL) }
}

/** As `listed`, of what belongs to something that may not be there. */
export function listedOf<Page extends z.ZodType>(page: Page) {
  return { 200: json(page, "A page"), ...errorsOfOne }
}

/** The errors of a route that reads or removes one thing. */
export const errorsOfOne = problems(...OF_ALL, "not_found")
/** As `errorsOfOne`, where somebody must stay. */
export const errorsOfRemoval = problems(...OF_ALL, "not_found", "conflict")
/** The errors of a route that makes something, and of one where it can meet with what is there already. */
export const errorsOfMaking = problems(...OF_ALL, ...OF_BODY)
export const errorsOfUniqueMaking = problems(...OF_ALL, "conflict", ...OF_BODY)
/** The errors of a route that changes something, and of one where the change can meet with what is there already. */
export const errorsOfChange = problems(...OF_ALL, "not_found", ...OF_BODY)
export const errorsOfUniqueChange = problems(...OF_ALL, "not_found", "conflict", ...OF_BODY)

/** The 404 of a thing that is not there. */
export function missing(kind: string): ApiError {
  return new ApiError("not_found", `The requested ${kind} was not found`)
}

/** Throws what a caller is told when something was not ended: 404, or 409 where nobody could get in afterwards. */
export function requireEnded(outcome: EndOutcome, kind: string): void {
  if (outcome === "missing") throw missing(kind)
  if (outcome === "last-way-in") throw lastWayIn()
}

/** The 409 of a change after which no administrator could get in. */
export function lastWayIn(): ApiError {
  const text =
    "This is the last way in of an administrator. Give an administrator another token first, one that lasts: a token that was " +
    "rotated, and one that ends within a day, are no way in"
  return new ApiError("conflict", text)
}

/** The 409 of a name that is taken. */
export function nameTaken(kind: string, name: string): ApiError {
  return new ApiError("conflict", `A ${kind} with the name '${name}' already exists: choose another name`)
}
