/** Which failures are the storage's, and what becomes of a call that never ends. */
import { describe, expect, it } from "vitest"
import { fromStorage, StorageError } from "../../src/lib/storage-error.ts"

const TIMEOUT = 20

describe("a call to storage", () => {
  it("that answers is passed on", async () => {
    expect(await fromStorage(() => Promise.resolve(7), TIMEOUT)).toBe(7)
  })

  it.each([TIMEOUT, null])("that fails is a StorageError with its cause (time-out %s)", async (timeout) => {
    const cause = new Error("D1_ERROR: Network connection lost.")
    const failed = await fromStorage(() => Promise.reject(cause), timeout).catch((error: unknown) => error)
    expect(failed).toBeInstanceOf(StorageError)
    expect(failed).toMatchObject({ message: "storage failed: Error: D1_ERROR: Network connection lost.", cause })
  })

  it("that does not end is a StorageError when its time is over", async () => {
    const never = new Promise<never>(() => undefined)
    await expect(fromStorage(() => never, TIMEOUT)).rejects.toThrow("storage has not answered in 20 ms")
  })

  it("that fails when its time is over is not reported as unhandled", async () => {
    const late = Promise.withResolvers<never>()
    await expect(fromStorage(() => late.promise, TIMEOUT)).rejects.toBeInstanceOf(StorageError)
    // An unhandled rejection would fail this run of the tests.
    late.reject(new Error("too late"))
  })

  it.each([
    "D1_ERROR: UNIQUE constraint failed: tokens.hash: SQLITE_CONSTRAINT",
    "D1_ERROR: no such column: x at offset 7: SQLITE_ERROR",
    "D1_ERROR: string or blob too big: SQLITE_TOOBIG",
  ])("that SQLite refuses is no failure of storage: %s", async (text) => {
    const refused = new Error(text)
    await expect(fromStorage(() => Promise.reject(refused), TIMEOUT)).rejects.toBe(refused)
  })
})
