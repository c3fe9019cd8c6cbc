/** The contract of the registration of integrations. */
import { createRoute, z } from "@hono/zod-openapi"
import { requires } from "../../../gateway/authorize.ts"
import { ApiError } from "../../../gateway/errors.ts"
import { keptnErrors } from "../../../gateway/responses.ts"
import { MOST_INTEGRATIONS, MOST_SUBSCRIPTIONS } from "../../../partition/uniform.ts"
import {
  idSchema,
  integrationListSchema,
  integrationQuery,
  integrationSchema,
  nothingSchema,
  registrationSchema,
  sentSubscriptionSchema,
  subscriptionListSchema,
  subscriptionSchema,
} from "./schemas.ts"

const BASE = "/api/controlPlane/v1/uniform/registration"
const TAGS = ["integrations"]

const integrationID = z.string().openapi({
  param: { name: "integrationID", in: "path" },
  description: "The id of the integration",
  example: "4a986e6ceedb358e0e34d062de1dea5ffc053b44",
})
const idOfSubscription = (text: z.ZodString) =>
  text.openapi({
    param: { name: "subscriptionID", in: "path" },
    description: "The id of the subscription",
    example: "b7a3f4e2-2f0d-4b6a-9d55-1c2d3e4f5a6b",
  })
const subscriptionID = idOfSubscription(z.string())
/** One that may be stored. */
const newSubscriptionID = idOfSubscription(z.string().max(256))

const json = <Schema extends z.ZodType>(schema: Schema, description: string) => ({
  description,
  content: { "application/json": { schema } },
})

const bodyOf = <Schema extends z.ZodType>(schema: Schema) => ({
  required: true,
  content: { "application/json": { schema } },
})

/** What is said of an integration or a subscription that is not there: the words of Keptn's database. */
const NO_DOCUMENT = "mongo: no documents in result"

/** The error where a subscription, or its integration, is not there. */
export function subscriptionNotFound(): ApiError {
  return new ApiError("not_found", NO_DOCUMENT)
}

/** As `subscriptionNotFound`, where an integration unregisters: Keptn answers 500. */
export function nothingToUnregister(): ApiError {
  return new ApiError("keptn_failure", NO_DOCUMENT)
}

export const registerIntegration = createRoute({
  ...requires({ on: "any-project", action: "integrate" }),
  method: "post",
  path: BASE,
  operationId: "registerIntegration",
  tags: TAGS,
  summary: "Register an integration",
  description:
    "An integration is known by its name and namespace. A known one keeps the subscriptions that are stored, unless there are none; its " +
    "versions, its host name and the time it was last seen are updated. The id is the SHA-1 of `name-namespace-hostname` at the first " +
    "registration. An integration that sends no heartbeat for long (48 hours unless configured otherwise) is forgotten. " +
    `A region has at most ${MOST_INTEGRATIONS} integrations, each with at most ${MOST_SUBSCRIPTIONS} subscriptions.`,
  request: { body: bodyOf(registrationSchema) },
  responses: {
    200: json(idSchema, "The integration was known"),
    201: json(idSchema, "The integration is new"),
    ...keptnErrors("invalid_request", "permission_denied", "not_found", "conflict", "payload_too_large"),
  },
})

export const listIntegrations = createRoute({
  ...requires({ on: "any-project", action: "read" }),
  method: "get",
  path: BASE,
  operationId: "listIntegrations",
  tags: TAGS,
  summary: "List integrations",
  description:
    "The integrations that meet all conditions, by name and namespace, with the subscriptions that the caller may see: those that name projects " +
    "all of which the caller may read, and for Admin of all projects those that name none. There are no pages.",
  request: { query: integrationQuery },
  responses: {
    200: json(integrationListSchema, "The integrations"),
    ...keptnErrors("invalid_request", "permission_denied"),
  },
})

export const pingIntegration = createRoute({
  ...requires({ on: "any-project", action: "integrate" }),
  method: "put",
  path: `${BASE}/{integrationID}/ping`,
  operationId: "pingIntegration",
  tags: TAGS,
  summary: "Tell that an integration is alive",
  description:
    "Notes the time, and answers the whole integration: its subscriptions are what it should work on. One that was forgotten is answered " +
    "with 404, and must register again.",
  request: { params: z.object({ integrationID }) },
  responses: { 200: json(integrationSchema, "The integration"), ...keptnErrors("permission_denied", "not_found") },
})

export const unregisterIntegration = createRoute({
  ...requires({ on: "any-project", action: "integrate" }),
  method: "delete",
  path: `${BASE}/{integrationID}`,
  operationId: "unregisterIntegration",
  tags: TAGS,
  summary: "Unregister an integration",
  description:
    "Removes the integration with its subscriptions, if the caller may report on every project that these name. One that is not there is " +
    "answered with 500, as in Keptn.",
  request: { params: z.object({ integrationID }) },
  responses: {
    200: json(nothingSchema, "The integration is gone"),
    ...keptnErrors("permission_denied", "keptn_failure"),
  },
})

export const listSubscriptions = createRoute({
  ...requires({ on: "any-project", action: "read" }),
  method: "get",
  path: `${BASE}/{integrationID}/subscription`,
  operationId: "listSubscriptions",
  tags: TAGS,
  summary: "List the subscriptions of an integration",
  description: "All subscriptions that the caller may see, in the order in which they were added.",
  request: { params: z.object({ integrationID }) },
  responses: {
    200: json(subscriptionListSchema, "The subscriptions, in their order"),
    ...keptnErrors("permission_denied", "not_found"),
  },
})

export const createSubscription = createRoute({
  ...requires({ on: "any-project", action: "integrate" }),
  method: "post",
  path: `${BASE}/{integrationID}/subscription`,
  operationId: "createSubscription",
  tags: TAGS,
  summary: "Add a subscription to an integration",
  description: `Adds it at the end, under a new id. The caller must have a role that may report on each project that it names. An integration has at most ${MOST_SUBSCRIPTIONS}, of at most 8,192 bytes each.`,
  request: { params: z.object({ integrationID }), body: bodyOf(sentSubscriptionSchema) },
  responses: {
    201: json(idSchema, "The id of the new subscription"),
    ...keptnErrors("invalid_request", "permission_denied", "not_found", "conflict", "payload_too_large"),
  },
})

export const getSubscription = createRoute({
  ...requires({ on: "any-project", action: "read" }),
  method: "get",
  path: `${BASE}/{integrationID}/subscription/{subscriptionID}`,
  operationId: "getSubscription",
  tags: TAGS,
  summary: "Get a subscription",
  description: "One subscription, as it is stored.",
  request: { params: z.object({ integrationID, subscriptionID }) },
  responses: { 200: json(subscriptionSchema, "The subscription"), ...keptnErrors("permission_denied", "not_found") },
})

export const putSubscription = createRoute({
  ...requires({ on: "any-project", action: "integrate" }),
  method: "put",
  path: `${BASE}/{integrationID}/subscription/{subscriptionID}`,
  operationId: "putSubscription",
  tags: TAGS,
  summary: "Replace a subscription, or add one with this id",
  description: "A subscription that is replaced keeps its place. The same request again changes nothing.",
  request: {
    params: z.object({ integrationID, subscriptionID: newSubscriptionID }),
    body: bodyOf(sentSubscriptionSchema),
  },
  responses: {
    201: json(idSchema, "The subscription is stored"),
    ...keptnErrors("invalid_request", "permission_denied", "not_found", "conflict", "payload_too_large"),
  },
})

export const deleteSubscription = createRoute({
  ...requires({ on: "any-project", action: "integrate" }),
  method: "delete",
  path: `${BASE}/{integrationID}/subscription/{subscriptionID}`,
  operationId: "deleteSubscription",
  tags: TAGS,
  summary: "Delete a subscription",
  description:
    "Removes the subscription, if the caller may report on every project that it names. One that is not there is answered alike.",
  request: { params: z.object({ integrationID, subscriptionID }) },
  responses: {
    200: json(nothingSchema, "The subscription is gone, whether it existed or not"),
    ...keptnErrors("permission_denied"),
  },
})
