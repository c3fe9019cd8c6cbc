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

/** A name of labels that begin with a letter, and maybe a port that is surely one: a parser of URLs would make nothing else of it. */
const PLAIN_HOST = /^https?:\/\/([a-z][a-z0-9-]*(?:\.[a-z][a-z0-9-]*)*)(?::\d{1,4})?\//
/** A name or an IP address; behind a name there may be a final dot, and in a header a port. */
const HOST_NAME = /^(?:[\w.-]+|\[[\da-f:.]+\])$/i
const HOST_HEADER = /^(?:[\w.-]+|\[[\da-f:.]+\])(?::\d*)?$/i

/**
 * The host that a request is for, in lower case and without a final dot (a name with one is the same name, RFC 1034, 3.1). Null when it names
 * no host that can be: workerd builds the URL from whatever `Host` holds, and from the target `*`. The `Host` header never chooses the host.
 */
export function requestedHost({ url, headers }: Request): string | null {
  const header = headers.get("host")
  // A slash or a question mark in it would be taken for the beginning of the path.
  if (header !== null && !HOST_HEADER.test(header)) return null
  // Most names can be read off the URL, which costs a tenth of parsing it.
  const plain = PLAIN_HOST.exec(url)?.[1]
  if (plain !== undefined) return plain
  const parsed = URL.parse(url)
  if (parsed === null || parsed.username !== "" || parsed.password !== "") return null
  return HOST_NAME.test(parsed.hostname) ? withoutFinalDot(parsed.hostname) : null
}

/** The port that the URL of a request names, with its colon; empty for the port of its scheme. */
export function portSuffix(url: string): string {
  const port = URL.parse(url)?.port ?? ""
  return port === "" ? "" : `:${port}`
}

/** A host name without the dot that may stand at its end. */
export function withoutFinalDot(hostname: string): string {
  return hostname.replace(/\.$/, "")
}

/** Maps the host name of a request URL; null for a host that is not ours. */
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
