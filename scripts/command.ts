/** How the commands of package.json end: what a person can mend is one line on stderr and exit code 1, what is our fault is all there is to know. */
import { StartError } from "./start/settings.ts"

/** Runs a command. */
export async function runCommand(run: () => void | Promise<void>): Promise<void> {
  try {
    await run()
  } catch (error) {
    if (!(error instanceof StartError)) throw error
    process.stderr.write(`${error.message}\n`)
    process.exitCode = 1
  }
}
