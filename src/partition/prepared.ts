/**
 * Statements whose text is made once per isolate. Drizzle makes it anew wherever a statement is written down, which for a read was more work than
 * all the rest of this Worker does for it.
 */
import { fillPlaceholders, type Query } from "drizzle-orm"
import type { RunnableQuery } from "drizzle-orm/runnable-query"
import type { Database } from "./partition.ts"

/** What a statement is run with: a value for each of its placeholders, and maybe others, which other statements of a batch need. */
export type Values = Readonly<Record<string, string | number | null>>

/** A statement as drizzle's builders make it. */
interface Built<Result> extends RunnableQuery<Result, "sqlite"> {
  prepare(): Prepared
}

/** A statement that was made into text, which knows how its results are read. */
interface Prepared {
  getQuery(): Query
  mapResult(response: unknown, isFromBatch?: boolean): unknown
}

/** A statement that `build` writes down, with a placeholder wherever a value stands. */
export function prepareOnce<Result>(
  build: (db: Database) => Built<Result>,
): (db: Database, values: Values) => RunnableQuery<Result, "sqlite"> {
  let prepared: Prepared | undefined
  return (db, values) => {
    prepared ??= build(db).prepare()
    return new Filled<Result>(prepared, db, values)
  }
}

/** As `prepareOnce`, where the text hangs on what is asked, its `shape`. There must be few of these: the text of each is kept. */
export function prepareEach<Result, Shape extends object>(
  build: (db: Database, shape: Shape) => Built<Result>,
): (db: Database, shape: Shape, values: Values) => RunnableQuery<Result, "sqlite"> {
  const kept = new Map<string, Prepared>()
  return (db, shape, values) => {
    const key = JSON.stringify(shape)
    const prepared = kept.get(key) ?? build(db, shape).prepare()
    kept.set(key, prepared)
    return new Filled<Result>(prepared, db, values)
  }
}

/** A prepared statement with its values, as drizzle's `batch` takes statements. */
class Filled<Result> implements RunnableQuery<Result, "sqlite"> {
  /** For the types only. */
  declare readonly _: RunnableQuery<Result, "sqlite">["_"]
  readonly #prepared: Prepared
  readonly #db: Database
  readonly #values: Values

  constructor(prepared: Prepared, db: Database, values: Values) {
    this.#prepared = prepared
    this.#db = db
    this.#values = values
  }

  /** Drizzle's `batch` asks each statement for this. */
  _prepare() {
    const { sql, params } = this.#prepared.getQuery()
    return {
      stmt: this.#db.$client.prepare(sql),
      getQuery: () => ({ sql, params: fillPlaceholders(params, this.#values) }),
      mapResult: (response: unknown) => this.#prepared.mapResult(response, true),
    }
  }
}
