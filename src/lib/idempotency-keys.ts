/**
 * What a database keeps of requests that were sent with an `Idempotency-Key`. The row is inserted in the batch of the change itself: it is
 * there if and only if the change was made, and a second request with the key cannot make another.
 */
import { eq, inArray, lt } from "drizzle-orm"
import type { DrizzleD1Database } from "drizzle-orm/d1"
import { index, integer, sqliteTable, text } from "drizzle-orm/sqlite-core"

/**
 * `id` is a digest of who asked and the key; `sealed` holds what was asked and, as soon as it is known, what was answered. The migrations
 * of both planes are made from it.
 * @public
 */
export const idempotencyKeys = sqliteTable(
  "idempotency_keys",
  {
    id: text("id").primaryKey(),
    sealed: text("sealed").notNull(),
    createdAt: integer("created_at").notNull(),
  },
  (table) => [index("idempotency_keys_by_age").on(table.createdAt)],
)

/** A key that was used. `createdAt` is milliseconds since 1970. */
export interface UsedKey {
  id: string
  sealed: string
  createdAt: number
}

/** How long a key is remembered, in milliseconds. */
const LIFETIME = 24 * 60 * 60 * 1000
/** How many keys one run of the scheduled job forgets. */
const FORGOTTEN_AT_ONCE = 1000

/** A request's claim to its key, which its first change brings along. Without a key it claims nothing. */
export class Claim {
  #key: UsedKey | null = null
  #state: "open" | "under way" | "held" = "open"

  /** Sets what is to be stored with the first change. */
  set(key: UsedKey): void {
    this.#key = key
  }

  /** Whether the key is stored, and so the first change of this request made. */
  get isHeld(): boolean {
    return this.#state === "held"
  }

  /** Runs a batch of changes; `insert`, where there is something to claim yet, has to be part of it. */
  async withFirst<T>(database: D1Database, run: (insert: D1PreparedStatement | null) => Promise<T[]>): Promise<T[]> {
    const key = this.#key
    if (key === null || this.#state !== "open") return run(null)
    const statement = "insert into idempotency_keys (id, sealed, created_at) values (?, ?, ?)"
    this.#state = "under way"
    try {
      const [, ...results] = await run(database.prepare(statement).bind(key.id, key.sealed, key.createdAt))
      this.#state = "held"
      return results
    } finally {
      if (this.#state !== "held") this.#state = "open"
    }
  }
}

/** The key with this id, null when it was not used. */
export async function findKey(db: DrizzleD1Database, id: string): Promise<UsedKey | null> {
  const [[key]] = await db.batch([db.select().from(idempotencyKeys).where(eq(idempotencyKeys.id, id))])
  return key ?? null
}

/** Keeps what a request with this key was answered. */
export async function keepAnswer(db: DrizzleD1Database, { id, sealed }: UsedKey): Promise<void> {
  await db.batch([db.update(idempotencyKeys).set({ sealed }).where(eq(idempotencyKeys.id, id))])
}

/** Forgets keys that are old enough at `now` (ms since 1970), some at a time. */
export async function forgetKeys(db: DrizzleD1Database, now: number): Promise<void> {
  const old = db
    .select({ id: idempotencyKeys.id })
    .from(idempotencyKeys)
    .where(lt(idempotencyKeys.createdAt, now - LIFETIME))
    .limit(FORGOTTEN_AT_ONCE)
  await db.batch([db.delete(idempotencyKeys).where(inArray(idempotencyKeys.id, old))])
}
