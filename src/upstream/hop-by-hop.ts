/** Headers of the connection, and how headers are copied without a change to their values. */

/** About one connection, not about the message (RFC 9110 7.6.1), and what the platform decides for each connection. */
export const HOP_BY_HOP = [
  "connection",
  "keep-alive",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
  "proxy-authenticate",
  "proxy-authorization",
  "proxy-authentication-info",
]

/** The headers that `Connection` names, in lower case. */
export function namedByConnection(headers: Headers): string[] {
  return (headers.get("connection") ?? "").split(",").map((name) => name.trim().toLowerCase())
}

/**
 * The same headers, which can be changed. The platform copies bytes here; whoever appends value by value makes text of them, and what is no
 * UTF-8 is lost.
 */
export function copyHeaders(headers: Headers): Headers {
  return new Headers(headers)
}
