/** What versions of a Worker serve requests, and how their shares are changed. */
import { z } from "zod"
import { readJson, reasonOf, type Wrangler } from "../operate/wrangler.ts"
import { StartError } from "../start/settings.ts"

const traffic = z.object({ versions: z.array(z.object({ version_id: z.string(), percentage: z.number() })).min(1) })
const versions = z.array(z.object({ id: z.string(), metadata: z.looseObject({ created_on: z.string() }) }))

/** The version that serves all requests, and during a rollout the newer one that has a share. */
export interface Serving {
  stable: string
  /** The version that is rolled out; null where there is no rollout. */
  candidate: string | null
}

/** What serves; null where the Worker has never been deployed. */
export async function readServing(wrangler: Wrangler): Promise<Serving | null> {
  const args = ["deployments", "status", "--json"]
  const ran = await wrangler.try(args)
  if (ran.code !== 0) {
    const reason = reasonOf(ran)
    if (/has no deployments|\[code: (10007|10090)\]/.test(reason)) return null
    throw new StartError(`wrangler deployments status failed: ${reason}`)
  }
  const serving = readJson(args, ran.stdout, traffic).versions
  const ids = serving.filter(({ percentage }) => percentage > 0).map(({ version_id }) => version_id)
  const [first = "", second] = ids
  if (second === undefined) return { stable: first, candidate: null }
  const [candidate = second, stable = first] = await newestFirst(wrangler, ids)
  return { stable, candidate }
}

/** The arguments that give the candidate its share, and the stable version the rest. */
export function shareArguments({ stable, candidate }: { stable: string; candidate: string }, share: number): string[] {
  const specs = share === 100 ? [`${candidate}@100`] : [`${candidate}@${share}`, `${stable}@${100 - share}`]
  return ["versions", "deploy", ...specs, "--yes"]
}

async function newestFirst(wrangler: Wrangler, ids: readonly string[]): Promise<string[]> {
  const known = await wrangler.json(["versions", "list", "--json"], versions)
  const age = (id: string) => known.find((one) => one.id === id)?.metadata.created_on ?? ""
  return ids.toSorted((one, other) => age(other).localeCompare(age(one)))
}
