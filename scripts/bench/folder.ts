/** Folders that a benchmark needs for a while. */
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"

const folders = new Set<string>()

process.on("exit", () => folders.forEach(remove))
// Without a handler a signal would end this process before it has removed anything.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => process.exit(1))

/** Lets `use` have an empty folder, which is removed afterwards. */
export async function inFolder<T>(use: (folder: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), "quarterdeck-bench-"))
  folders.add(folder)
  try {
    return await use(folder)
  } finally {
    folders.delete(folder)
    remove(folder)
  }
}

function remove(folder: string): void {
  // What is ending may write there once more.
  rmSync(folder, { recursive: true, force: true, maxRetries: 10 })
}
