/** What becomes of a call to storage that fails, or that never ends. */

/**
 * Storage did not do what it was asked, or did not say in time that it did. Whether a change was made is not known: the call may have been
 * carried out, and only its answer be lost.
 */
export class StorageError extends Error {
  override name = "StorageError"
}

/** What SQLite finds wrong with a statement, in its own words and with its code. */
const REFUSED_STATEMENT = /constraint failed|SQLITE_(CONSTRAINT|ERROR|TOOBIG|MISMATCH|RANGE)/

/**
 * What `call` answers. Throws a `StorageError` when it fails, or has not answered after `timeout` milliseconds (null: it may take as long as
 * it likes). What SQLite finds wrong with a statement is thrown as it is: callers look for keys that are taken, and all else is a mistake
 * of ours.
 */
export async function fromStorage<T>(call: () => Promise<T>, timeout: number | null): Promise<T> {
  try {
    return await (timeout === null ? call() : inTime(call(), timeout))
  } catch (error) {
    if (error instanceof StorageError || (error instanceof Error && REFUSED_STATEMENT.test(error.message))) throw error
    throw new StorageError(`storage failed: ${String(error)}`, { cause: error })
  }
}

function inTime<T>(answer: Promise<T>, timeout: number): Promise<T> {
  const late = Promise.withResolvers<never>()
  const timer = setTimeout(() => late.reject(new StorageError(`storage has not answered in ${timeout} ms`)), timeout)
  return Promise.race([answer, late.promise]).finally(() => clearTimeout(timer))
}
