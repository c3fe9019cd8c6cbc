/** What the routes of this collection have in common: their parameters, and what they require. */
import { z } from "@hono/zod-openapi"
import { requires } from "../../gateway/authorize.ts"
import { ApiError } from "../../gateway/errors.ts"

const nameOf = (kind: string, example: string) =>
  z.string().openapi({ param: { name: `${kind}Name`, in: "path" }, description: `The name of the ${kind}`, example })
export const projectName = nameOf("project", "sockshop")
export const stageName = nameOf("stage", "dev")
export const serviceName = nameOf("service", "carts")
export const resourceURI = z.string().openapi({
  param: { name: "resourceURI", in: "path" },
  example: "slo.yaml",
  description: "The path of the file in its scope. Slashes may be sent as they are, as `%2F` or as `%252F`",
})

/** Keptn's text for a project that does not exist: its clients and tests look for it. */
export function projectNotFound(): ApiError {
  return new ApiError("not_found", "Could not find credentials for upstream repository")
}

const ofProject = { notFound: projectNotFound, param: "projectName", on: "project" } as const
export const read = requires({ ...ofProject, action: "read" })
export const contribute = requires({ ...ofProject, action: "contribute" })

/** A JSON response. */
export const json = <Schema extends z.ZodType>(schema: Schema, description: string) => ({
  description,
  content: { "application/json": { schema } },
})
