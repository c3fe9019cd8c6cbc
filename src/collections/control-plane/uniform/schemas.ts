/** The shapes of the registration of integrations. */
import { z } from "@hono/zod-openapi"
import { utf8 } from "../../../lib/bytes.ts"
import { MOST_SUBSCRIPTIONS } from "../../../partition/uniform.ts"

/** The longest name, version or event type. */
const LONGEST_TEXT = 1024
/** The largest subscription, and the largest list of them in one registration, in bytes of JSON. */
const LARGEST_SUBSCRIPTION = 8192
const LARGEST_LIST = 1_000_000

/** Go takes an absent text and null for an empty one. */
const text = (example: string) =>
  z
    .string()
    .max(LONGEST_TEXT)
    .nullish()
    .transform((value) => value ?? "")
    .openapi({ type: "string", maxLength: LONGEST_TEXT, example })

const names = (description: string, example: string) =>
  z
    .array(z.string().max(LONGEST_TEXT))
    .nullish()
    .transform((value) => value ?? null)
    .openapi({ type: ["array", "null"], description, items: { type: "string" }, example: [example] })

/** An absent object, and null, are one in which everything is absent. */
const orEmpty = (value: unknown) => value ?? {}

const filterSchema = z
  .object({
    projects: names("The projects it is about; all when empty", "sockshop"),
    stages: names("The stages it is about; all when empty", "dev"),
    services: names("The services it is about; all when empty", "carts"),
  })
  .openapi("EventSubscriptionFilter")

/** A subscription as it is sent. Keptn checks nothing of it, and its clients send filters that are empty, or half. */
export const sentSubscriptionSchema = z
  .object({
    event: text("sh.keptn.event.deployment.triggered"),
    filter: z.preprocess(orEmpty, filterSchema).openapi({ description: "What it is about; everything when absent" }),
  })
  .refine(fits(LARGEST_SUBSCRIPTION), `must take at most ${LARGEST_SUBSCRIPTION} bytes`)
  .openapi("SentEventSubscription")

const kubernetesSchema = z
  .object({ namespace: text("keptn"), podname: text("helm-service-0"), deploymentname: text("helm-service") })
  .openapi("KubernetesMetaData")

const metadataMembers = {
  hostname: text("node-1"),
  integrationversion: text("1.4.0"),
  distributorversion: text("1.4.0"),
  location: text("remote-execution-plane"),
}

/** An integration as it registers. What else it says is dropped, as in Keptn. */
export const registrationSchema = z
  .object({
    name: text("helm-service"),
    metadata: z.preprocess(
      orEmpty,
      z.object({ ...metadataMembers, kubernetesmetadata: z.preprocess(orEmpty, kubernetesSchema) }),
    ),
    subscriptions: z
      .array(sentSubscriptionSchema)
      .max(MOST_SUBSCRIPTIONS)
      .refine(fits(LARGEST_LIST), `must take at most ${LARGEST_LIST} bytes together`)
      .nullish()
      .transform((value) => value ?? [])
      .openapi({ description: "Taken when nothing is stored of this integration; their ids are made by the server" }),
  })
  .openapi("Registration")

/** A subscription as it is stored. */
export const subscriptionSchema = z
  .object({
    id: z.string().openapi({ example: "b7a3f4e2-2f0d-4b6a-9d55-1c2d3e4f5a6b" }),
    event: z.string().openapi({ example: "sh.keptn.event.deployment.triggered" }),
    filter: filterSchema,
  })
  .openapi("EventSubscription")

export const subscriptionListSchema = z.array(subscriptionSchema).openapi("EventSubscriptions")

/** A registered integration. */
export const integrationSchema = z
  .object({
    id: z.string().openapi({ example: "4a986e6ceedb358e0e34d062de1dea5ffc053b44" }),
    name: z.string().openapi({ example: "helm-service" }),
    metadata: z.object({
      ...metadataMembers,
      kubernetesmetadata: kubernetesSchema,
      lastseen: z.string().openapi({ format: "date-time", example: "2022-03-08T09:45:44.213Z" }),
    }),
    subscriptions: z.array(subscriptionSchema),
  })
  .openapi("Integration")

export const integrationListSchema = z.array(integrationSchema).openapi("Integrations")

export const idSchema = z
  .object({ id: z.string().openapi({ example: "b7a3f4e2-2f0d-4b6a-9d55-1c2d3e4f5a6b" }) })
  .openapi("Identifier")

export const nothingSchema = z.object({}).openapi("Nothing")

/** Keptn takes an absent and an empty parameter for the same. */
const condition = (description: string, example: string) =>
  z
    .string()
    .optional()
    .transform((value) => (value === "" ? undefined : value))
    .openapi({ type: "string", description, example })

/** The query of a search for integrations. Conditions are combined with and. */
export const integrationQuery = z.object({
  id: condition("Only the one with this id", "4a986e6ceedb358e0e34d062de1dea5ffc053b44"),
  name: condition("Only those of this name", "helm-service"),
  namespace: condition("Only those of this namespace", "keptn"),
  hostname: condition("Only those on this host", "node-1"),
  project: condition("Only those with a subscription whose filter names this project", "sockshop"),
  stage: condition("Only those with a subscription whose filter names this stage", "dev"),
  service: condition("Only those with a subscription whose filter names this service", "carts"),
})

function fits(bytes: number) {
  return (value: unknown) => utf8(JSON.stringify(value)).length <= bytes
}
