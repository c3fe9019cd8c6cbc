/** An import that the storage cuts off says truly what is done and what is not, wherever that happens. */
import { expect, it } from "vitest"
import { openArchive } from "../../../src/collections/api/import-archive.ts"
import { planImport } from "../../../src/collections/api/import-plan.ts"
import { ImportFailure, runImport } from "../../../src/collections/api/import-run.ts"
import { StorageError } from "../../../src/lib/storage-error.ts"
import { findProject } from "../../../src/partition/projects.ts"
import { Fault, intercept } from "../../support/intercept.ts"
import { listFiles, newProject } from "../../support/keptn.ts"
import { SEVERAL_CHANGES, zipOf } from "../../support/packages.ts"
import { euBindings, openRegion } from "../../support/partition.ts"
import { getProject } from "../../support/projects.ts"

const LABELS = ["one", "two", "file (stage dev)", "file (stage prod)"]

/** Imports with storage whose call number `failing` fails before it is made; answers what was said, null for success. */
async function importWithFault(project: string, failing: number): Promise<unknown> {
  const calm = openRegion()
  const found = await findProject(calm, project)
  if (!found) throw new Error("there is no project")
  let call = 0
  const bindings = intercept(euBindings, async (_, run) => {
    call++
    if (call === failing) throw new Fault("cut off")
    return run()
  })
  const partition = openRegion(bindings)
  const author = { name: "a", email: "a@example.com", time: 0 }
  const tools = { partition, project, author, seal: async () => "", alive: 0 }
  try {
    await runImport(tools, planImport(found, openArchive(zipOf(SEVERAL_CHANGES))))
    return null
  } catch (error) {
    return error
  }
}

/** What of the package is there. */
async function doneIn(project: string): Promise<string[]> {
  const { stages } = await getProject(project)
  const services = (stages[0]?.services ?? []).map(({ serviceName }) => serviceName)
  const done: string[] = [...services]
  for (const stage of ["dev", "prod"]) {
    if ((await listFiles({ project, stage })).uris.includes("/f")) done.push(`file (stage ${stage})`)
  }
  return done
}

it("wherever the storage fails", async () => {
  const outcomes: string[] = []
  for (let failing = 1; ; failing++) {
    const project = await newProject("dev", "prod")
    const said = await importWithFault(project, failing)
    const done = await doneIn(project)
    if (said === null) {
      expect(done).toEqual(LABELS)
      break
    }
    if (said instanceof ImportFailure) {
      const open = LABELS.filter((label) => !done.includes(label))
      expect(said.message).toBe(
        `${open[0]}: the storage failed, this may be done or not; done: ${done.join(", ") || "nothing"}; not done: ${open.join(", ")}`,
      )
      expect(said.storageError).toContain("cut off")
      outcomes.push(`after ${done.length}`)
    } else {
      // Before the first write it is like any other request that fails.
      expect(said).toBeInstanceOf(StorageError)
      expect(done).toEqual([])
      outcomes.push("before")
    }
  }
  expect(new Set(outcomes)).toEqual(new Set(["before", "after 0", "after 1", "after 2", "after 3"]))
})
