/** The payloads of the calls that an import package makes, read and checked as the routes do that take them. Pure but for ids. */
import { z } from "zod"
import { utf8 } from "../../lib/bytes.ts"
import { DEFAULT_SCOPE, secretProblem } from "../../lib/secret-rules.ts"
import { serviceNameProblem } from "../../lib/service-name.ts"
import type { NewSecret } from "../../partition/secrets.ts"
import type { Subscription } from "../../partition/uniform.ts"

/** The package cannot be imported; the message says which task is why. */
export class PlanError extends Error {
  override name = "PlanError"
}

/** The longest event type, and the longest name in a filter. */
const LONGEST_TEXT = 1024
/** The largest subscription, in bytes of JSON. */
const LARGEST_SUBSCRIPTION = 8192

/** The name of the service that is to be created. Throws a `PlanError`. */
export function readService(payload: unknown): string {
  const { serviceName = "" } = read(serviceSchema, payload)
  const problem = serviceNameProblem(serviceName ?? "")
  if (problem !== null) throw invalid(problem)
  return serviceName ?? ""
}

/** The secret that is to be created. Throws a `PlanError`. */
export function readSecret(payload: unknown): NewSecret {
  const { name, scope, data } = read(secretSchema, payload)
  const secret = { name, scope: scope || DEFAULT_SCOPE, data }
  const problem = secretProblem(secret.name, secret.scope, secret.data)
  if (problem !== null) throw new PlanError(`Unable to create secret: ${problem.text}`)
  return secret
}

/** The subscription that is to be created, with its id. Throws a `PlanError`. */
export function readSubscription(payload: unknown): Subscription {
  const { event, filter } = read(subscriptionSchema, payload)
  const { projects = null, stages = null, services = null } = filter ?? {}
  const subscription = { id: crypto.randomUUID(), event: event ?? "", filter: { projects, stages, services } }
  const size = utf8(JSON.stringify({ event: subscription.event, filter: subscription.filter })).length
  if (size > LARGEST_SUBSCRIPTION) throw invalid(`a subscription must take at most ${LARGEST_SUBSCRIPTION} bytes`)
  return subscription
}

const serviceSchema = z.object({ serviceName: z.string().nullish() })

const secretSchema = z.object({
  name: z.string().min(1, "is required"),
  scope: z.string().nullish(),
  data: z
    .unknown()
    // It would be lost without a word when the others are read.
    .refine((value) => typeof value !== "object" || value === null || !Object.hasOwn(value, "__proto__"), {
      error: "must not hold the key __proto__",
    })
    .pipe(z.record(z.string(), z.string()))
    .default({}),
})

const names = z.array(z.string().max(LONGEST_TEXT)).nullish()

const subscriptionSchema = z.object({
  event: z.string().max(LONGEST_TEXT).nullish(),
  filter: z.object({ projects: names, stages: names, services: names }).nullish(),
})

function read<T>(schema: z.ZodType<T>, payload: unknown): T {
  const parsed = schema.safeParse(payload)
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  throw invalid(`${issue?.path.join(".") || "the payload"}: ${issue?.message}`)
}

function invalid(problem: string): PlanError {
  return new PlanError(`Invalid request format: ${problem}`)
}
