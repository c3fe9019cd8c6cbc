/** A fetch whose client leaves while the pack is sent: no more is read for it. */
import { expect, it } from "vitest"
import { answerCommand } from "../../../src/collections/git/upload-pack.ts"
import { streamOf } from "../../../src/lib/bytes.ts"
import { findRepository } from "../../../src/partition/refs.ts"
import { noise } from "../../support/bytes.ts"
import { headOf } from "../../support/git.ts"
import { intercept } from "../../support/intercept.ts"
import { commitFiles, newProject } from "../../support/keptn.ts"
import { euBindings, openRegion } from "../../support/partition.ts"

const FILES = 60
/** Each is a part of its own of the answer. */
const SIZE = 40_000
/** What is read ahead. */
const AHEAD = 6

it("reads the files that were read ahead, and no others", async () => {
  const project = await newProject("dev")
  const names = Array.from({ length: FILES }, (_, index) => `${index}.bin`)
  await commitFiles({ project, stage: "dev" }, Object.fromEntries(names.map((name) => [name, noise(SIZE)])))
  let gets = 0
  const bindings = intercept(euBindings, (call, run) => {
    if (call === "get") gets++
    return run()
  })
  const region = openRegion(bindings)
  const repository = await findRepository(region, project)
  if (repository === null) throw new Error("the project is not there")
  const depth = { commits: null, relative: false, since: null, not: new Set<string>() }
  const request = { wants: [await headOf(project, "dev")], haves: [], shallow: [], depth, done: true }
  const answer = streamOf(await answerCommand(region, repository, { command: "fetch", request })).getReader()
  expect(gets).toBe(0)
  for (let part = 0; part < 4; part++) expect((await answer.read()).done).toBe(false)
  await answer.cancel()
  // A part that was asked for when the client left may still be made.
  expect(gets).toBeLessThanOrEqual(5 + 2 * AHEAD)
  const left = gets
  await new Promise((resolve) => setTimeout(resolve, 100))
  expect(gets).toBe(left)
})
