/**
 * Integrations that registered with the region, and what each wants to hear of. One that was not heard of since `alive` (in ms since
 * 1970) is as good as gone, whether the job has removed its row yet or not.
 */
import { and, asc, eq, gte, lt, type SQL, sql } from "drizzle-orm"
import type { AnySQLiteColumn } from "drizzle-orm/sqlite-core"
import { concernsOnly, type ProjectsConcerned } from "./concerned.ts"
import type { Partition } from "./partition.ts"
import { type IntegrationMetadata, integrations, type SubscriptionFilter, subscriptions } from "./schema.ts"

/** What an integration wants to hear of. */
export interface Subscription {
  id: string
  event: string
  filter: SubscriptionFilter
}

/** An integration as it registers. */
export interface Registration {
  id: string
  name: string
  metadata: IntegrationMetadata
  subscriptions: readonly Subscription[]
}

/** A registered integration. `lastSeen` is in ms since 1970. */
export interface Integration extends Registration {
  lastSeen: number
}

/** What a search for integrations asks for; what is absent is not asked. The last three are named in a subscription's filter. */
export interface IntegrationFilter {
  id?: string | undefined
  name?: string | undefined
  namespace?: string | undefined
  hostname?: string | undefined
  project?: string | undefined
  stage?: string | undefined
  service?: string | undefined
}

/** How many integrations a region has at most, and how many subscriptions each: a list holds all of them. */
export const MOST_INTEGRATIONS = 1000
export const MOST_SUBSCRIPTIONS = 1000

/**
 * Registers an integration, or notes that a known one (by its name and namespace) is there again, in one trip. What a known one has
 * subscribed to stays, unless that is nothing.
 */
export async function registerIntegration(
  { db }: Partition,
  registration: Registration,
  now: number,
  alive: number,
): Promise<{ outcome: "created" | "known"; id: string } | { outcome: "too-many-integrations" }> {
  const { id, name, metadata } = registration
  const { namespace } = metadata.kubernetesmetadata
  const itself = sql`((name = ${name} and namespace = ${namespace}) or id = ${id})`
  const isKnown = sql`exists (select 1 from integrations where ${itself})`
  const hasRoom = sql`(select count(*) from (select 1 from integrations limit ${MOST_INTEGRATIONS})) < ${MOST_INTEGRATIONS}`
  const again = {
    metadata: sql`json_set(${integrations.metadata}, '$.hostname', ${metadata.hostname},
      '$.integrationversion', ${metadata.integrationversion}, '$.distributorversion', ${metadata.distributorversion})`,
    lastSeen: now,
  }
  const [, known, stored] = await db.batch([
    db.delete(integrations).where(and(itself, lt(integrations.lastSeen, alive))),
    db.select({ id: integrations.id }).from(integrations).where(itself).limit(1),
    db
      .insert(integrations)
      .select(
        sql`select ${id}, ${name}, ${namespace}, ${JSON.stringify(metadata)}, ${now} where ${isKnown} or ${hasRoom}`,
      )
      .onConflictDoUpdate({ target: [integrations.name, integrations.namespace], set: again })
      // Two that differ can have one id: its parts are joined by what can be in them.
      .onConflictDoUpdate({ target: integrations.id, set: again })
      .returning({ id: integrations.id }),
    db.insert(subscriptions).select(
      sql`select integrations.id, value ->> 'id', key, value ->> 'event', value -> 'filter'
        from integrations, json_each(${JSON.stringify(registration.subscriptions)})
        where name = ${name} and namespace = ${namespace}
        and not exists (select 1 from subscriptions where integration_id = integrations.id)`,
    ),
  ])
  const [row] = stored
  if (!row) return { outcome: "too-many-integrations" }
  return { outcome: known.length > 0 ? "known" : "created", id: row.id }
}

/** Notes that an integration is alive; answers it with the subscriptions that are `concerned`, or null when there is none of that id. */
export async function pingIntegration(
  { db }: Partition,
  id: string,
  now: number,
  alive: number,
  concerned: ProjectsConcerned,
): Promise<Integration | null> {
  const isIt = and(eq(integrations.id, id), gte(integrations.lastSeen, alive))
  const [rows, subscribed] = await db.batch([
    db.update(integrations).set({ lastSeen: now }).where(isIt).returning(),
    db
      .select()
      .from(subscriptions)
      .where(and(eq(subscriptions.integrationId, id), isAbout(concerned)))
      .orderBy(asc(subscriptions.position)),
  ])
  return rows.map((row) => integrationOf(row, subscribed))[0] ?? null
}

/** Finds integrations, by name and namespace, with the subscriptions that are `concerned`. */
export async function findIntegrations(
  { db }: Partition,
  filter: IntegrationFilter,
  alive: number,
  concerned: ProjectsConcerned,
): Promise<Integration[]> {
  const matching = and(
    gte(integrations.lastSeen, alive),
    ...equal(integrations.id, filter.id),
    ...equal(integrations.name, filter.name),
    ...equal(integrations.namespace, filter.namespace),
    ...(filter.hostname === undefined
      ? []
      : [sql`json_extract(${integrations.metadata}, '$.hostname') = ${filter.hostname}`]),
    ...subscribedTo("projects", filter.project, concerned),
    ...subscribedTo("stages", filter.stage, concerned),
    ...subscribedTo("services", filter.service, concerned),
  )
  const [rows, subscribed] = await db.batch([
    db.select().from(integrations).where(matching).orderBy(asc(integrations.name), asc(integrations.namespace)),
    db
      .select()
      .from(subscriptions)
      .where(and(sql`integration_id in (select id from integrations where ${matching})`, isAbout(concerned)))
      .orderBy(asc(subscriptions.integrationId), asc(subscriptions.position)),
  ])
  const byIntegration = Map.groupBy(subscribed, ({ integrationId }) => integrationId)
  return rows.map((row) => integrationOf(row, byIntegration.get(row.id) ?? []))
}

/** Removes an integration with its subscriptions, unless one of these is about what is not `concerned`. */
export async function removeIntegration(
  { db }: Partition,
  id: string,
  alive: number,
  concerned: ProjectsConcerned,
): Promise<"removed" | "missing" | "others"> {
  const isIt = and(eq(integrations.id, id), gte(integrations.lastSeen, alive))
  const hasOthers = sql`exists (select 1 from subscriptions where integration_id = ${id} and not ${isAbout(concerned)})`
  const [found, removed] = await db.batch([
    db.select({ id: integrations.id }).from(integrations).where(isIt),
    db
      .delete(integrations)
      .where(and(isIt, sql`not ${hasOthers}`))
      .returning({ id: integrations.id }),
  ])
  if (removed.length > 0) return "removed"
  return found.length > 0 ? "others" : "missing"
}

/** The subscriptions of an integration that are `concerned`, in its order; null when there is no such integration. */
export async function listSubscriptions(
  partition: Partition,
  integrationId: string,
  alive: number,
  concerned: ProjectsConcerned,
): Promise<readonly Subscription[] | null> {
  const [integration] = await findIntegrations(partition, { id: integrationId }, alive, concerned)
  return integration?.subscriptions ?? null
}

/** One subscription; null when it, or its integration, is not there, or it is not `concerned`. */
export async function findSubscription(
  { db }: Partition,
  integrationId: string,
  id: string,
  alive: number,
  concerned: ProjectsConcerned,
): Promise<Subscription | null> {
  const { event, filter } = subscriptions
  const [rows] = await db.batch([
    db
      .select({ id: subscriptions.id, event, filter })
      .from(subscriptions)
      .where(
        and(
          eq(subscriptions.integrationId, integrationId),
          eq(subscriptions.id, id),
          isAlive(integrationId, alive),
          isAbout(concerned),
        ),
      ),
  ])
  return rows[0] ?? null
}

/** Stores a subscription: in the place of the one with its id, if that is `concerned`, or behind all others. */
export async function putSubscription(
  { db }: Partition,
  integrationId: string,
  { id, event, filter }: Subscription,
  alive: number,
  concerned: ProjectsConcerned,
): Promise<{ outcome: "stored" | "no-integration" | "too-many-subscriptions" | "others" }> {
  const ofIntegration = sql`from subscriptions where integration_id = ${integrationId}`
  const isStored = sql`exists (select 1 ${ofIntegration} and id = ${id})`
  const isOthers = sql`exists (select 1 ${ofIntegration} and id = ${id} and not ${isAbout(concerned)})`
  const hasRoom = sql`(select count(*) ${ofIntegration}) < ${MOST_SUBSCRIPTIONS}`
  const [[found], stored] = await db.batch([
    db
      .select({ isOthers: sql<number>`${isOthers}`.as("is_others") })
      .from(integrations)
      .where(and(eq(integrations.id, integrationId), gte(integrations.lastSeen, alive))),
    db
      .insert(subscriptions)
      .select(
        sql`select ${integrationId}, ${id}, (select coalesce(max(position) + 1, 0) ${ofIntegration}), ${event},
          ${JSON.stringify(filter)} where ${isAlive(integrationId, alive)} and (${isStored} or ${hasRoom}) and not ${isOthers}`,
      )
      .onConflictDoUpdate({
        target: [subscriptions.integrationId, subscriptions.id],
        set: { event: sql`excluded.event`, filter: sql`excluded.filter` },
      })
      .returning({ id: subscriptions.id }),
  ])
  if (!found) return { outcome: "no-integration" }
  if (found.isOthers === 1) return { outcome: "others" }
  return { outcome: stored.length > 0 ? "stored" : "too-many-subscriptions" }
}

/** Removes a subscription, if it is there and `concerned`. */
export async function removeSubscription(
  { db }: Partition,
  integrationId: string,
  id: string,
  concerned: ProjectsConcerned,
): Promise<void> {
  const isIt = and(eq(subscriptions.integrationId, integrationId), eq(subscriptions.id, id), isAbout(concerned))
  await db.batch([db.delete(subscriptions).where(isIt)])
}

/** Removes integrations that were not heard of for too long. Runs by the clock. */
export async function removeExpiredIntegrations({ db }: Partition, alive: number): Promise<void> {
  await db.batch([db.delete(integrations).where(lt(integrations.lastSeen, alive))])
}

function integrationOf(
  { id, name, metadata, lastSeen }: typeof integrations.$inferSelect,
  subscribed: readonly Subscription[],
): Integration {
  const shown = subscribed.map((one) => ({ id: one.id, event: one.event, filter: one.filter }))
  return { id, name, metadata, lastSeen, subscriptions: shown }
}

function isAlive(integrationId: string, alive: number): SQL {
  return sql`exists (select 1 from integrations where id = ${integrationId} and last_seen >= ${alive})`
}

/** Whether a row of the subscriptions is about projects of a caller only. */
function isAbout(concerned: ProjectsConcerned): SQL {
  return concernsOnly({ json: sql`subscriptions.filter`, path: "$.projects" }, concerned)
}

function equal(column: AnySQLiteColumn, value: string | undefined): SQL[] {
  return value === undefined ? [] : [eq(column, value)]
}

/** Whether some subscription names `value` in its filter. Several such conditions may be met by different subscriptions, as in Keptn. */
function subscribedTo(kind: keyof SubscriptionFilter, value: string | undefined, concerned: ProjectsConcerned): SQL[] {
  if (value === undefined) return []
  const names = sql`json_each(subscriptions.filter, ${`$.${kind}`}) as name`
  return [
    sql`exists (select 1 from subscriptions, ${names} where integration_id = integrations.id and name.value = ${value}
      and ${isAbout(concerned)})`,
  ]
}
