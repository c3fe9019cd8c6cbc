/** What concerns projects, and is shown to whoever may see those. */
import { type SQL, sql } from "drizzle-orm"
import type { Reach } from "../lib/principal.ts"

/** The projects of a caller, and whether the caller is concerned by what names no project. */
export interface ProjectsConcerned {
  named: Reach
  unnamed: boolean
}

/**
 * Whether the projects in the JSON array `projects` are all those of a caller. What names several is for those who may see
 * all of them: a part of it, sent back, would lose the rest.
 */
export function concernsOnly(projects: { json: SQL; path: string }, { named, unnamed }: ProjectsConcerned): SQL {
  const each = sql`json_each(${projects.json}, ${projects.path})`
  // Of JSON's null, SQLite makes a row without a value.
  const isNamed = sql`exists (select 1 from ${each} as named where named.value is not null)`
  if (named.all) return unnamed ? sql`true` : isNamed
  const others = sql`exists (select 1 from ${each} as named
    where named.value not in (select value from json_each(${JSON.stringify(named.names)})))`
  return sql`(${unnamed ? sql`true` : isNamed} and not ${others})`
}

/** Whether the project in a column, "" for none, is one of a caller's. */
export function isConcerned(project: SQL, { named, unnamed }: ProjectsConcerned): SQL {
  if (named.all && unnamed) return sql`true`
  const isNamed = named.all
    ? sql`${project} <> ''`
    : sql`${project} in (select value from json_each(${JSON.stringify(named.names)}))`
  return unnamed ? sql`(${isNamed} or ${project} = '')` : isNamed
}
