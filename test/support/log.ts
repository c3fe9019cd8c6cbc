/** What the Worker writes to its log during one test. */
import { onTestFinished, vi } from "vitest"
import { z } from "zod"
import { readContract } from "./contract.ts"

/** One line, as it was written and as it is read. */
export interface LogLine {
  level: "log" | "error"
  text: string
  fields: Record<string, unknown>
}

// Now, and not at the first response: what is read is logged.
await readContract()

const fieldsSchema = z.record(z.string(), z.unknown())

/** Keeps all lines from now to the end of the test. The array grows as they are written. */
export function captureLog(): readonly LogLine[] {
  const lines: LogLine[] = []
  for (const level of ["log", "error"] as const) {
    const spy = vi.spyOn(console, level).mockImplementation((text: unknown) => {
      const line = z.string().parse(text)
      lines.push({ level, text: line, fields: fieldsSchema.parse(JSON.parse(line)) })
    })
    onTestFinished(() => spy.mockRestore())
  }
  return lines
}
