/** What an upstream is. */
import type { CollectionName } from "../lib/collections.ts"
import type { Action } from "../lib/roles.ts"

/** An origin, and what of this host it serves. */
export interface Upstream {
  /** What errors and log lines call it: its collection, or its prefix. They never name the origin. */
  name: string
  /** Paths below it are the origin's. Plain segments, no slash at the end. */
  prefix: string
  /** The collection that stands at the prefix; null where none does. */
  collection: CollectionName | null
  /** Scheme, host and port. */
  origin: string
  /** What every path at the origin begins with; empty, or with a slash before and none behind. */
  basePath: string
  stripPrefix: boolean
  /** Methods that pass; GET brings HEAD. */
  methods: readonly string[]
  /** What a caller must be allowed to do on all projects, where no collection says what its operations ask; null: have a token. */
  action: Action | null
  /** How long the origin may take to begin its answer once it has the request, in milliseconds. */
  firstByteMs: number
  /** How long a request may take, from its arrival to the last byte of the answer, in milliseconds; null: for ever. */
  totalMs: number | null
  /** Whether GET and HEAD are sent once more when the connection fails. */
  retries: boolean
  maxRequestBytes: number
  /** null: any size. */
  maxResponseBytes: number | null
  maxHeaderBytes: number
  circuit: { failures: number; openMs: number }
  /** Whether shared caches may keep what the origin calls public, although it was answered to somebody with a token. */
  isPublic: boolean
  /** A header that every request to the origin gets. */
  credential: { name: string; value: string } | null
  /** The path of the origin's own OpenAPI document, which the docs page shall list. */
  document: string | null
}

/** Whether `path` is `prefix`, or lies below it. */
export function isWithin(path: string, prefix: string): boolean {
  return path === prefix || path.startsWith(`${prefix}/`)
}
