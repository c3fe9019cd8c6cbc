/** The composition root: the only file that sees every module. It holds no rules of its own. */
import type { Hono, MiddlewareHandler } from "hono"
import { createApiCollection } from "./collections/api/index.ts"
import { createControlPlaneCollection } from "./collections/control-plane/index.ts"
import { createDatastoreCollection } from "./collections/datastore/index.ts"
import { createGitCollection } from "./collections/git/index.ts"
import type { IdentityEnv } from "./collections/identity/environment.ts"
import { createIdentityCollection, createSelfCollection } from "./collections/identity/index.ts"
import type { RegionalEnv } from "./collections/regional.ts"
import { createConfigurationCollection, createResourceCollection } from "./collections/resource/index.ts"
import { createSecretsCollection } from "./collections/secrets/index.ts"
import { createStatisticsCollection } from "./collections/statistics/index.ts"
import type { Config, RegionBindings } from "./config.ts"
import { endProjectAssignments, grantProjectAdmin, revokeProjectAdmin } from "./directory/assigned-roles.ts"
import { recordRefusal, trimAuditLog } from "./directory/audit.ts"
import { openDirectory } from "./directory/directory.ts"
import { findToken, touchToken } from "./directory/tokens.ts"
import { collectionSource, createDocs, type DocsSettings, type DocumentSource } from "./docs/index.ts"
import type { Authentication } from "./gateway/authenticate.ts"
import { clientAddress } from "./gateway/client-address.ts"
import type { GatewayEnv } from "./gateway/environment.ts"
import { createGateway, type GatewaySettings } from "./gateway/gateway.ts"
import { createHealth, createServiceHealth } from "./gateway/health.ts"
import { hostNames, type Hosts, resolveHost } from "./gateway/host.ts"
import { isIdentityPath } from "./gateway/dialect.ts"
import { sealWith } from "./gateway/sealing.ts"
import { TokenCache } from "./gateway/token-cache.ts"
import { Meter } from "./lib/meter.ts"
import type { SealingKeys } from "./lib/sealing.ts"
import { removeExpiredCounts } from "./partition/event-counts.ts"
import { removeExpiredLogs } from "./partition/integration-logs.ts"
import { openPartition, type Partition } from "./partition/partition.ts"
import { archiveEvents } from "./partition/event-export.ts"
import { collectGarbage } from "./partition/garbage.ts"
import { clearDeletedProjects } from "./partition/projects.ts"
import { resealSecrets } from "./partition/resealing.ts"
import { findAbandonedRoleChanges, finishRoleChange, type RoleChange } from "./partition/role-changes.ts"
import { removeExpiredIntegrations } from "./partition/uniform.ts"
import { createProxy, type ProxySettings, upstreamOf } from "./upstream/index.ts"
import { documentName, OriginDocuments } from "./upstream/documents.ts"
import { documentedAtOrigin, requirementsAtOrigin } from "./upstream/requirements.ts"
import type { Upstream } from "./upstream/settings.ts"

/** The whole edge of one deployment, as one isolate runs it. */
export interface Edge {
  fetch(request: Request, context: ExecutionContext): Response | Promise<Response>
  /** The scheduled jobs, region by region. */
  runJobs(): Promise<void>
}

/** Builds the edge. */
export function createEdge(config: Config): Edge {
  const hosts: Hosts = {
    apiDomain: config.apiDomain,
    regions: [...config.regions.keys()],
    defaultRegion: config.defaultRegion,
  }
  const cache = new TokenCache(config.tokenCacheSeconds)
  const settings: GatewaySettings = {
    hostNames: hostNames(hosts),
    maxBodyBytes: config.maxBodyBytes,
    maxRawBytes: config.maxRawBytes,
    serverTiming: config.serverTiming,
    version: config.version,
    authentication: authentication(config, cache),
  }
  const planes = {
    global: globalPlane(config, settings, hosts, cache),
    regional: regionalPlane(config, settings, hosts, cache),
  }
  return {
    fetch(request, context) {
      const target = resolveHost(new URL(request.url).hostname, hosts)
      return planes[target?.plane ?? "regional"].fetch(request, { target }, context)
    },
    async runJobs() {
      const regional = [...config.regions].map(([region, bindings]) => runRegionalJobs(config, region, bindings))
      await finishAll([...regional, runGlobalJobs(config)])
    },
  }
}

function regionalPlane(config: Config, settings: GatewaySettings, hosts: Hosts, cache: TokenCache): Hono<GatewayEnv> {
  const collections = [
    {
      app: createApiCollection({
        eventValidation: config.eventValidation,
        integrationLifetime: integrationLifetime(config),
      }),
      ...info("api-service", "Keptn API service", "Events, and what the installation is."),
    },
    {
      app: createControlPlaneCollection({ integrationLifetime: integrationLifetime(config) }),
      ...info(
        "control-plane",
        "Keptn control plane",
        "Projects, stages and services, and the integrations that work on them.",
      ),
    },
    {
      app: createResourceCollection(),
      ...info(
        "resource-service",
        "Keptn resource service",
        "Files of projects, stages and services, with their history in git.",
      ),
    },
    {
      app: createGitCollection(),
      ...info("git", "Git", "Projects as git repositories: clone, fetch and push with git itself."),
    },
    {
      app: createConfigurationCollection(),
      ...info(
        "configuration-service",
        "Keptn configuration service (deprecated)",
        "The resource service as Keptn up to 0.17 had it, for clients of that time. New ones use the resource service.",
      ),
    },
    { app: createDatastoreCollection(), ...info("mongodb-datastore", "Keptn datastore", "Events that were sent.") },
    {
      app: createSecretsCollection(),
      ...info("secrets", "Keptn secret service", "Secrets of the installation. Their values cannot be read back."),
    },
    {
      app: createStatisticsCollection(),
      ...info("statistics", "Keptn statistics service", "How many events there were, by the half hour."),
    },
  ]
  const requirements = new Map(collections.map(({ name, app: { routes } }) => [name, requirementsAtOrigin(routes)]))
  const proxySettings: ProxySettings = { upstreams: config.upstreams, requirements }
  const app = createGateway(settings, {
    elsewhere: (path) =>
      isIdentityPath(path) ? `path ${path} is served by the global host: use global.${hosts.apiDomain}` : null,
    proxy: createProxy(proxySettings),
    isProxied: (c) => upstreamOf(c, proxySettings) !== null,
  })
  app.route("/", createHealth())
  const sources = regionalSources(config, collections)
  app.route("/", createDocs({ title: "Quarterdeck", sources, assets: config.assets }))
  app.route("/", createServiceHealth())
  for (const path of ["/api/*", "/git/*"]) app.use(path, usePartition(config, cache))
  for (const collection of collections) app.route("/", collection.app)
  app.use("/v3/*", useDirectory(config, cache))
  app.route("/", createSelfCollection())
  return app
}

function globalPlane(config: Config, settings: GatewaySettings, hosts: Hosts, cache: TokenCache): Hono<GatewayEnv> {
  const regional = hosts.regions.map((region) => `${region}.${hosts.apiDomain}`).join(", ")
  const app = createGateway(settings, {
    elsewhere: (path) =>
      /^\/(api|git)\//.test(path) ? `path ${path} is served by the regional hosts: use ${regional}` : null,
  })
  const identity = {
    app: createIdentityCollection(),
    ...info("identity", "Identity", "The organization and its people, and who may do what in which region."),
  }
  app.route("/", createHealth())
  const sources = [collectionSource(identity)]
  app.route("/", createDocs({ title: "Quarterdeck", sources: () => sources, assets: config.assets }))
  app.use("/v3/*", useDirectory(config, cache))
  app.route("/", identity.app)
  return app
}

/** The documents of each region's page: those of the collections, and of origins that have one to show. */
function regionalSources(
  { regions, upstreams }: Config,
  collections: readonly Parameters<typeof collectionSource>[0][],
): DocsSettings["sources"] {
  const originDocuments = new OriginDocuments()
  const ofOrigin = (upstream: Upstream): DocumentSource => ({
    name: documentName(upstream),
    read: () => originDocuments.get(upstream),
  })
  const ofRegion = (served: readonly Upstream[]): DocumentSource[] => [
    ...collections.map((collection) => {
      const upstream = served.find((one) => one.collection === collection.name)
      if (upstream?.document) return ofOrigin(upstream)
      return collectionSource(collection, upstream && documentedAtOrigin)
    }),
    ...served.filter(({ collection, document }) => collection === null && document !== null).map(ofOrigin),
  ]
  const sources = new Map([...regions.keys()].map((region) => [region, ofRegion(upstreams.get(region) ?? [])]))
  return (c) => (c.env.target?.plane === "regional" ? (sources.get(c.env.target.region) ?? []) : [])
}

function authentication(config: Config, cache: TokenCache): Authentication {
  return {
    cache,
    failures: config.authFailures,
    findToken: (c, hash) => findToken(openDirectory(config.directory, c.get("meter")), hash),
    tokenUsed(c, record) {
      const touched = touchToken(openDirectory(config.directory, new Meter()), record, Date.now())
      c.executionCtx.waitUntil(touched)
    },
    refused(c, reason) {
      const refusal = { requestId: c.get("requestId"), address: clientAddress(c.req.raw.headers), reason }
      const record = async () => {
        // Under attack from many addresses a sample is kept: the trail must not cost what the attacker likes.
        const { success } = await config.authFailures.limit({ key: "audit" })
        if (success) await recordRefusal(openDirectory(config.directory, new Meter()), refusal)
      }
      c.executionCtx.waitUntil(record())
    },
  }
}

function usePartition(config: Config, cache: TokenCache): MiddlewareHandler<RegionalEnv> {
  return async (c, next) => {
    const { target } = c.env
    const bindings = target?.plane === "regional" ? config.regions.get(target.region) : undefined
    if (target?.plane !== "regional" || !bindings) throw new Error("a region without bindings was reached")
    const later = (task: Promise<unknown>) => c.executionCtx.waitUntil(task)
    const partition = openPartition(target.region, bindings, c.get("meter"), later)
    c.set("partition", partition)
    c.set("seal", sealWith(config.secretKeys))
    c.set("settleRoleChange", async (change) => {
      try {
        await settleRoleChange(config, c.get("meter"), partition, change)
        cache.clear()
      } catch (error) {
        // The project is there, or gone, whatever becomes of this: the job will do it.
        console.error(JSON.stringify({ event: "role-change-open", region: partition.region, error: String(error) }))
      }
    })
    await next()
  }
}

function useDirectory(config: Config, cache: TokenCache): MiddlewareHandler<IdentityEnv> {
  return async (c, next) => {
    c.set("directory", openDirectory(config.directory, c.get("meter")))
    c.set("regions", [...config.regions.keys()])
    c.set("rightsChanged", () => cache.clear())
    await next()
  }
}

/** Does in the directory what a project's creation or deletion asks, and removes the partition's note of it. */
async function settleRoleChange(config: Config, meter: Meter, partition: Partition, change: RoleChange): Promise<void> {
  const directory = openDirectory(config.directory, meter)
  const project = { name: change.project, region: partition.region }
  const { principalId } = change
  if (principalId === null) await endProjectAssignments(directory, project)
  else await grantProjectAdmin(directory, principalId, project)
  const stillWanted = await finishRoleChange(partition, change)
  // The project was deleted meanwhile: a later one of its name must inherit nothing.
  if (principalId !== null && !stillWanted) await revokeProjectAdmin(directory, principalId, project)
}

async function runRegionalJobs(config: Config, region: string, bindings: RegionBindings): Promise<void> {
  const partition = openPartition(region, bindings, new Meter(), () => undefined)
  const now = Date.now()
  await finishAll([
    removeExpiredIntegrations(partition, now - integrationLifetime(config)),
    removeExpiredLogs(partition, now),
    removeExpiredCounts(partition, now),
    clearDeletions(partition),
    settleRoleChanges(config, partition),
    tidyUp(partition),
    retainEvents(config, partition),
    reseal(partition, config.secretKeys),
  ])
}

/** Waits for all jobs, then throws what one of them threw: what one cannot do must not keep the others from what they can. */
async function finishAll(jobs: readonly Promise<void>[]): Promise<void> {
  const results = await Promise.allSettled(jobs)
  for (const result of results) if (result.status === "rejected") throw result.reason
}

/** Moves events that are older than the retention to the archive. */
async function retainEvents(config: Config, partition: Partition): Promise<void> {
  if (config.eventRetentionDays === null) return
  const cutoff = Date.now() - config.eventRetentionDays * 24 * 60 * 60 * 1000
  const moved = await archiveEvents(partition, cutoff)
  if (moved > 0) console.log(JSON.stringify({ event: "events-archived", region: partition.region, events: moved }))
}

/** Removes garbage and checks a sample of what is stored. */
async function tidyUp(partition: Partition): Promise<void> {
  const { region } = partition
  const { damaged, ...report } = await collectGarbage(partition, Date.now())
  console.log(JSON.stringify({ event: "garbage-collected", region, ...report }))
  if (damaged.length > 0) console.error(JSON.stringify({ event: "damaged-objects", region, objects: damaged }))
}

/** Removes what is left of deleted projects where a failure cut that off. */
async function clearDeletions(partition: Partition): Promise<void> {
  const { region } = partition
  const cleared = await clearDeletedProjects(partition)
  if (cleared.length > 0) console.log(JSON.stringify({ event: "deleted-projects-cleared", region, projects: cleared }))
}

/** Tells the directory what it was not told when a failure cut a write off. */
async function settleRoleChanges(config: Config, partition: Partition): Promise<void> {
  const { region } = partition
  for (const change of await findAbandonedRoleChanges(partition)) {
    await settleRoleChange(config, new Meter(), partition, change)
    console.log(JSON.stringify({ event: "role-change-settled", region, project: change.project }))
  }
}

/** Seals again what an older key has sealed. */
async function reseal(partition: Partition, keys: SealingKeys | null): Promise<void> {
  if (keys === null) return
  const { region } = partition
  const { unreadable, ...report } = await resealSecrets(partition, keys)
  if (report.resealed > 0) console.log(JSON.stringify({ event: "secrets-resealed", region, ...report }))
  if (unreadable.length > 0) console.error(JSON.stringify({ event: "unreadable-secrets", region, secrets: unreadable }))
}

async function runGlobalJobs(config: Config): Promise<void> {
  await trimAuditLog(openDirectory(config.directory, new Meter()), config.auditRetentionDays)
}

/** How long an integration is known without a heartbeat, in milliseconds. */
function integrationLifetime(config: Config): number {
  return config.integrationTtlHours * 60 * 60 * 1000
}

function info(name: string, title: string, description: string) {
  return { name, title, description }
}
