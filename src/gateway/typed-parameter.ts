/** Query parameters that are a number, a time or a flag. */
import { z } from "@hono/zod-openapi"

const EMPTY = "empty"

/**
 * The text of a query parameter that stands for something other than text; undefined when it is absent. An empty value is
 * refused: no client of Keptn sends one, and a caller whose variable is unset must not be answered as if nothing was asked.
 */
export const typedParameter = z
  .string()
  .refine((value) => value !== "", { error: "must not be empty", params: { reason: EMPTY } })
  .optional()

/** Whether this is the issue that `typedParameter` reports for an empty value. */
export function isEmptyParameter(issue: z.core.$ZodIssue): boolean {
  return issue.code === "custom" && issue.params?.["reason"] === EMPTY
}
