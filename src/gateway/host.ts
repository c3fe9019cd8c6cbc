/** Which plane and region a host name stands for. The one function that maps a host to where its data lives. */

/** The global plane, or a region of the regional plane. */
export type Target = { plane: "global" } | { plane: "regional"; region: string }

/** What a deployment's host names are made of. */
export interface Hosts {
  apiDomain: string
  regions: readonly string[]
  /** The region of a bare `localhost` and of workers.dev names; null when these are not served. */
  defaultRegion: string | null
}

/** A name of labels that begin with a letter, and maybe a port: a parser of URLs would make nothing else of it. */
const PLAIN_HOST = /^https?:\/\/([a-z][a-z0-9-]*(?:\.[a-z][a-z0-9-]*)*)(?::\d+)?\//

/** The host name in the URL of a request. Most can be read off it, which costs a tenth of parsing it. */
export function hostnameOf(url: string): string {
  return PLAIN_HOST.exec(url)?.[1] ?? new URL(url).hostname
}

/** Maps the host name of a request URL; null for a host that is not ours. The `Host` header is never asked. */
export function resolveHost(hostname: string, hosts: Hosts): Target | null {
  const { apiDomain, regions, defaultRegion } = hosts
  if (hostname === `global.${apiDomain}`) return { plane: "global" }
  const region = regions.find((code) => hostname === `${code}.${apiDomain}`)
  if (region !== undefined) return { plane: "regional", region }
  const bare = ["localhost", "127.0.0.1", "[::1]"].includes(hostname) || hostname.endsWith(".workers.dev")
  return bare && defaultRegion !== null ? { plane: "regional", region: defaultRegion } : null
}

/** All host names, the global one first. */
export function hostNames(hosts: Hosts): string[] {
  return ["global", ...hosts.regions].map((label) => `${label}.${hosts.apiDomain}`)
}
