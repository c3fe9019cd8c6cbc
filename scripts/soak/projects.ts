/** Projects and services, which come and go, and what a project must hold when nobody changes it. */
import { setTimeout as pause } from "node:timers/promises"
import { z } from "zod"
import { type Answer, type Ask, check, checkSame, type Client, jsonOf } from "./client.ts"
import { verifyEvents } from "./events.ts"
import { checkHead, checkVersion, filesPath, listAll } from "./files.ts"
import { branchScope, type Project, serviceOf, treePath, type Turn } from "./model.ts"

const CONTROL_PLANE = "/api/controlPlane/v1/project"
const STAGES = ["dev", "production"]
const SHIPYARD = [
  "apiVersion: spec.keptn.sh/0.2.2",
  "kind: Shipyard",
  "spec:",
  "  stages:",
  ...STAGES.map((stage) => `    - name: ${stage}`),
  "",
].join("\n")
/** What stands on a branch though no writer wrote it. */
const GIVEN = /^\/(shipyard\.yaml|metadata\.yaml|service-\d+\/metadata\.yaml)$/
const READERS = 8
/** After a deletion that was cut off, its name stays taken for two minutes, and until the job of the next one. */
const LONGEST_CLEARING_MS = 5 * 60_000
const CLEARING_PAUSE_MS = 2_000

const projectShape = z.object({
  projectName: z.string(),
  shipyard: z.string(),
  stages: z.array(z.object({ stageName: z.string(), services: z.array(z.object({ serviceName: z.string() })) })),
})
const projectsShape = z.object({ projects: z.array(z.object({ projectName: z.string() })) })

/** Creates a project where there is none. */
export async function create(client: Client, project: Project): Promise<boolean> {
  const json = { name: project.name, shipyard: Buffer.from(SHIPYARD).toString("base64") }
  const ask = { kind: "create a project", host: project.region, method: "POST", path: CONTROL_PLANE, json }
  const began = performance.now()
  let answer: Answer | null
  do {
    answer = await client.change(ask, 201, 409)
    if (answer?.status !== 409) break
    check(answer.headers["retry-after"] !== undefined, answer.what)
    check(performance.now() - began < LONGEST_CLEARING_MS, `${answer.what}: the name is still not free`)
    await pause(CLEARING_PAUSE_MS)
  } while (answer?.status === 409)
  const isThere = answer !== null || (await exists(client, project))
  if (isThere) await verify(client, project)
  return isThere
}

/** Looks through a project, deletes it, and looks that nothing of it is left. Answers whether it is still there. */
export async function retire(client: Client, project: Project): Promise<boolean> {
  await verify(client, project)
  const ask = { kind: "delete a project", host: project.region, method: "DELETE", path: addressOf(project) }
  const answer = await client.change(ask, 200)
  if (answer === null && (await exists(client, project))) {
    await verify(client, project)
    return true
  }
  project.forget()
  await client.read(question(project, "look for a deleted project"), 404)
  for (const scope of ["", ...STAGES.map((stage) => `/stage/${stage}`)]) {
    const path = filesPath(project, scope)
    await client.read({ kind: "look for a deleted project", host: project.region, path }, 404)
  }
  return false
}

/** Fails unless a project holds exactly what was acknowledged. Nobody may change it meanwhile. */
export async function verify(client: Client, project: Project): Promise<void> {
  await verifyStructure(client, project)
  for (const scope of ["", ...STAGES.map((stage) => `/stage/${stage}`)]) await verifyList(client, project, scope)
  await verifyFiles(client, project)
  await verifyEvents(client, project)
}

/** Asks for a project, or for all. */
export async function look({ client, project, random }: Turn): Promise<void> {
  if (random.chance(0.5)) {
    const found = jsonOf(await client.read(question(project, "read a project"), 200), projectShape)
    return checkSame([found.projectName, found.shipyard], [project.name, SHIPYARD], addressOf(project))
  }
  const path = `${CONTROL_PLANE}?pageSize=50`
  const answer = await client.read({ kind: "list projects", host: project.region, path }, 200)
  const names = jsonOf(answer, projectsShape).projects.map(({ projectName }) => projectName)
  check(names.includes(project.name), `${answer.what}: ${project.name} is not there`)
}

/** Creates the writer's service, or deletes it with its files. */
export async function toggleService(turn: Turn): Promise<void> {
  const { client, project, share, writer } = turn
  const name = serviceOf(writer.index)
  const path = `${addressOf(project)}/service`
  const ask = share.hasService
    ? { kind: "delete a service", host: project.region, method: "DELETE", path: `${path}/${name}` }
    : { kind: "create a service", host: project.region, method: "POST", path, json: { serviceName: name } }
  const answer = await client.change(ask, 200, 409)
  project.changes++
  if (answer?.status === 409) return check(answer.headers["retry-after"] !== undefined, answer.what)
  share.hasService = answer === null ? await hasService(turn) : !share.hasService
  if (!share.hasService) forgetFiles(turn)
}

async function hasService({ client, project, writer }: Turn): Promise<boolean> {
  const found: boolean[] = []
  for (const stage of STAGES) {
    const path = `${addressOf(project)}/stage/${stage}/service/${serviceOf(writer.index)}`
    const answer = await client.read({ kind: "read a service", host: project.region, path }, 200, 404)
    found.push(answer.status === 200)
  }
  check(new Set(found).size === 1, `${project.region} ${project.name}: a service is in one stage only`)
  return found[0] === true
}

function forgetFiles({ share }: Turn): void {
  for (const [key, { scope }] of share.files) if (scope !== branchScope(scope)) share.files.delete(key)
}

async function verifyStructure(client: Client, project: Project): Promise<void> {
  const answer = await client.read(question(project, "read a project"), 200)
  const found = jsonOf(answer, projectShape)
  const services = [...project.shares].filter(([, share]) => share.hasService).map(([writer]) => serviceOf(writer))
  checkSame(
    found.stages.map((stage) => [stage.stageName, stage.services.map(({ serviceName }) => serviceName).toSorted()]),
    STAGES.map((stage) => [stage, services.toSorted()]),
    `the stages of ${project.region} ${project.name}`,
  )
}

async function verifyList(client: Client, project: Project, scope: string): Promise<void> {
  const found = await listAll(client, project, scope, "list files")
  check(found !== null, `${project.region} ${filesPath(project, scope)} changes though nobody changes it`)
  const files = [...project.shares.values()].flatMap((share) => [...share.files.values()])
  const expected = files.filter((file) => file.now !== null && branchScope(file.scope) === scope)
  checkSame(
    found.filter((path) => !GIVEN.test(path)).toSorted(),
    expected.map((file) => `/${treePath(file)}`).toSorted(),
    `the list of ${project.region} ${filesPath(project, scope)}`,
  )
}

async function verifyFiles(client: Client, project: Project): Promise<void> {
  const files = [...project.shares.values()].flatMap((share) => [...share.files.values()])
  const reader = async () => {
    for (let file = files.pop(); file !== undefined; file = files.pop()) {
      await checkHead(client, project, file)
      for (const version of file.versions) await checkVersion(client, project, file, version)
    }
  }
  await Promise.all(Array.from({ length: READERS }, reader))
}

async function exists(client: Client, project: Project): Promise<boolean> {
  return (await client.read(question(project, "read a project"), 200, 404)).status === 200
}

function question(project: Project, kind: string): Ask {
  return { kind, host: project.region, path: addressOf(project) }
}

function addressOf({ name }: Project): string {
  return `${CONTROL_PLANE}/${name}`
}
