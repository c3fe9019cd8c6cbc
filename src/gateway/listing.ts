/**
 * Lists of the identity API, as Konnect has them: `filter[field][operator]`, `sort`, `page[size]` and `page[number]`. Each
 * collection says which fields and operators it takes; anything else is 400.
 */
import { z } from "@hono/zod-openapi"
import type { Condition, FieldType, Listed, ListRequest, Operator } from "../lib/list-request.ts"
import { ApiError, type InvalidParameter } from "./errors.ts"

/**
 * The fields of a collection that can be filtered on, and those that it can be sorted by. Without a `sort` the first one is taken, which
 * runs down where the newest come first.
 */
export interface ListFields {
  filters: Readonly<Record<string, FieldType>>
  sorts: readonly string[]
  newestFirst?: boolean
}

const OPERATORS = {
  text: ["eq", "neq", "contains", "oeq", "ocontains", "exists"],
  uuid: ["eq", "neq", "oeq"],
  boolean: ["eq"],
  number: ["eq", "lt", "lte", "gt", "gte"],
  time: ["eq", "lt", "lte", "gt", "gte"],
  labels: ["eq", "neq", "contains", "oeq", "ocontains", "exists"],
} as const satisfies Record<FieldType, readonly Operator[]>

const DEFAULT_SIZE = 10
const LARGEST_SIZE = 1000
const LARGEST_NUMBER = 1_000_000
/** A statement has a hundred parameters, and a condition up to two of them. */
const MOST_CONDITIONS = 20

/** The query parameters of a list, for its OpenAPI document. Their reading is `readListRequest`'s. */
export function listQuery({ filters, sorts, newestFirst = false }: ListFields) {
  const described = Object.entries(filters).map(([field, type]): [string, z.ZodOptional<z.ZodString>] => {
    const name = type === "labels" ? `filter[${field}.key][eq]` : `filter[${field}][eq]`
    const text = `Only those whose ${field} is this. Operators: ${OPERATORS[type].join(", ")}; \`filter[${field}]\` alone means eq.`
    return [name, z.string().optional().openapi({ description: text })]
  })
  return z.object({
    "page[size]": z
      .string()
      .optional()
      .openapi({
        type: "integer",
        description: `Entries on a page, 1 to ${LARGEST_SIZE}, ${DEFAULT_SIZE} when absent`,
        example: 10,
      }),
    "page[number]": z.string().optional().openapi({ type: "integer", description: "The page, from 1", example: 1 }),
    sort: z
      .string()
      .optional()
      .openapi({
        description:
          `Fields, each with " desc" when it runs down: ${sorts.join(", ")}. ` +
          `When absent: ${sorts[0]}${newestFirst ? " desc" : ""}`,
        example: sorts[0],
      }),
    ...Object.fromEntries(described),
  })
}

const numbers = {
  number: z.number().int().openapi({ example: 1 }),
  size: z.number().int().openapi({ example: 10 }),
  total: z.number().int().openapi({ example: 1, description: "How many there are on all pages" }),
}
const pageNumbersSchema = z.object(numbers).openapi("Page")

/** The members of a page: `meta.page` beside the data. */
export function pageSchema<Item extends z.ZodType>(item: Item) {
  return z.object({ meta: z.object({ page: pageNumbersSchema }), data: z.array(item) })
}

/** As `pageSchema`, of tokens. Konnect has their page's numbers one level higher for personal ones; here they are at both. */
export function tokenPageSchema<Item extends z.ZodType>(item: Item) {
  return pageSchema(item).extend({ meta: z.object({ page: pageNumbersSchema, ...numbers }) })
}

/** As `pageSchema`, of a list that grows while it is read: each page says where the next one is. */
export function linkedPageSchema<Item extends z.ZodType>(item: Item) {
  const next = z.string().nullable().openapi({
    example: "/v3/audit-log?page[number]=2&filter[id][lte]=4711",
    description: "The next page, without entries that were added since; null on the last page",
  })
  return pageSchema(item).extend({ meta: z.object({ page: pageNumbersSchema.extend({ next }).openapi("LinkedPage") }) })
}

/** A page as it is answered. */
export function pageOf<Item>(request: ListRequest, found: Listed<Item>) {
  return { meta: { page: { ...request.page, total: found.total } }, data: found.rows }
}

/** Reads the query of a list. Throws 400 with `invalid_parameters` that name all that is wrong. */
export function readListRequest(url: string, fields: ListFields): ListRequest {
  const problems: InvalidParameter[] = []
  const refuse = (field: string, rule: string, reason: string) => {
    problems.push({ field, rule, reason, source: "query" })
  }
  const request: ListRequest = { conditions: [], sort: [], page: { number: 1, size: DEFAULT_SIZE } }
  for (const [name, value] of new URL(url).searchParams) {
    if (name === "page[size]") request.page.size = readNumber(name, value, LARGEST_SIZE, refuse)
    else if (name === "page[number]") request.page.number = readNumber(name, value, LARGEST_NUMBER, refuse)
    else if (name === "sort") request.sort = readSort(value, fields.sorts, refuse)
    else if (name.startsWith("filter")) {
      const condition = readCondition(name, value, fields.filters, refuse)
      if (condition) request.conditions.push(condition)
    }
  }
  if (request.conditions.length > MOST_CONDITIONS) {
    refuse("filter", "max", `cannot be given more than ${MOST_CONDITIONS} times`)
  }
  if (problems.length > 0) throw invalidParameters(problems)
  if (request.sort.length === 0) {
    request.sort = [{ field: fields.sorts[0] ?? "", descending: fields.newestFirst ?? false }]
  }
  return request
}

/** How many mistakes of one request are told: an answer must not be many times as long as its request. */
const MOST_PROBLEMS = 100

/** The 400 of the identity API. */
export function invalidParameters(all: readonly InvalidParameter[]): ApiError {
  const problems = all.slice(0, MOST_PROBLEMS)
  const text = problems.map(({ field, reason }) => `${field} ${reason}`).join("; ")
  return new ApiError("invalid_request", text, { invalidParameters: problems })
}

type Refuse = (field: string, rule: string, reason: string) => void

function readNumber(name: string, value: string, largest: number, refuse: Refuse): number {
  const number = /^\d{1,9}$/.test(value) ? Number(value) : 0
  if (number < 1 || number > largest) {
    refuse(name, number > largest ? "max" : "min", `must be a number from 1 to ${largest}`)
  }
  return number
}

function readSort(value: string, sorts: readonly string[], refuse: Refuse): ListRequest["sort"] {
  const parts = value.split(",")
  // A field that comes again changes nothing, and a statement takes only so many.
  if (parts.length > sorts.length) refuse("sort", "max", `cannot have more than ${sorts.length} fields`)
  return parts.map((part) => {
    const [field = "", direction = "asc", ...rest] = part.trim().split(/\s+/)
    if (!sorts.includes(field) || !["asc", "desc"].includes(direction) || rest.length > 0) {
      refuse("sort", "enum", `must be fields with asc or desc, of ${sorts.join(", ")}`)
    }
    return { field, descending: direction === "desc" }
  })
}

function readCondition(name: string, value: string, filters: ListFields["filters"], refuse: Refuse): Condition | null {
  const [, path = "", given] = /^filter\[([^\]]+)\](?:\[([a-z]+)\])?$/.exec(name) ?? []
  const label = /^([a-z_]+)\.(.+)$/.exec(path)
  const field = label?.[1] ?? path
  const type = filters[field]
  const key = label?.[2] ?? null
  if (type === undefined || (type === "labels") !== (key !== null)) {
    refuse(name, "enum", `is not supported: filter on ${Object.keys(filters).join(", ")}`)
    return null
  }
  const operators: readonly Operator[] = OPERATORS[type]
  const operator = operators.find(
    (one) => one === (given ?? (value === "" && operators.includes("exists") ? "exists" : "eq")),
  )
  if (operator === undefined) {
    refuse(name, "enum", `is not supported: the operators of ${field} are ${operators.join(", ")}`)
    return null
  }
  const values = operator === "oeq" || operator === "ocontains" ? value.split(",") : [value]
  if (operator !== "exists" && !values.every((one) => isOfType(one, type))) {
    refuse(name, RULES[type], `must be ${TEXTS[type]}`)
    return null
  }
  return { field, key, operator, values: values.map((one) => stored(one, type)) }
}

function stored(value: string, type: FieldType): string {
  if (type === "boolean") return value === "true" ? "1" : "0"
  return type === "time" ? String(Date.parse(value)) : value
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i
const RULES = {
  text: "is_string",
  uuid: "is_uuid",
  boolean: "is_boolean",
  number: "is_integer",
  time: "is_date_time",
  labels: "is_string",
} as const
const TEXTS = {
  text: "a text",
  uuid: "a valid UUID",
  boolean: "true or false",
  number: "a whole number",
  time: "a date-time (RFC 3339)",
  labels: "a text",
} as const

function isOfType(value: string, type: FieldType): boolean {
  if (type === "uuid") return UUID.test(value)
  if (type === "boolean") return value === "true" || value === "false"
  if (type === "number") return /^\d{1,15}$/.test(value)
  return type === "time" ? !Number.isNaN(Date.parse(value)) : true
}
