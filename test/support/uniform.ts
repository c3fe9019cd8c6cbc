/** Integrations as they register, and as the control plane answers them. */
import { env } from "cloudflare:workers"
import { z } from "zod"
import { send, type TestRequest } from "./client.ts"
import { answer } from "./keptn.ts"

export const registrationPath = "/api/controlPlane/v1/uniform/registration"

const names = z.array(z.string()).nullable()
export const subscriptionSchema = z.strictObject({
  id: z.string(),
  event: z.string(),
  filter: z.strictObject({ projects: names, stages: names, services: names }),
})

const integrationSchema = z.strictObject({
  id: z.string().regex(/^[0-9a-f]{40}$/),
  name: z.string(),
  metadata: z.strictObject({
    hostname: z.string(),
    integrationversion: z.string(),
    distributorversion: z.string(),
    location: z.string(),
    kubernetesmetadata: z.strictObject({ namespace: z.string(), podname: z.string(), deploymentname: z.string() }),
    lastseen: z.iso.datetime({ precision: 3 }),
  }),
  subscriptions: z.array(subscriptionSchema),
})

const idSchema = z.strictObject({ id: z.string() })

export type ShownIntegration = z.infer<typeof integrationSchema>

/** A registration that can be sent as it is; its parts can be replaced. */
export function sampleRegistration({
  name = `service-${crypto.randomUUID()}`,
  namespace = "keptn",
  hostname = "node-1",
  version = "1.0",
  events = ["sh.keptn.event.test.triggered"],
  filter = { projects: [], stages: [], services: [] },
}: {
  name?: string
  namespace?: string
  hostname?: string
  version?: string
  events?: readonly string[]
  filter?: unknown
} = {}) {
  return {
    name,
    metadata: {
      hostname,
      integrationversion: version,
      distributorversion: version,
      location: "remote-execution-plane",
      kubernetesmetadata: { namespace, podname: "pod", deploymentname: name },
    },
    subscriptions: events.map((event) => ({ event, filter })),
  }
}

/** Sends a registration to `eu`. */
export function postRegistration(json: unknown, request: TestRequest = {}): Promise<Response> {
  return send("eu", registrationPath, { json, ...request })
}

/** Registers what must be new; answers its id. */
export async function register(parts: Parameters<typeof sampleRegistration>[0] = {}): Promise<string> {
  return idOf(await postRegistration(sampleRegistration(parts)))
}

/** The id that an answer holds, and nothing else. */
export async function idOf(response: Response, status = 201): Promise<string> {
  return (await answer(response, idSchema, status)).id
}

/** Sends a heartbeat. */
export function sendPing(id: string, request: TestRequest = {}): Promise<Response> {
  return send("eu", `${registrationPath}/${id}/ping`, { method: "PUT", ...request })
}

/** Sends a heartbeat; answers the integration. */
export async function ping(id: string): Promise<ShownIntegration> {
  return answer(await sendPing(id), integrationSchema)
}

/** Lists integrations; `query` without its question mark. */
export async function listIntegrations(query = "", region = "eu"): Promise<ShownIntegration[]> {
  return answer(await send(region, `${registrationPath}?${query}`), z.array(integrationSchema))
}

/** Unregisters an integration. */
export function unregister(id: string): Promise<Response> {
  return send("eu", `${registrationPath}/${id}`, { method: "DELETE" })
}

/** The path of an integration's subscriptions, or of one of them. */
export function subscriptionPath(id: string, subscriptionId?: string): string {
  return `${registrationPath}/${id}/subscription${subscriptionId === undefined ? "" : `/${subscriptionId}`}`
}

/** Makes an integration look as if it had been silent for so many hours. */
export async function silence(id: string, hours: number): Promise<void> {
  await env.DB_EU.prepare("update integrations set last_seen = ? where id = ?")
    .bind(Date.now() - hours * 60 * 60 * 1000, id)
    .run()
}
