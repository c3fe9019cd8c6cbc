/**
 * Counts what one request asks of storage. The meter tells how many calls were made, how many rows D1 read, and how
 * many round trips came one after the other: that last number is what a caller waits for, and what the budgets in
 * docs/architecture.md bound.
 */

/** The kinds of storage that are counted. */
type Storage = "d1" | "r2" | "kv"

export class Meter {
  /** Calls per kind of storage. */
  readonly calls: Record<Storage, number> = { d1: 0, r2: 0, kv: 0 }
  /** Rows that D1 read. */
  rowsRead = 0
  /** The longest chain of calls, each made after the one before it had answered. */
  trips = 0
  #answered = 0

  /** Counts one call to storage and answers what it answers. */
  async count<T>(storage: Storage, call: () => Promise<T>): Promise<T> {
    this.calls[storage]++
    const depth = this.#answered + 1
    this.trips = Math.max(this.trips, depth)
    try {
      return await call()
    } finally {
      this.#answered = Math.max(this.#answered, depth)
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

/**
 * A D1 database whose calls are counted. Statements run in a batch or not at all: D1 reports the rows it read for a batch,
 * but not for the raw reads that a query builder would make on its own.
 */
export class MeteredD1 implements D1Database {
  readonly #database: D1Database
  readonly #meter: Meter

  constructor(database: D1Database, meter: Meter) {
    this.#database = database
    this.#meter = meter
  }

  prepare(query: string): D1PreparedStatement {
    return new BatchedStatement(this.#database.prepare(query))
  }

  async batch<T = unknown>(statements: D1PreparedStatement[]): Promise<D1Result<T>[]> {
    const bare = statements.map((statement) =>
      statement instanceof BatchedStatement ? statement.statement : statement,
    )
    const results = await this.#meter.count("d1", () => this.#database.batch<T>(bare))
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

  constructor(statement: D1PreparedStatement) {
    this.statement = statement
  }

  bind(...values: unknown[]): BatchedStatement {
    return new BatchedStatement(this.statement.bind(...values))
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

const UNCOUNTED = "run statements with batch(), so that they are counted"

function refuse(): Promise<never> {
  return Promise.reject(new Error(UNCOUNTED))
}
