/** How integrations register. `lifetime` is how long one is known without a heartbeat, in milliseconds. */
import type { Context } from "hono"
import type { z } from "@hono/zod-openapi"
import { requireSubscribe } from "../../../gateway/authorize.ts"
import { ApiError } from "../../../gateway/errors.ts"
import { utf8 } from "../../../lib/bytes.ts"
import { sha1Hex } from "../../../lib/digest.ts"
import * as uniform from "../../../partition/uniform.ts"
import type { RegionalEnv, RegionalHandler } from "../../regional.ts"
import { shownTo, workedOnBy } from "../concerned.ts"
import * as routes from "./routes.ts"
import type { integrationSchema, registrationSchema } from "./schemas.ts"

export const registerIntegration =
  (lifetime: number): RegionalHandler<typeof routes.registerIntegration> =>
  async (c) => {
    const registration = await readRegistration(c.req.valid("json"))
    for (const { filter } of registration.subscriptions) requireSubscribe(c, filter.projects)
    const now = Date.now()
    const result = await uniform.registerIntegration(c.get("partition"), registration, now, now - lifetime)
    if (result.outcome === "too-many-integrations") {
      const text = `there are ${uniform.MOST_INTEGRATIONS} integrations already: unregister those that are not needed`
      throw new ApiError("conflict", text)
    }
    return c.json({ id: result.id }, result.outcome === "created" ? 201 : 200)
  }

export const listIntegrations =
  (lifetime: number): RegionalHandler<typeof routes.listIntegrations> =>
  async (c) => {
    const alive = Date.now() - lifetime
    const found = await uniform.findIntegrations(c.get("partition"), c.req.valid("query"), alive, shownTo(c))
    return c.json(found.map(shownIntegration), 200)
  }

export const pingIntegration =
  (lifetime: number): RegionalHandler<typeof routes.pingIntegration> =>
  async (c) => {
    const { integrationID } = c.req.valid("param")
    const now = Date.now()
    const integration = await uniform.pingIntegration(
      c.get("partition"),
      integrationID,
      now,
      now - lifetime,
      workedOnBy(c),
    )
    if (integration === null) throw new ApiError("not_found", "uniform integration not found")
    return c.json(shownIntegration(integration), 200)
  }

export const unregisterIntegration =
  (lifetime: number): RegionalHandler<typeof routes.unregisterIntegration> =>
  async (c) => {
    const { integrationID } = c.req.valid("param")
    const alive = Date.now() - lifetime
    const outcome = await uniform.removeIntegration(c.get("partition"), integrationID, alive, workedOnBy(c))
    if (outcome === "missing") throw routes.nothingToUnregister()
    if (outcome === "others") throw subscribedByOthers()
    return c.json({}, 200)
  }

export const listSubscriptions =
  (lifetime: number): RegionalHandler<typeof routes.listSubscriptions> =>
  async (c) => {
    const { integrationID } = c.req.valid("param")
    const found = await uniform.listSubscriptions(c.get("partition"), integrationID, Date.now() - lifetime, shownTo(c))
    if (found === null) throw routes.subscriptionNotFound()
    return c.json([...found], 200)
  }

export const createSubscription =
  (lifetime: number): RegionalHandler<typeof routes.createSubscription> =>
  async (c) => {
    const { integrationID } = c.req.valid("param")
    const subscription = { id: crypto.randomUUID(), ...c.req.valid("json") }
    await storeSubscription(c, integrationID, subscription, lifetime)
    return c.json({ id: subscription.id }, 201)
  }

export const getSubscription =
  (lifetime: number): RegionalHandler<typeof routes.getSubscription> =>
  async (c) => {
    const { integrationID, subscriptionID } = c.req.valid("param")
    const alive = Date.now() - lifetime
    const found = await uniform.findSubscription(c.get("partition"), integrationID, subscriptionID, alive, shownTo(c))
    if (found === null) throw routes.subscriptionNotFound()
    return c.json(found, 200)
  }

export const putSubscription =
  (lifetime: number): RegionalHandler<typeof routes.putSubscription> =>
  async (c) => {
    const { integrationID, subscriptionID } = c.req.valid("param")
    const subscription = { id: subscriptionID, ...c.req.valid("json") }
    await storeSubscription(c, integrationID, subscription, lifetime)
    return c.json({ id: subscriptionID }, 201)
  }

export const deleteSubscription: RegionalHandler<typeof routes.deleteSubscription> = async (c) => {
  const { integrationID, subscriptionID } = c.req.valid("param")
  await uniform.removeSubscription(c.get("partition"), integrationID, subscriptionID, workedOnBy(c))
  return c.json({}, 200)
}

async function storeSubscription(
  c: Context<RegionalEnv>,
  integrationId: string,
  subscription: uniform.Subscription,
  lifetime: number,
): Promise<void> {
  requireSubscribe(c, subscription.filter.projects)
  const alive = Date.now() - lifetime
  const result = await uniform.putSubscription(c.get("partition"), integrationId, subscription, alive, workedOnBy(c))
  if (result.outcome === "others") throw subscribedByOthers()
  if (result.outcome === "no-integration") throw routes.subscriptionNotFound()
  if (result.outcome === "too-many-subscriptions") {
    throw new ApiError("conflict", `an integration has at most ${uniform.MOST_SUBSCRIPTIONS} subscriptions`)
  }
}

/** What is to be changed is about projects on which the caller has no role. */
function subscribedByOthers(): ApiError {
  const text =
    "it is subscribed to events of projects on which you may not report: missing role Integration, Contributor or Admin on them"
  return new ApiError("permission_denied", text)
}

/** The id that Keptn gives an integration, and ids for its subscriptions. */
async function readRegistration(sent: z.infer<typeof registrationSchema>): Promise<uniform.Registration> {
  const { name, metadata } = sent
  const parts = [name, metadata.kubernetesmetadata.namespace, metadata.hostname]
  if (parts.includes("")) {
    const text = "incomplete integration ID. At least 'name','namespace' and 'nodename' must be set"
    throw new ApiError("invalid_request", text)
  }
  const subscriptions = sent.subscriptions.map((one) => ({ id: crypto.randomUUID(), ...one }))
  return { id: await sha1Hex(utf8(parts.join("-"))), name, metadata, subscriptions }
}

function shownIntegration(integration: uniform.Integration): z.infer<typeof integrationSchema> {
  const { id, name, metadata, subscriptions, lastSeen } = integration
  return {
    id,
    name,
    metadata: { ...metadata, lastseen: new Date(lastSeen).toISOString() },
    subscriptions: [...subscriptions],
  }
}
