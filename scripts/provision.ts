/** Creates what a deployment needs: `npm run provision -- --help`. */
import { join } from "node:path"
import { Wrangler } from "./operate/wrangler.ts"
import { runCommand } from "./command.ts"
import { HELP, readProvisionOptions } from "./provision/options.ts"
import { readSettings } from "./start/settings.ts"

await runCommand(() => run(process.argv.slice(2)))

async function run(args: readonly string[]): Promise<void> {
  const options = readProvisionOptions(args)
  if (options === null) return print(HELP.trimEnd())
  const folder = join(readSettings(process.env, []).state, "deployments")
  // Loaded only now: it loads wrangler, which takes a second.
  const { provision } = await import("./provision/run.ts")
  await provision(options, { wrangler: new Wrangler(options.config), folder, print })
}

function print(line: string): void {
  process.stdout.write(`${line}\n`)
}
