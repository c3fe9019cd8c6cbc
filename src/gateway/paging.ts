/** Keptn's paging by offset, as projects, stages, services and resources have it. */
import { z } from "@hono/zod-openapi"
import { typedParameter } from "./typed-parameter.ts"

const DEFAULT_SIZE = 20

/** The query of a paged list. A key that is no number starts at the beginning, as in Keptn. */
export const offsetPageQuery = z.object({
  pageSize: typedParameter
    .refine((value) => value === undefined || /^-?\d{1,9}$/.test(value), "must be a whole number")
    .openapi({ type: "integer", description: `Entries on a page, ${DEFAULT_SIZE} when absent`, example: 20 }),
  nextPageKey: z
    .string()
    .optional()
    .openapi({ description: "The `nextPageKey` of the page before; absent or `0` for the first page", example: "0" }),
})

/** The members that every paged answer has beside its list. */
export const offsetPageMembers = {
  nextPageKey: z.string().openapi({ example: "0", description: "Where the next page starts; `0` when there is none" }),
  totalCount: z
    .number()
    .int()
    .optional()
    .openapi({ example: 1, description: "All entries; absent when there are none" }),
}

/** Where a page starts and how long it is. */
export interface OffsetPage {
  offset: number
  size: number
}

/** Reads the query of a paged list. A negative size is taken as an empty page. */
export function readOffsetPage(query: z.infer<typeof offsetPageQuery>): OffsetPage {
  const offset = /^\d{1,15}$/.test(query.nextPageKey ?? "") ? Number(query.nextPageKey) : 0
  return { offset, size: Math.max(0, Number(query.pageSize ?? DEFAULT_SIZE)) }
}

/** The paging members of an answer whose page holds `shown` of `total` entries. */
export function offsetPageOf(
  page: OffsetPage,
  shown: number,
  total: number,
): { nextPageKey: string; totalCount?: number } {
  const next = page.offset + shown
  const more = shown > 0 && next < total
  return { nextPageKey: more ? String(next) : "0", ...(total > 0 && { totalCount: total }) }
}
