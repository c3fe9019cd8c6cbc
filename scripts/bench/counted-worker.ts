/** The Worker with its calls to storage counted as Cloudflare bills them; `GET /counts` answers what was counted since it was last asked. */
import worker from "../../src/index.ts"
import { type Count, noCounts } from "./counts.ts"

let counts = noCounts()

/** What a call is billed as. What is in none of them is free: deleting from R2. */
const BUCKET_CALLS: Readonly<Record<string, Count>> = {
  put: "r2ClassA",
  list: "r2ClassA",
  createMultipartUpload: "r2ClassA",
  get: "r2ClassB",
  head: "r2ClassB",
}
const CACHE_CALLS: Readonly<Record<string, Count>> = {
  get: "kvReads",
  getWithMetadata: "kvReads",
  put: "kvWrites",
  delete: "kvWrites",
  list: "kvWrites",
}

/** Wrapped once: the Worker keeps the bindings that it was given first. */
let counted: Env | null = null

export default {
  fetch(request, env, context) {
    if (new URL(request.url).pathname === "/counts") {
      const answer = Response.json(counts)
      counts = noCounts()
      return answer
    }
    counted ??= countAll(env)
    return worker.fetch(request, counted, context)
  },
} satisfies ExportedHandler<Env>

function countAll(env: Env): Env {
  return {
    ...env,
    DB_GLOBAL: countRows(env.DB_GLOBAL),
    DB_EU: countRows(env.DB_EU),
    DB_US: countRows(env.DB_US),
    BLOBS_EU: countCalls(env.BLOBS_EU, BUCKET_CALLS),
    BLOBS_US: countCalls(env.BLOBS_US, BUCKET_CALLS),
    CACHE_EU: countCalls(env.CACHE_EU, CACHE_CALLS),
    CACHE_US: countCalls(env.CACHE_US, CACHE_CALLS),
  }
}

function countCalls<T extends object>(binding: T, names: Readonly<Record<string, Count>>): T {
  return new Proxy(binding, {
    get(real, name) {
      const member: unknown = Reflect.get(real, name)
      if (typeof member !== "function") return member
      return (...args: unknown[]): unknown => {
        const count = typeof name === "string" ? names[name] : undefined
        if (count !== undefined) counts[count]++
        return Reflect.apply(member, real, args)
      }
    },
  })
}

/** The Worker runs batches only (lib/meter.ts). */
function countRows(database: D1Database): D1Database {
  return new Proxy(database, {
    get(real, name) {
      if (name === "batch") {
        return async (statements: D1PreparedStatement[]) => {
          const results = await real.batch(statements)
          counts.d1Calls++
          for (const { meta } of results) {
            counts.rowsRead += meta.rows_read
            counts.rowsWritten += meta.rows_written
          }
          return results
        }
      }
      const member: unknown = Reflect.get(real, name)
      return typeof member === "function" ? member.bind(real) : member
    },
  })
}
