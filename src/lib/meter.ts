/**
 * Counts what one request asks of storage. The meter tells how many calls were made, how many rows D1 read, and how
 * many round trips came one after the other: that last number is what a caller waits for, and what the budgets in
 * docs/architecture.md bound.
 */

import type { Claim } from "./idempotency-keys.ts"
import { fromStorage } from "./storage-error.ts"

/** The kinds of storage that are counted. */
type Storage = "d1" | "r2" | "kv"

export class Meter {
  /** Calls per kind of storage. */
  readonly calls: Record<Storage, number> = { d1: 0, r2: 0, kv: 0 }
  /** Rows that D1 read. */
  rowsRead = 0
  /** The longest chain of calls, each made after the one before it had answered. */
  trips = 0
  readonly #timeout: number | null
  #answered = 0

  /** `timeout`: how long a call may take, in milliseconds; null for as long as it likes. */
  constructor(timeout: number | null = null) {
    this.#timeout = timeout
  }

  /** Counts one call to storage and answers what it answers. Throws a `StorageError` when it fails or takes too long. */
  async count<T>(storage: Storage, call: () => Promise<T>): Promise<T> {
    this.calls[storage]++
    const depth = this.#answered + 1
    this.trips = Math.max(this.trips, depth)
    try {
      return await fromStorage(call, this.#timeout)
    } finally {
      this.#answered = Math.max(this.#answered, depth)
    }
  }

  /** Waits for what belongs to a call that is counted already: the bytes that it answered, or is given. Throws as `count` does. */
  inTime<T>(wait: () => Promise<T>): Promise<T> {
    return fromStorage(wait, this.#timeout)
  }

  /** The parts of such an answer, each of which has to come in time. Throws as `count` does. */
  async *partsInTime<T>(parts: AsyncIterable<T>): AsyncGenerator<T> {
    const iterator = parts[Symbol.asyncIterator]()
    try {
      for (;;) {
        const next = await this.inTime(() => iterator.next())
        if (next.done === true) return
        yield next.value
      }
    } finally {
      // It is not waited for: what does not come in time does not end in time either.
      iterator.return?.().catch(() => undefined)
    }
  }

  /** The counts as a Server-Timing header. */
  serverTiming(): string {
    const entries = { trips: this.trips, ...this.calls, rows: this.rowsRead }
    return Object.entries(entries)
      .map(([name, count]) => `${name};desc="${count}"`)
      .join(", ")
  }
}

/** What a database is told, and tells, about the changes of one request. */
export interface Changes {
  /** Go along with the first batch that changes something. */
  claims?: readonly Claim[]
  /** Called after each batch that changes something, also after one that failed: it may have been carried out. */
  onChange?: () => void
}

/**
 * A D1 database whose calls are counted. Statements run in a batch or not at all: D1 reports the rows it read for a batch,
 * but not for the raw reads that a query builder would make on its own.
 */
export class MeteredD1 implements D1Database {
  readonly #database: D1Database
  readonly #meter: Meter
  readonly #claims: readonly Claim[]
  readonly #onChange: () => void

  constructor(database: D1Database, meter: Meter, { claims = [], onChange = () => undefined }: Changes = {}) {
    this.#database = database
    this.#meter = meter
    this.#claims = claims
    this.#onChange = onChange
  }

  prepare(query: string): D1PreparedStatement {
    return new BatchedStatement(this.#database.prepare(query), CHANGE.test(query))
  }

  async batch<T = unknown>(statements: D1PreparedStatement[]): Promise<D1Result<T>[]> {
    const ours = statements.filter((statement) => statement instanceof BatchedStatement)
    const bare = ours.map(({ statement }) => statement)
    return ours.some(({ changes }) => changes) ? this.#change<T>(bare) : this.#run<T>(bare)
  }

  async #change<T>(bare: D1PreparedStatement[]): Promise<D1Result<T>[]> {
    try {
      return await this.#runClaiming<T>(this.#claims, bare)
    } finally {
      this.#onChange()
    }
  }

  #runClaiming<T>([claim, ...others]: readonly Claim[], statements: D1PreparedStatement[]): Promise<D1Result<T>[]> {
    if (!claim) return this.#run<T>(statements)
    return claim.withFirst(this.#database, (insert) =>
      this.#runClaiming<T>(others, insert === null ? statements : [insert, ...statements]),
    )
  }

  async #run<T>(statements: D1PreparedStatement[]): Promise<D1Result<T>[]> {
    const results = await this.#meter.count("d1", () => this.#database.batch<T>(statements))
    for (const result of results) this.#meter.rowsRead += result.meta.rows_read
    return results
  }

  exec(): Promise<never> {
    return refuse()
  }

  withSession(): never {
    throw new Error(UNCOUNTED)
  }

  dump(): Promise<never> {
    return refuse()
  }
}

/** A prepared statement that only a batch of its `MeteredD1` can run. */
class BatchedStatement implements D1PreparedStatement {
  readonly statement: D1PreparedStatement
  readonly changes: boolean

  constructor(statement: D1PreparedStatement, changes: boolean) {
    this.statement = statement
    this.changes = changes
  }

  bind(...values: unknown[]): BatchedStatement {
    return new BatchedStatement(this.statement.bind(...values), this.changes)
  }

  first(): Promise<never> {
    return refuse()
  }

  run(): Promise<never> {
    return refuse()
  }

  all(): Promise<never> {
    return refuse()
  }

  raw(): Promise<never> {
    return refuse()
  }
}

/** How a statement begins that changes something. */
const CHANGE = /^\s*(insert|update|delete)\b/i

const UNCOUNTED = "run statements with batch(), so that they are counted"

function refuse(): Promise<never> {
  return Promise.reject(new Error(UNCOUNTED))
}
