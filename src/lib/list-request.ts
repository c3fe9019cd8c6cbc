/** What a list of the identity API is asked for, parsed. The gateway reads it from a query, the directory turns it into SQL. */

/** What can be asked of a field. `labels` is a map of texts, asked by key. */
export type FieldType = "text" | "uuid" | "boolean" | "number" | "time" | "labels"

/** Konnect's operators: `o…` takes several values, `exists` none. */
export type Operator = "eq" | "neq" | "contains" | "oeq" | "ocontains" | "exists" | "lt" | "lte" | "gt" | "gte"

/** One condition. `key` is that of a label. Times are milliseconds since 1970, booleans 1 and 0, as text. */
export interface Condition {
  field: string
  key: string | null
  operator: Operator
  values: string[]
}

/** Conditions are combined with and; `sort` holds at least one field; pages are numbered from 1. */
export interface ListRequest {
  conditions: Condition[]
  sort: { field: string; descending: boolean }[]
  page: { number: number; size: number }
}

/** A page of rows, and how many there are in all. */
export interface Listed<Row> {
  rows: Row[]
  total: number
}
