import { vi } from "vitest"
import { PATIENCE_MS } from "./patience.ts"

/** Calls `check` again and again until it no longer throws. Throws its last error when that takes too long. */
export function eventually<Result>(check: () => Result | Promise<Result>): Promise<Result> {
  return vi.waitFor(check, { interval: 5, timeout: PATIENCE_MS })
}
