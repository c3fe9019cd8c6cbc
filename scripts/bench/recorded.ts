/** What the Worker asks of a database, kept so that it can be asked again without the Worker. */

/** A statement with what is bound to it. */
export interface Recorded {
  query: string
  values: readonly unknown[]
}

/** Runs `use` on `database`; answers the statements of the last batch that it ran. */
export async function record(
  database: D1Database,
  use: (database: D1Database) => Promise<unknown>,
): Promise<readonly Recorded[]> {
  const known = new Map<D1PreparedStatement, Recorded>()
  let last: readonly Recorded[] = []
  const prepare = (query: string) => {
    const statement = database.prepare(query)
    known.set(statement, { query, values: [] })
    const bind = statement.bind.bind(statement)
    statement.bind = (...values: unknown[]) => {
      const bound = bind(...values)
      known.set(bound, { query, values })
      return bound
    }
    return statement
  }
  await use({
    prepare,
    batch<T>(statements: D1PreparedStatement[]) {
      last = statements.flatMap((statement) => known.get(statement) ?? [])
      return database.batch<T>(statements)
    },
    exec: (query) => database.exec(query),
    withSession: (constraint) => database.withSession(constraint),
    dump: () => Promise.reject(new Error("a recorded database cannot be dumped")),
  })
  return last
}

/** Runs what was recorded once more in one batch, with every text that is bound as `change` makes it. */
export function runAgain(
  database: D1Database,
  recorded: readonly Recorded[],
  change: (text: string) => string = (text) => text,
): Promise<D1Result[]> {
  const changed = (value: unknown) => (typeof value === "string" ? change(value) : value)
  return database.batch(recorded.map(({ query, values }) => database.prepare(query).bind(...values.map(changed))))
}
