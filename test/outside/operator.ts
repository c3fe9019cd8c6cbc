/** A deployment in a folder of its own, with an account that is played: what the tests of the operator's commands work on. */
import { spawnSync } from "node:child_process"
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { onTestFinished } from "vitest"
import { Wrangler } from "../../scripts/operate/wrangler.ts"
import { readProvisionOptions } from "../../scripts/provision/options.ts"
import { provision } from "../../scripts/provision/run.ts"
import { playedWrangler } from "./wrangler-stand-in.ts"

export const ROOT = join(import.meta.dirname, "..", "..")
const STAND_IN = join(import.meta.dirname, "wrangler-stand-in.ts")
/** What wrangler looks for beside a configuration. */
const BESIDE = ["dist", "migrations", "node_modules", "package.json", "public", "scripts", "src", "tsconfig.json"]
const TYPES = "worker-configuration.d.ts"

export const DOMAIN = ["--domain", "api.example.com"]
export const EU_AND_US = [...DOMAIN, "--regions", "eu:eu,us:us"]

/** A deployment that nobody else knows. */
export class Operator {
  readonly folder = mkdtempSync(join(tmpdir(), "quarterdeck-operator-"))
  readonly config = join(this.folder, "wrangler.toml")
  readonly account = join(this.folder, "account")
  /** The folder that the command keeps things in. */
  readonly kept = join(this.folder, "state", "deployments")

  constructor() {
    mkdirSync(this.account)
    for (const name of BESIDE) symlinkSync(join(ROOT, name), join(this.folder, name))
    for (const name of ["wrangler.toml", TYPES]) copyFileSync(join(ROOT, name), join(this.folder, name))
    onTestFinished(() => rmSync(this.folder, { recursive: true }))
  }

  get wrangler(): Wrangler {
    return new Wrangler(this.config, playedWrangler(this.account))
  }

  get text(): string {
    return readFileSync(this.config, "utf8")
  }

  set text(text: string) {
    writeFileSync(this.config, text)
  }

  /** Runs `npm run provision` in this process. Answers its lines. */
  async provision(args: readonly string[]): Promise<string[]> {
    const options = readProvisionOptions([...args, "--config", this.config])
    if (options === null) throw new Error("no options")
    const lines: string[] = []
    await provision(options, { wrangler: this.wrangler, folder: this.kept, print: (line) => lines.push(line) })
    return lines
  }

  /** Runs a script as npm does, with the account as the command wrangler. */
  script(name: string, args: readonly string[]): { status: number | null; out: string; error: string } {
    const env = {
      ...process.env,
      WRANGLER: STAND_IN,
      STAND_IN_ACCOUNT: this.account,
      QUARTERDECK_STATE: join(this.folder, "state"),
    }
    const result = spawnSync(process.execPath, [`scripts/${name}.ts`, ...args], { cwd: ROOT, env, encoding: "utf8" })
    return { status: result.status, out: result.stdout, error: result.stderr }
  }
}

/** The message with which a command ends. */
export async function failureOf(run: Promise<unknown>): Promise<string> {
  return run.then(
    () => "it did not fail",
    (error: unknown) => (error instanceof Error ? error.message : String(error)),
  )
}
