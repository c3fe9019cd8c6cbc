/** What a request's headers say about its body: decoded here, so that no handler takes a part or a compressed form for the whole. */
import type { Context, MiddlewareHandler } from "hono"
import { isGitPath } from "./dialect.ts"
import type { GatewayEnv } from "./environment.ts"
import { ApiError } from "./errors.ts"
import { counted } from "./raw-body.ts"

export type Coding = "gzip" | "deflate"

/** The codings that are decoded, by the names that HTTP has for them (RFC 9110, 8.4.1). */
const CODINGS = new Map<string, Coding>([
  ["gzip", "gzip"],
  ["x-gzip", "gzip"],
  ["deflate", "deflate"],
])
const ACCEPTED = "gzip, deflate"

/**
 * Decodes the bodies of requests, each at most `maxBodyBytes` once it is decoded. Refuses a body that is a part of something
 * (RFC 9110, 14.5), and a coding that is not known here. Requests that are `readElsewhere` pass as they are, and so do those
 * of git, whose handlers decode what git sends.
 */
export function decodeBodies(
  { maxBodyBytes }: { maxBodyBytes: number },
  readElsewhere: (c: Context<GatewayEnv>) => boolean,
): MiddlewareHandler<GatewayEnv> {
  return async (c, next) => {
    const { raw } = c.req
    if (readElsewhere(c)) return next()
    // A PUT without a body would replace a file by nothing. In other requests without one the header means nothing.
    if (raw.headers.has("content-range") && (raw.body !== null || raw.method === "PUT")) {
      throw new ApiError(
        "invalid_request",
        "Content-Range is not supported in a request: send the whole body without it",
      )
    }
    if (raw.body === null || isGitPath(c.req.path)) return next()
    const format = formatOf(raw.headers.get("content-encoding"))
    if (format !== null) c.req.raw = await decoded(raw, raw.body, format, maxBodyBytes)
    return next()
  }
}

/** The format that a `Content-Encoding` names, null for none. Throws an `ApiError` for one that is not decoded. */
export function formatOf(header: string | null): Coding | null {
  const codings = (header ?? "")
    .split(",")
    .map((coding) => coding.trim().toLowerCase())
    .filter((coding) => coding !== "" && coding !== "identity")
  const [coding, ...others] = codings
  if (coding === undefined) return null
  const format = others.length === 0 ? CODINGS.get(coding) : undefined
  if (format !== undefined) return format
  const text = `Content-Encoding '${codings.join(", ")}' is not supported: send the body as it is, or with one of ${ACCEPTED}`
  throw new ApiError("unsupported_media_type", text, { headers: { "Accept-Encoding": ACCEPTED } })
}

/** The same request with its body decoded, whose length is known then: files are hashed with their size first. */
async function decoded(
  request: Request,
  body: ReadableStream<Uint8Array>,
  format: Coding,
  most: number,
): Promise<Request> {
  const bytes = await inflated(counted(body, most), format, most)
  const headers = new Headers(request.headers)
  headers.delete("content-encoding")
  headers.set("content-length", String(bytes.byteLength))
  return new Request(request, { method: request.method, headers, body: bytes })
}

async function inflated(body: ReadableStream<Uint8Array>, format: Coding, most: number): Promise<ArrayBuffer> {
  try {
    return await new Response(counted(body.pipeThrough(new DecompressionStream(format)), most)).arrayBuffer()
  } catch (error) {
    if (!(error instanceof TypeError)) throw error
    throw new ApiError("invalid_request", `the body is not ${format}, which its Content-Encoding says`)
  }
}
