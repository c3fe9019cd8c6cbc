/** Bodies that are bytes and not JSON: they may be larger, because nothing holds them whole. */
import type { Context, HonoRequest, MiddlewareHandler } from "hono"
import { bodyLimit } from "hono/body-limit"
import { isGitPath } from "./dialect.ts"
import type { GatewayEnv } from "./environment.ts"
import { ApiError } from "./errors.ts"

/** The path of one file. A stage or a service may be called `resource`, too: then that of a list ends in `resource/resource`. */
const RAW_PATH =
  /^\/api\/(resource|configuration)-service\/v1\/project\/[^/]+(\/stage\/[^/]+(\/service\/[^/]+)?)?\/resource\/./

/** Whether the body of a request is the raw content of one file. Its content type says so, on a path where that means something. */
export function isRawFile(request: HonoRequest): boolean {
  const type = request.header("content-type")
  return RAW_PATH.test(request.path) && type !== undefined && /^application\/octet-stream\s*(;|$)/i.test(type)
}

/**
 * Refuses bodies that are too large with 413: raw ones beyond `maxRawBytes`, all others beyond `maxBodyBytes`. Those that are `limitedElsewhere`
 * pass.
 */
export function limitBodies(
  limits: { maxBodyBytes: number; maxRawBytes: number },
  limitedElsewhere: (c: Context<GatewayEnv>) => boolean,
): MiddlewareHandler<GatewayEnv> {
  const held = bodyLimit({
    maxSize: limits.maxBodyBytes,
    onError: () => {
      throw tooLarge(limits.maxBodyBytes)
    },
  })
  return async (c, next) => {
    const { raw } = c.req
    if (limitedElsewhere(c)) return next()
    if (raw.body === null || !(isRawFile(c.req) || isGitPath(c.req.path))) return held(c, next)
    // Hono's own limit holds a body whose length it is not told, in order to count it.
    if (Number(raw.headers.get("content-length") ?? 0) > limits.maxRawBytes) throw tooLarge(limits.maxRawBytes)
    if (raw.headers.has("content-length")) return next()
    const { method, body } = raw
    c.req.raw = new Request(raw, { method, body: counted(body, limits.maxRawBytes) })
    return next()
  }
}

/** The same stream, which fails with an `ApiError` once it is longer than `most` bytes. */
export function counted(body: ReadableStream<Uint8Array>, most: number): ReadableStream<Uint8Array> {
  let length = 0
  return body.pipeThrough(
    new TransformStream<Uint8Array, Uint8Array>({
      transform(chunk, controller) {
        length += chunk.length
        if (length > most) throw tooLarge(most)
        controller.enqueue(chunk)
      },
    }),
  )
}

function tooLarge(most: number): ApiError {
  return new ApiError("payload_too_large", `the body is larger than ${most} bytes`)
}
