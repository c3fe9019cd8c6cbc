/** Whether the project that a role is to be on is there. */
import { z } from "zod"
import { editDistance } from "../../src/lib/edit-distance.ts"
import { StartError } from "../start/settings.ts"
import type { Edge } from "./edge.ts"

const status = z.object({ regions: z.array(z.object({ region: z.string() })) })
const project = z.looseObject({ projectName: z.string() })
const projects = z.object({ projects: z.array(project).nullish(), nextPageKey: z.string().nullish() })

const PATH = "/api/controlPlane/v1/project"
/** How many projects are named to somebody who mistyped one. */
const SUGGESTED = 3

/**
 * Checks that a role can be on the project called `name` (`*`: on all) in the region called `region` (`*`: in all). Throws a `StartError`
 * that names those that are nearest when there is no such region, or no such project in it.
 */
export async function requireProject(edge: Edge, { name, region }: { name: string; region: string }): Promise<void> {
  const regions = (await edge.ask("GET", "/v3/status", status)).regions.map((one) => one.region)
  if (region !== "*" && !regions.includes(region)) {
    throw new StartError(`There is no region '${region}'. Regions: ${regions.join(", ")}.`)
  }
  if (name === "*") return
  const asked = region === "*" ? regions : [region]
  const found = await Promise.all(asked.map((one) => hasProject(edge.regional(one), name)))
  if (found.includes(true)) return
  const there = await Promise.all(asked.map((one) => projectNames(edge.regional(one))))
  const where = region === "*" ? "any region" : `region '${region}'`
  throw new StartError(`There is no project '${name}' in ${where}. ${suggestion(name, [...new Set(there.flat())])}`)
}

/** What to do when there is no project `name`, given those that there are. */
export function suggestion(name: string, there: readonly string[]): string {
  if (there.length === 0) return "There are no projects yet: create it first."
  const nearest = there
    .map((one) => ({ one, distance: editDistance(name.toLowerCase(), one.toLowerCase()) }))
    .toSorted((a, b) => a.distance - b.distance || a.one.localeCompare(b.one))
    .slice(0, SUGGESTED)
    .map(({ one }) => one)
  return `The nearest of ${there.length}: ${nearest.join(", ")}.`
}

async function hasProject(edge: Edge, name: string): Promise<boolean> {
  const answer = await edge.send("GET", `${PATH}/${encodeURIComponent(name)}`)
  if (answer.status === 404) return false
  edge.accepted(answer)
  return true
}

async function projectNames(edge: Edge): Promise<string[]> {
  const names: string[] = []
  let key: string | null | undefined
  do {
    const query = key ? `&nextPageKey=${encodeURIComponent(key)}` : ""
    const page = await edge.ask("GET", `${PATH}?pageSize=100${query}`, projects)
    names.push(...(page.projects ?? []).map(({ projectName }) => projectName))
    key = page.nextPageKey
  } while (key && key !== "0")
  return names
}
