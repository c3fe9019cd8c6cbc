/** The change of the keys that seal what is secret in a region: whatever an older key has sealed is sealed again with the first one. */
import { and, eq, inArray, type SQL, sql } from "drizzle-orm"
import type { SQLiteColumn, SQLiteTable } from "drizzle-orm/sqlite-core"
import type { SealingKeys } from "../lib/sealing.ts"
import { valuesOf } from "./bulk.ts"
import type { Statement } from "./commit.ts"
import type { Database, Partition } from "./partition.ts"
import { projects, secrets } from "./schema.ts"
import { gitSecretPurpose, secretPurpose } from "./secrets.ts"

/** What one run did. `remaining`: how many the next runs will reseal; `unreadable`: some of those that no key opens. */
export interface ResealReport {
  resealed: number
  remaining: number
  unreadable: string[]
}

/** A column of sealed texts. `name` is the column that says what each of them belongs to. */
interface SealedPlace {
  kind: string
  table: SQLiteTable
  name: SQLiteColumn
  sealed: SQLiteColumn
  purpose: (region: string, name: string) => string
  /** The statement that replaces a text, unless it has changed since. */
  replace: (db: Database, text: SealedText, again: string) => Statement
}

interface SealedText {
  name: string
  sealed: string
}

const PLACES: readonly SealedPlace[] = [
  {
    kind: "secret",
    table: secrets,
    name: secrets.name,
    sealed: secrets.sealed,
    purpose: secretPurpose,
    replace: (db, { name, sealed }, again) =>
      db
        .update(secrets)
        .set({ sealed: again })
        .where(and(eq(secrets.name, name), eq(secrets.sealed, sealed))),
  },
  {
    kind: "project",
    table: projects,
    name: projects.name,
    sealed: projects.gitSecret,
    purpose: gitSecretPurpose,
    replace: (db, { name, sealed }, again) =>
      db
        .update(projects)
        .set({ gitSecret: again })
        .where(and(eq(projects.name, name), eq(projects.gitSecret, sealed))),
  },
]

/** How much of each place one run reseals: it is held in memory while other jobs run. */
const RESEALED_AT_ONCE = { texts: 300, length: 4_000_000 }
/** How many of the texts that no key opens one run names. */
const NAMED_AT_ONCE = 20

/**
 * Seals again, with the first of `keys`, what the others have sealed: some of it in each run. A text that is replaced or removed
 * meanwhile is left alone. What none of the keys opens is left as it is, too: the key may come back.
 */
export async function resealSecrets(partition: Partition, keys: SealingKeys): Promise<ResealReport> {
  const reports: ResealReport[] = []
  for (const place of PLACES) reports.push(await resealPlace(partition, place, keys))
  return {
    resealed: reports.reduce((sum, { resealed }) => sum + resealed, 0),
    remaining: reports.reduce((sum, { remaining }) => sum + remaining, 0),
    unreadable: reports.flatMap(({ unreadable }) => unreadable),
  }
}

async function resealPlace(partition: Partition, place: SealedPlace, keys: SealingKeys): Promise<ResealReport> {
  const { db, region } = partition
  const { older, olderCount, unknown } = await survey(db, place, keys)
  const texts = await readTexts(db, place, firstOf(older))
  const statements: Statement[] = []
  const unreadable = [...unknown]
  for (const text of texts) {
    const purpose = place.purpose(region, text.name)
    const opened = await keys.open(purpose, text.sealed)
    if (opened.outcome === "opened") statements.push(place.replace(db, text, await keys.seal(purpose, opened.text)))
    else unreadable.push(text.name)
  }
  const [first, ...others] = statements
  if (first !== undefined) await db.batch([first, ...others])
  return {
    resealed: statements.length,
    remaining: olderCount - texts.length,
    unreadable: unreadable.map((name) => `${place.kind} ${name}`),
  }
}

/** Which texts older keys have sealed, with their lengths, and how many; and some of those that no key has sealed. */
async function survey(db: Database, { table, name, sealed }: SealedPlace, keys: SealingKeys) {
  const sealedBy = (prefix: string) => sql`substr(${sealed}, 1, ${prefix.length}) = ${prefix}`
  const byAny = (prefixes: readonly string[]) => sql.join([sql`0`, ...prefixes.map(sealedBy)], sql` or `)
  const isOlder = byAny(keys.olderPrefixes)
  const isUnknown = sql`${sealed} is not null and not (${byAny([keys.currentPrefix, ...keys.olderPrefixes])})`
  const named = { name: sql<string>`${name}`.as("name"), length: sql<number>`length(${sealed})`.as("length") }
  const found = (condition: SQL, most: number) =>
    db.select(named).from(table).where(condition).orderBy(name).limit(most)
  const [older, [count], unknown] = await db.batch([
    found(isOlder, RESEALED_AT_ONCE.texts),
    db
      .select({ count: sql<number>`count(*)`.as("count") })
      .from(table)
      .where(isOlder),
    found(isUnknown, NAMED_AT_ONCE),
  ])
  return { older, olderCount: count?.count ?? 0, unknown: unknown.map((row) => row.name) }
}

/** The names of as many texts as one run holds, and of one at least. */
function firstOf(texts: readonly { name: string; length: number }[]): string[] {
  let total = 0
  return texts
    .filter(({ length }, index) => {
      total += length
      return index === 0 || total <= RESEALED_AT_ONCE.length
    })
    .map(({ name }) => name)
}

async function readTexts(db: Database, place: SealedPlace, names: readonly string[]): Promise<SealedText[]> {
  if (names.length === 0) return []
  const { table, name, sealed } = place
  const columns = { name: sql<string>`${name}`.as("name"), sealed: sql<string | null>`${sealed}`.as("sealed") }
  const [rows] = await db.batch([
    db
      .select(columns)
      .from(table)
      .where(inArray(name, valuesOf(JSON.stringify(names)))),
  ])
  return rows.flatMap((row) => (row.sealed === null ? [] : { name: row.name, sealed: row.sealed }))
}
