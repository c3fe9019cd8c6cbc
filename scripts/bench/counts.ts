/** What is counted of the calls to storage. */
import { z } from "zod"

/** What was counted: everything that is billed, and how often a database was asked. */
export const countsShape = z.object({
  d1Calls: z.number(),
  rowsRead: z.number(),
  rowsWritten: z.number(),
  kvReads: z.number(),
  kvWrites: z.number(),
  r2ClassA: z.number(),
  r2ClassB: z.number(),
})

export type Counts = z.infer<typeof countsShape>

/** One of them. */
export type Count = keyof Counts

/** Nothing counted yet. */
export function noCounts(): Counts {
  return { d1Calls: 0, rowsRead: 0, rowsWritten: 0, kvReads: 0, kvWrites: 0, r2ClassA: 0, r2ClassB: 0 }
}
