/** The composition root: the only file that sees every module. It holds no rules of its own. */
import type { Hono, HonoRequest, MiddlewareHandler } from "hono"
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
import type { Config } from "./config.ts"
import { recordRefusal } from "./directory/audit.ts"
import { type Directory, openDirectory } from "./directory/directory.ts"
import { findToken, touchToken } from "./directory/tokens.ts"
import { collectionSource, createDocs, type DocsSettings, type DocumentSource } from "./docs/index.ts"
import { globalServers, hostLinks, regionalServers } from "./docs/servers.ts"
import type { Authentication } from "./gateway/authenticate.ts"
import { clientAddress } from "./gateway/client-address.ts"
import type { GatewayEnv } from "./gateway/environment.ts"
import { createGateway, type GatewaySettings } from "./gateway/gateway.ts"
import { createHealth, createServiceHealth } from "./gateway/health.ts"
import { hostNames, type Hosts, requestedHost, resolveHost } from "./gateway/host.ts"
import { isIdentityPath } from "./gateway/dialect.ts"
import { IDEMPOTENCY_KEY, type IdempotencyStore } from "./gateway/idempotency.ts"
import { sealWith } from "./gateway/sealing.ts"
import { TokenCache } from "./gateway/token-cache.ts"
import { integrationLifetime, runAllJobs } from "./installation/jobs.ts"
import { settleRoleChange } from "./installation/role-changes.ts"
import { readStatus } from "./installation/status.ts"
import { Claim, findKey, keepAnswer } from "./lib/idempotency-keys.ts"
import { Meter } from "./lib/meter.ts"
import { createBranchTurns } from "./partition/branch-turns.ts"
import { openPartition } from "./partition/partition.ts"
import { createProxy, type ProxySettings, upstreamOf } from "./upstream/index.ts"
import { documentName, OriginDocuments } from "./upstream/documents.ts"
import { AT_ORIGIN, requirementsAtOrigin } from "./upstream/requirements.ts"
import type { Upstream } from "./upstream/upstream.ts"

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
    storageTimeout: config.storageTimeout,
    version: config.version,
    authentication: authentication(config, cache),
  }
  const planes = {
    global: globalPlane(config, settings, hosts, cache),
    regional: regionalPlane(config, settings, hosts, cache),
  }
  return {
    fetch(request, context) {
      const host = requestedHost(request)
      const target = host === null ? null : resolveHost(host, hosts)
      return planes[target?.plane ?? "regional"].fetch(request, { target }, context)
    },
    runJobs: () => runAllJobs(config),
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
        "Projects, stages and services, and the integrations that work on them. A list with pages is gone through with `nextPageKey`.",
      ),
    },
    {
      app: createResourceCollection(),
      ...info(
        "resource-service",
        "Keptn resource service",
        "Files of projects, stages and services, with their history in git. A write is one commit or none, and is seen by whoever reads after " +
          "its answer. Lists are gone through with `nextPageKey`.",
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
      ...info(
        "secret-service",
        "Keptn secret service",
        "Secrets of the installation. Their values cannot be read back.",
      ),
    },
    {
      app: createStatisticsCollection(),
      ...info("statistics-service", "Keptn statistics service", "How many events there were, by the half hour."),
    },
  ]
  const atOrigins = new Set([...config.upstreams.values()].flat().map(({ name }) => name))
  const requirements = new Map(
    collections
      .filter(({ name }) => atOrigins.has(name))
      .map(({ name, app: { routes } }) => [name, requirementsAtOrigin(routes)]),
  )
  const proxySettings: ProxySettings = { upstreams: config.upstreams, requirements }
  const app = createGateway(settings, {
    elsewhere: (path, port) =>
      isIdentityPath(path) ? `path ${path} is served by the global host: use global.${hosts.apiDomain}${port}` : null,
    proxy: createProxy(proxySettings),
    isProxied: (c) => upstreamOf(c, proxySettings) !== null,
  })
  app.route("/", createHealth())
  const sources = regionalSources(config, hosts, collections)
  app.route("/", createDocs({ ...docsOf(config, hosts), sources }))
  app.route("/", createServiceHealth())
  const partition = usePartition(config, cache)
  for (const path of ["/api/*", "/git/*"]) app.use(path, partition)
  for (const collection of collections) app.route("/", collection.app)
  app.use("/v3/*", useDirectory(config, cache))
  app.route("/", createSelfCollection())
  return app
}

function globalPlane(config: Config, settings: GatewaySettings, hosts: Hosts, cache: TokenCache): Hono<GatewayEnv> {
  const regional = hosts.regions.map((region) => `${region}.${hosts.apiDomain}`)
  const app = createGateway(settings, {
    elsewhere: (path, port) =>
      /^\/(api|git)\//.test(path)
        ? `path ${path} is served by the regional hosts: use ${regional.map((host) => host + port).join(", ")}`
        : null,
  })
  const identity = {
    app: createIdentityCollection(),
    ...info(
      "identity",
      "Identity",
      "The organization and its people, and who may do what in which region. Lists have pages, filters and orders. A change and its entry in the " +
        "audit trail are one transaction. Who may do what follows at once where it was changed, and elsewhere within the bound of the token " +
        "cache (5 seconds unless configured otherwise).",
    ),
  }
  app.route("/", createHealth())
  const sources = [collectionSource(identity, globalServers(hosts))]
  app.route("/", createDocs({ ...docsOf(config, hosts), sources: () => sources }))
  app.use("/v3/*", useDirectory(config, cache))
  app.route("/", identity.app)
  return app
}

/** What the pages of all hosts have in common. */
function docsOf({ assets }: Config, hosts: Hosts): Omit<DocsSettings, "sources"> {
  return { title: "Quarterdeck", hosts: (c) => hostLinks(hosts, c.env.target, c.req.url), assets }
}

/** The documents of each region's page: those of the collections, and of origins that have one to show. */
function regionalSources(
  { regions, upstreams }: Config,
  hosts: Hosts,
  collections: readonly Parameters<typeof collectionSource>[0][],
): DocsSettings["sources"] {
  const originDocuments = new OriginDocuments()
  const servers = regionalServers(hosts)
  const own = new Map(collections.map((collection) => [collection.name, collectionSource(collection, servers)]))
  const ofOrigin = (upstream: Upstream): DocumentSource => ({
    name: documentName(upstream),
    read: () => originDocuments.get(upstream),
  })
  const ofRegion = (served: readonly Upstream[]): DocumentSource[] => [
    ...collections.map((collection) => {
      const upstream = served.find((one) => one.collection === collection.name)
      if (upstream?.document) return ofOrigin(upstream)
      const here = upstream ? undefined : own.get(collection.name)
      return here ?? collectionSource(collection, servers, AT_ORIGIN)
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
  const turns = createBranchTurns()
  return async (c, next) => {
    const { target } = c.env
    const bindings = target?.plane === "regional" ? config.regions.get(target.region) : undefined
    if (target?.plane !== "regional" || !bindings) throw new Error("a region without bindings was reached")
    const later = (task: Promise<unknown>) => c.executionCtx.waitUntil(task)
    const claim = claimOf(c.req)
    const partition = openPartition(target.region, bindings, { meter: c.get("meter"), later, claim, turns })
    c.set("partition", partition)
    if (claim) c.set("idempotency", idempotencyStore(config, claim, partition.aside))
    c.set("seal", sealWith(config.secretKeys))
    c.set("settleRoleChange", async (change) => {
      try {
        await settleRoleChange(rightsDirectory(config, cache, c.get("meter")), partition, change)
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
    const claim = claimOf(c.req)
    c.set("directory", rightsDirectory(config, cache, c.get("meter"), claim))
    if (claim) {
      c.set("idempotency", idempotencyStore(config, claim, openDirectory(config.directory, c.get("meter")).db))
    }
    c.set("regions", [...config.regions.keys()])
    c.set("readStatus", () => readStatus(config, c.get("meter")))
    await next()
  }
}

/** The directory as handlers change it. A change may be one of rights: this isolate forgets what it remembers of them. */
function rightsDirectory(config: Config, cache: TokenCache, meter: Meter, claim: Claim | null = null): Directory {
  return openDirectory(config.directory, meter, {
    claims: claim === null ? [] : [claim],
    onChange: () => cache.clear(),
  })
}

function claimOf(request: HonoRequest): Claim | null {
  return request.header(IDEMPOTENCY_KEY) === undefined ? null : new Claim()
}

/** The keys that `db` stores, which must not be the one that brings the claim along. */
function idempotencyStore({ secretKeys }: Config, claim: Claim, db: Directory["db"]): IdempotencyStore {
  return {
    claim,
    find: (id) => findKey(db, id),
    keep: (key) => keepAnswer(db, key),
    seal: sealWith(secretKeys),
    open: async (purpose, sealed) => (await secretKeys?.open(purpose, sealed)) ?? { outcome: "unknown-key" },
  }
}

function info(name: string, title: string, description: string) {
  return { name, title, description }
}
