/** What `npm run deploy` does, in order: verify, check, migrate, deploy, look. */
import { type Deployment, hostsOf, listed, readDeployment } from "../operate/deployment.ts"
import { nameOf, type Wrangler } from "../operate/wrangler.ts"
import { Account } from "../provision/account.ts"
import { StartError } from "../start/settings.ts"
import type { DeployOptions } from "./options.ts"
import { readServing, type Serving, shareArguments } from "./rollout.ts"
import { isRight, probesOf, type Seen, type SmokeSettings, smokeTest, tableOf, waitingLine } from "./smoke.ts"
import { findProblems } from "./verify.ts"

/** What a run of the command needs besides its options. */
export interface Surroundings {
  wrangler: Wrangler
  /** Fails when the code must not be deployed. */
  check: () => Promise<void>
  smoke: SmokeSettings
  print: (line: string) => void
}

/** One thing that is done, under its name. */
interface Step {
  name: string
  what: string
  act: () => Promise<unknown>
}

/** What a deployment leaves for the steps after it. */
interface Result {
  /** The version to ask, where several serve. */
  version: string | null
  /** The command that takes the deployment back; null for the first one. */
  back: string | null
}

/** Deploys, or says what would be done. Throws where something fails, with what to do. */
export async function deploy(options: DeployOptions, surroundings: Surroundings): Promise<void> {
  const { wrangler, print } = surroundings
  const deployment = readDeployment(wrangler.config)
  await verify(wrangler, deployment)
  const serving = await readServing(wrangler)
  const result: Result = { version: null, back: wayBack(wrangler, serving, options) }
  const steps = [
    ...stepsBefore(wrangler, deployment, serving, options, surroundings),
    rolloutOf(wrangler, serving, options, result),
    smokeStep(deployment, options, result, surroundings),
  ]
  for (const { name, what, act } of steps) {
    print(`${name.padEnd(7)} ${what}`)
    if (!options.dryRun) await attempt(name, act)
  }
  print(options.dryRun ? "Nothing was changed: --dry-run." : farewell(wrangler, options, result))
}

/** Says of a failure how far things went. */
async function attempt(name: string, act: Step["act"]): Promise<void> {
  try {
    await act()
  } catch (error) {
    if (!(error instanceof StartError) || (name !== "check" && name !== "migrate")) throw error
    throw new StartError(`${error.message}\nNothing was deployed.`)
  }
}

async function verify(wrangler: Wrangler, deployment: Deployment): Promise<void> {
  const secrets = await new Account(wrangler).secrets()
  const problems = findProblems(deployment, secrets ?? [])
  if (problems.length === 0) return
  const lines = problems.map((problem) => `  ${problem}`)
  throw new StartError(`${wrangler.config} cannot be deployed:\n${lines.join("\n")}\nSee npm run provision -- --help.`)
}

/** The check and the migrations, but where only the shares of versions change. Tables first: old code runs on new tables. */
function stepsBefore(
  wrangler: Wrangler,
  { d1_databases }: Deployment,
  serving: Serving | null,
  { gradual }: DeployOptions,
  { check }: Surroundings,
): Step[] {
  if (gradual !== null && typeof serving?.candidate === "string") return []
  return [
    { name: "check", what: "npm run check, npm run check:bundle", act: check },
    ...d1_databases.map(({ database_name: name }) => ({
      name: "migrate",
      what: name,
      act: () => wrangler.run(["d1", "migrations", "apply", name, "--remote"]),
    })),
  ]
}

/** The step that brings the new version to requests: to all of them, to a share, or to a larger share. */
function rolloutOf(wrangler: Wrangler, serving: Serving | null, { gradual }: DeployOptions, result: Result): Step {
  if (gradual === null) {
    return { name: "deploy", what: "the new version, to all requests", act: () => wrangler.show(["deploy"]) }
  }
  if (serving === null) throw new StartError("Nothing is deployed yet that could keep a share: leave out --gradual.")
  const { stable, candidate } = serving
  if (candidate !== null) {
    const act = () => give(wrangler, { stable, candidate }, gradual, result)
    return { name: "deploy", what: `version ${candidate}, to ${gradual}% of requests`, act }
  }
  if (gradual === 100) throw new StartError("There is no rollout under way. Deploy without --gradual.")
  return {
    name: "deploy",
    what: `the new version, to ${gradual}% of requests`,
    act: async () => {
      const uploaded = await wrangler.show(["versions", "upload"])
      if (uploaded === null) throw new StartError("wrangler did not say which version it uploaded.")
      await give(wrangler, { stable, candidate: uploaded }, gradual, result)
    },
  }
}

/** Gives the candidate its share. Routes and schedules belong to no version: they follow with the last one. */
async function give(
  wrangler: Wrangler,
  versions: { stable: string; candidate: string },
  share: number,
  result: Result,
): Promise<void> {
  result.version = versions.candidate
  await wrangler.show(shareArguments(versions, share))
  if (share === 100) await wrangler.show(["triggers", "deploy"])
}

function smokeStep(
  { name, vars }: Deployment,
  { gradual }: DeployOptions,
  result: Result,
  { smoke, print }: Surroundings,
): Step {
  const regions = listed(vars.REGIONS)
  return {
    name: "look",
    what: hostsOf(vars.API_DOMAIN, regions).join(", "),
    act: async () => {
      // The new version must answer, and not the one that has the larger share.
      const isPinned = result.version !== null && gradual !== 100
      const headers = isPinned ? { "cloudflare-workers-version-overrides": `${name}="${result.version}"` } : {}
      const onWait = (seen: readonly Seen[]) => print(`        ${waitingLine(seen, smoke)}`)
      const seen = await smokeTest(probesOf(vars.API_DOMAIN, regions), { ...smoke, headers, onWait })
      for (const line of tableOf(seen)) print(line)
      if (seen.every(isRight)) return
      throw new StartError(`The deployment does not answer as it should.\n${advice(result)}`)
    },
  }
}

/** What to do about a deployment that does not answer. */
function advice({ back }: Result): string {
  if (back !== null) return `To take it back: ${back}`
  return "Names and certificates of a first deployment can take longer: run the command again. Otherwise see npx wrangler tail."
}

/** The command that gives all requests back to the version that had them. */
function wayBack(wrangler: Wrangler, serving: Serving | null, { gradual }: DeployOptions): string | null {
  if (serving === null) return null
  const { stable } = serving
  return wrangler.typed(
    gradual === null ? ["rollback", stable, "--yes"] : ["versions", "deploy", `${stable}@100`, "--yes"],
  )
}

function farewell(wrangler: Wrangler, { gradual }: DeployOptions, { back }: Result): string {
  const undo = back === null ? "" : `\nTo take it back: ${back}`
  if (gradual === null || gradual === 100) return `Deployed.${undo}`
  const file = nameOf(wrangler.config)
  const option = file === "wrangler.toml" ? "" : ` --config ${file}`
  return `Deployed to ${gradual}% of requests.\nTo go on: npm run deploy -- --gradual 100${option}${undo}`
}
