/** What every request carries through the gateway, as Hono types it. */
import type { Meter } from "../lib/meter.ts"
import type { Principal } from "../lib/principal.ts"
import type { Target } from "./host.ts"
import type { IdempotencyStore, KeyedRequest } from "./idempotency.ts"

/** Why a credential was refused. Told apart in the log, never in the response. */
export type Refusal = "missing" | "conflicting" | "malformed" | "unknown" | "expired" | "revoked"

/** Hono's `env` holds what was decided before the gateway: the plane and region that the host named, null for no known one. */
export interface GatewayEnv {
  Bindings: { target: Target | null }
  Variables: {
    /** Ours, never the client's. */
    requestId: string
    meter: Meter
    /** Set by `authenticate`; absent on open paths only. */
    principal?: Principal
    /** When the token of the request ends, in ms since 1970. */
    tokenExpiresAt?: number
    /** Set when authentication refused the request. */
    refusal?: Refusal
    /** Where keys of requests are stored that must not be carried out twice; absent where nothing is written. */
    idempotency?: IdempotencyStore
    /** Set when this is such a request. */
    keyedRequest?: KeyedRequest
    /** Set when the request went to an origin, for the log: which upstream, how long it took to answer, what went wrong. */
    upstream?: { upstream: string; upstreamMs: number; upstreamFailure?: string }
  }
}

/** The part of a request's context that says who asks and where; a context of any environment that extends ours has it. */
export interface RequestFacts {
  readonly env: GatewayEnv["Bindings"]
  readonly var: Readonly<GatewayEnv["Variables"]>
  /** One of the same. Of `var` Hono makes an object anew each time it is asked for. */
  get: <Name extends keyof GatewayEnv["Variables"]>(name: Name) => GatewayEnv["Variables"][Name]
}
