/** The contract of the secret service. */
import { createRoute, type z } from "@hono/zod-openapi"
import { requires } from "../../gateway/authorize.ts"
import { keptnErrors } from "../../gateway/responses.ts"
import {
  createSecretSchema,
  scopeListSchema,
  secretFilter,
  secretListSchema,
  secretQuery,
  updateSecretSchema,
  writtenSecretSchema,
} from "./schemas.ts"

const BASE = "/api/secrets/v1"
const mayRead = requires({ on: "secrets", action: "read" })
const mayAdminister = requires({ on: "secrets", action: "administer" })
const tags = ["secrets"]

const json = <Schema extends z.ZodType>(schema: Schema, description: string) => ({
  description,
  content: { "application/json": { schema } },
})

const body = <Schema extends z.ZodType>(schema: Schema) => ({
  body: { required: true, content: { "application/json": { schema } } },
})

export const listSecrets = createRoute({
  ...mayRead,
  method: "get",
  path: `${BASE}/secret`,
  operationId: "listSecrets",
  tags,
  summary: "List secrets",
  description:
    "All secrets of the region by name, with the names of their values. The values themselves cannot be read.",
  request: { query: secretFilter },
  responses: {
    200: json(secretListSchema, "The secrets; the list is empty for a name that there is not"),
    ...keptnErrors("invalid_request", "permission_denied"),
  },
})

export const createSecret = createRoute({
  ...mayAdminister,
  method: "post",
  path: `${BASE}/secret`,
  operationId: "createSecret",
  tags,
  summary: "Create a secret",
  description:
    "Stores values, encrypted: at most 1,000, and 1,000,000 bytes as JSON. Names are unique in the region, whatever the scope.",
  request: body(createSecretSchema),
  responses: {
    201: json(writtenSecretSchema, "The secret as it was stored. Its values are shown here and never again"),
    ...keptnErrors("invalid_request", "permission_denied", "conflict", "payload_too_large", "unavailable"),
  },
})

export const updateSecret = createRoute({
  ...mayAdminister,
  method: "put",
  path: `${BASE}/secret`,
  operationId: "updateSecret",
  tags,
  summary: "Replace a secret",
  description: "Replaces the scope and all values at once: those that are left out are gone.",
  request: body(updateSecretSchema),
  responses: {
    200: json(writtenSecretSchema, "The secret as it was stored. Its values are shown here and never again"),
    ...keptnErrors("invalid_request", "permission_denied", "not_found", "payload_too_large", "unavailable"),
  },
})

export const deleteSecret = createRoute({
  ...mayAdminister,
  method: "delete",
  path: `${BASE}/secret`,
  operationId: "deleteSecret",
  tags,
  summary: "Delete a secret",
  description: "Deletes the secret for good, if the scope is its own.",
  request: { query: secretQuery },
  responses: {
    200: { description: "The secret is gone; the body is empty" },
    ...keptnErrors("invalid_request", "permission_denied", "not_found"),
  },
})

export const listScopes = createRoute({
  ...mayRead,
  method: "get",
  path: `${BASE}/scope`,
  operationId: "listSecretScopes",
  tags,
  summary: "List the scopes that a secret can have",
  description: "Keptn's scopes. They say which of its services a secret is for; they are not rights.",
  responses: { 200: json(scopeListSchema, "The scopes"), ...keptnErrors("permission_denied") },
})
