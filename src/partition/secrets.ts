/** Secrets of a region. Their values go in sealed; no caller gets one back. */
import { and, asc, eq } from "drizzle-orm"
import type { Seal } from "../lib/sealing.ts"
import { isKeyTaken } from "../lib/sqlite-errors.ts"
import type { Partition } from "./partition.ts"
import { secrets } from "./schema.ts"

/** A secret as it is written. */
export interface NewSecret {
  name: string
  scope: string
  data: Readonly<Record<string, string>>
}

/** What can be known of a stored secret. */
export interface StoredSecret {
  name: string
  scope: string
  /** The names of its values, sorted. */
  keys: string[]
}

/** The purpose of a secret's sealed values: it binds them to its name, and to the region. */
export function secretPurpose(region: string, name: string): string {
  return JSON.stringify(["secret", region, name])
}

/** The purpose of the sealed git credentials of a project, likewise. */
export function gitSecretPurpose(region: string, project: string): string {
  return JSON.stringify(["git", region, project])
}

/** Stores a secret whose name is not taken. */
export async function createSecret(partition: Partition, seal: Seal, secret: NewSecret): Promise<"created" | "exists"> {
  const { db } = partition
  const now = Date.now()
  const row = { name: secret.name, ...(await sealedColumns(partition, seal, secret)), createdAt: now, updatedAt: now }
  try {
    await db.batch([db.insert(secrets).values(row)])
  } catch (error) {
    if (isKeyTaken(error, "secrets")) return "exists"
    throw error
  }
  return "created"
}

/** Replaces the scope and all values of a secret. */
export async function updateSecret(
  partition: Partition,
  seal: Seal,
  secret: NewSecret,
): Promise<"updated" | "missing"> {
  const { db } = partition
  const columns = { ...(await sealedColumns(partition, seal, secret)), updatedAt: Date.now() }
  const [rows] = await db.batch([
    db.update(secrets).set(columns).where(eq(secrets.name, secret.name)).returning({ name: secrets.name }),
  ])
  return rows.length > 0 ? "updated" : "missing"
}

/** Deletes the secret of this name, if it is in this scope. */
export async function deleteSecret({ db }: Partition, name: string, scope: string): Promise<"deleted" | "missing"> {
  const named = and(eq(secrets.name, name), eq(secrets.scope, scope))
  const [rows] = await db.batch([db.delete(secrets).where(named).returning({ name: secrets.name })])
  return rows.length > 0 ? "deleted" : "missing"
}

/** The secrets by name: all of them, or that of a name, or those of a scope. */
export async function findSecrets(
  { db }: Partition,
  filter: { name: string | undefined; scope: string | undefined },
): Promise<StoredSecret[]> {
  const [rows] = await db.batch([
    db
      .select({ name: secrets.name, scope: secrets.scope, keys: secrets.keys })
      .from(secrets)
      .where(
        and(
          filter.name === undefined ? undefined : eq(secrets.name, filter.name),
          filter.scope === undefined ? undefined : eq(secrets.scope, filter.scope),
        ),
      )
      .orderBy(asc(secrets.name)),
  ])
  return rows
}

async function sealedColumns({ region }: Partition, seal: Seal, { name, scope, data }: NewSecret) {
  const sealed = await seal(secretPurpose(region, name), JSON.stringify(data))
  return { scope, keys: Object.keys(data).toSorted(), sealed }
}
