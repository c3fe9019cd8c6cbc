/** Deploys the Worker: `npm run deploy -- --help`. */
import { spawn } from "node:child_process"
import { once } from "node:events"
import { runCommand } from "./command.ts"
import { HELP, readDeployOptions } from "./deploy/options.ts"
import { DEFAULTS } from "./deploy/smoke.ts"
import { Wrangler } from "./operate/wrangler.ts"
import { ROOT, StartError } from "./start/settings.ts"

await runCommand(() => run(process.argv.slice(2)))

async function run(args: readonly string[]): Promise<void> {
  const options = readDeployOptions(args)
  if (options === null) return print(HELP.trimEnd())
  // Loaded only now: it loads wrangler, which takes a second.
  const { deploy } = await import("./deploy/run.ts")
  await deploy(options, { wrangler: new Wrangler(options.config), check, smoke: DEFAULTS, print })
}

async function check(): Promise<void> {
  for (const script of ["check", "check:bundle"]) {
    const child = spawn("npm", ["run", "--silent", script], { cwd: ROOT, stdio: "inherit" })
    await once(child, "close")
    if (child.exitCode !== 0) throw new StartError(`npm run ${script} failed.`)
  }
}

function print(line: string): void {
  process.stdout.write(`${line}\n`)
}
