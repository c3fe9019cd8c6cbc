/** The address that failed attempts are counted for. */

/**
 * The client's address as Cloudflare reports it. An IPv6 client owns a /64 at least, so that is what is counted. Without the
 * header (local development) all clients are one.
 */
export function clientAddress(headers: Headers): string {
  const address = headers.get("cf-connecting-ip")
  if (address === null) return "local"
  return address.includes(":") ? prefix64(address) : address
}

function prefix64(address: string): string {
  const [head = "", tail] = address.toLowerCase().split("::")
  const before = head === "" ? [] : head.split(":")
  const after = tail === undefined || tail === "" ? [] : tail.split(":")
  const zeros = tail === undefined ? [] : Array.from({ length: 8 - before.length - after.length }, () => "0")
  return `${[...before, ...zeros, ...after].slice(0, 4).join(":")}::/64`
}
