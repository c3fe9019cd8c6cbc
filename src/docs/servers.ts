/** The hosts of a deployment, as its documents name them: the same ones whichever host is asked; and as its pages link to them. */
import { type Hosts, portSuffix, type Target } from "../gateway/host.ts"

/** A Server Object of OpenAPI. */
export interface Server {
  url: string
  description: string
  variables?: Record<string, { default: string; description: string; enum?: string[] }>
}

/** A host of the deployment, as a page links to it. */
export interface HostLink {
  /** `global`, or the code of a region. */
  name: string
  url: string
  /** Whether it is the one that was asked. */
  isCurrent: boolean
}

const THIS_HOST: Server = { url: "/", description: "This host" }

/** Who serves the collections of regions. */
export function regionalServers(hosts: Hosts): Server[] {
  const [first = ""] = hosts.regions
  const region = { default: first, enum: [...hosts.regions], description: "The region that holds the data" }
  return [THIS_HOST, server("{region}", "The host of a region", hosts, { region })]
}

/** Who serves the organization's collection. */
export function globalServers(hosts: Hosts): Server[] {
  return [THIS_HOST, server("global", "The global host", hosts, {})]
}

/** All hosts, the global one first, with the scheme and the port of the request that `target` was asked by. */
export function hostLinks({ apiDomain, regions }: Hosts, target: Target | null, requestUrl: string): HostLink[] {
  const current = target?.plane === "regional" ? target.region : target?.plane
  const { protocol } = new URL(requestUrl)
  return ["global", ...regions].map((name) => ({
    name,
    url: `${protocol}//${name}.${apiDomain}${portSuffix(requestUrl)}`,
    isCurrent: name === current,
  }))
}

function server(
  label: string,
  description: string,
  { apiDomain }: Hosts,
  variables: NonNullable<Server["variables"]>,
): Server {
  const isLocal = /(^|\.)localhost$/.test(apiDomain)
  const all = isLocal ? { ...variables, port: { default: "8787", description: "The port of `npm start`" } } : variables
  const url = isLocal ? `http://${label}.${apiDomain}:{port}` : `https://${label}.${apiDomain}`
  return { url, description, ...(Object.keys(all).length > 0 && { variables: all }) }
}
