/** The composition root: the only file that sees every module. It holds no rules of its own. */
import type { Hono, MiddlewareHandler } from "hono"
import { createApiCollection } from "./collections/api/index.ts"
import { createControlPlaneCollection } from "./collections/control-plane/index.ts"
import { createDatastoreCollection } from "./collections/datastore/index.ts"
import type { IdentityEnv } from "./collections/identity/environment.ts"
import { createIdentityCollection } from "./collections/identity/index.ts"
import type { RegionalEnv } from "./collections/regional.ts"
import { createResourceCollection } from "./collections/resource/index.ts"
import type { Config, RegionBindings } from "./config.ts"
import { openDirectory } from "./directory/directory.ts"
import { findToken, touchToken } from "./directory/tokens.ts"
import { createDocs } from "./docs/index.ts"
import type { Authentication } from "./gateway/authenticate.ts"
import type { GatewayEnv } from "./gateway/environment.ts"
import { createGateway, type GatewaySettings } from "./gateway/gateway.ts"
import { createHealth } from "./gateway/health.ts"
import { hostNames, type Hosts, resolveHost } from "./gateway/host.ts"
import { isIdentityPath } from "./gateway/dialect.ts"
import { TokenCache } from "./gateway/token-cache.ts"
import { Meter } from "./lib/meter.ts"
import { openPartition } from "./partition/partition.ts"
import { clearDeletedProjects } from "./partition/projects.ts"

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
  const settings: GatewaySettings = {
    hostNames: hostNames(hosts),
    maxBodyBytes: config.maxBodyBytes,
    serverTiming: config.serverTiming,
    version: config.version,
    authentication: authentication(config),
  }
  const planes = { global: globalPlane(config, settings, hosts), regional: regionalPlane(config, settings, hosts) }
  return {
    fetch(request, context) {
      const target = resolveHost(new URL(request.url).hostname, hosts)
      return planes[target?.plane ?? "regional"].fetch(request, { target }, context)
    },
    async runJobs() {
      const tasks = [...config.regions].map(([region, bindings]) => runRegionalJobs(region, bindings))
      await Promise.all(tasks)
    },
  }
}

function regionalPlane(config: Config, settings: GatewaySettings, hosts: Hosts): Hono<GatewayEnv> {
  const app = createGateway(settings, (path) =>
    isIdentityPath(path) ? `path ${path} is served by the global host: use global.${hosts.apiDomain}` : null,
  )
  const collections = [
    {
      app: createApiCollection(),
      ...info("api-service", "Keptn API service", "Events, and what the installation is."),
    },
    {
      app: createControlPlaneCollection(),
      ...info("control-plane", "Keptn control plane", "Projects, stages and services."),
    },
    {
      app: createResourceCollection(),
      ...info(
        "resource-service",
        "Keptn resource service",
        "Files of projects, stages and services, with their history in git.",
      ),
    },
    { app: createDatastoreCollection(), ...info("mongodb-datastore", "Keptn datastore", "Events that were sent.") },
  ]
  app.route("/", createHealth())
  app.route("/", createDocs({ title: "Quarterdeck", collections, assets: config.assets }))
  app.use("/api/*", usePartition(config))
  for (const collection of collections) app.route("/", collection.app)
  mountIdentity(app, config)
  return app
}

function globalPlane(config: Config, settings: GatewaySettings, hosts: Hosts): Hono<GatewayEnv> {
  const regional = hosts.regions.map((region) => `${region}.${hosts.apiDomain}`).join(", ")
  const app = createGateway(settings, (path) =>
    path.startsWith("/api/") ? `path ${path} is served by the regional hosts: use ${regional}` : null,
  )
  const identity = {
    app: createIdentityCollection("/v3"),
    ...info("identity", "Identity", "The organization and its people."),
  }
  app.route("/", createHealth())
  app.route("/", createDocs({ title: "Quarterdeck", collections: [identity], assets: config.assets }))
  mountIdentity(app, config)
  return app
}

/** `/v3` and its old name `/v2`. Konnect's clients ask regional hosts for themselves, too. */
function mountIdentity(app: Hono<GatewayEnv>, config: Config): void {
  for (const base of ["/v3", "/v2"] as const) {
    app.use(`${base}/*`, useDirectory(config))
    app.route("/", createIdentityCollection(base))
  }
}

function authentication(config: Config): Authentication {
  return {
    cache: new TokenCache(config.tokenCacheSeconds),
    failures: config.authFailures,
    findToken: (c, hash) => findToken(openDirectory(config.directory, c.get("meter")), hash),
    tokenUsed(c, record) {
      const touched = touchToken(openDirectory(config.directory, new Meter()), record, Date.now())
      c.executionCtx.waitUntil(touched)
    },
  }
}

function usePartition(config: Config): MiddlewareHandler<RegionalEnv> {
  return async (c, next) => {
    const { target } = c.env
    const bindings = target?.plane === "regional" ? config.regions.get(target.region) : undefined
    if (target?.plane !== "regional" || !bindings) throw new Error("a region without bindings was reached")
    const later = (task: Promise<unknown>) => c.executionCtx.waitUntil(task)
    c.set("partition", openPartition(target.region, bindings, c.get("meter"), later))
    await next()
  }
}

function useDirectory(config: Config): MiddlewareHandler<IdentityEnv> {
  return async (c, next) => {
    c.set("directory", openDirectory(config.directory, c.get("meter")))
    await next()
  }
}

async function runRegionalJobs(region: string, bindings: RegionBindings): Promise<void> {
  const partition = openPartition(region, bindings, new Meter(), () => undefined)
  const cleared = await clearDeletedProjects(partition)
  if (cleared.length > 0) console.log(JSON.stringify({ event: "deleted-projects-cleared", region, projects: cleared }))
}

function info(name: string, title: string, description: string) {
  return { name, title, description }
}
