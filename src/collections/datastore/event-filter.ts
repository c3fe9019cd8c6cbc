/** The filter language of `/event/type`: `key:value AND key:value`, where a value may be several, by commas. Pure. */

/** One condition: the place in the event, and the values any of which it may have. */
export interface FilterTerm {
  key: string
  values: string[]
}

/** A filter with more conditions is not searched by: each is at least one parameter of a statement, which has a hundred. */
export const MOST_TERMS = 20

/** Reads a filter. A part that has not exactly one colon is no condition, as in Keptn. */
export function readFilter(filter: string): FilterTerm[] {
  return filter.split(" AND ").flatMap((part) => {
    const [key = "", value, ...others] = part.split(":").map((text) => text.trim())
    return value === undefined || others.length > 0 ? [] : [{ key, values: value.split(",").map((one) => one.trim()) }]
  })
}
