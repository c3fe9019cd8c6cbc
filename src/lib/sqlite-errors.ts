/** What D1 says when a statement fails. It has no error codes; the text is SQLite's own, and drizzle wraps it. */

/** Whether `error` says that a unique key is taken: any of a table (`tokens`), or the one of a column (`tokens.hash`). */
export function isKeyTaken(error: unknown, key: string): boolean {
  const start = `UNIQUE constraint failed: ${key}`
  return messages(error).some((message) => {
    const index = message.indexOf(start)
    return index >= 0 && /^(\.|,|:|$|\s)/.test(message.slice(index + start.length))
  })
}

/** Whether `error` says that a row refers to one that is gone. */
export function isParentGone(error: unknown): boolean {
  return messages(error).some((message) => message.includes("FOREIGN KEY constraint failed"))
}

function messages(error: unknown): string[] {
  return error instanceof Error ? [error.message, ...messages(error.cause)] : []
}
