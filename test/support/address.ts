/** Addresses of clients. Failed attempts are counted per address: tests that use one of their own do not throttle each other. */

/** A /64 that nobody else uses, as `2001:db8:…:…` without the rest. */
export function freshPrefix(): string {
  const [high = 0, low = 0] = crypto.getRandomValues(new Uint16Array(2))
  return `2001:db8:${high.toString(16)}:${low.toString(16)}`
}

/** The header by which Cloudflare names a client; one that nobody else uses unless an address is given. */
export function clientAt(address = `${freshPrefix()}::1`): { "cf-connecting-ip": string } {
  return { "cf-connecting-ip": address }
}
