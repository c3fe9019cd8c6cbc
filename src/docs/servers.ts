/** The hosts of a deployment, as its documents name them: the same ones whichever host is asked. */
import type { Hosts } from "../gateway/host.ts"

/** A Server Object of OpenAPI. */
export interface Server {
  url: string
  description: string
  variables?: Record<string, { default: string; description: string; enum?: string[] }>
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
