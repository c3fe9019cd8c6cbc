/** Random operations. Most are about one project, one stage and few files: what clients do apart from each other proves nothing. */
import * as fc from "fast-check"
import { CONTENTS, CONTEXTS, type OnFile, type Operation, SECRETS, SERVICES, STAGES, type Where } from "./operations.ts"

/** Files that get in each other's way, and in that of the service. */
const PATHS = ["x", "x/y", "carts", "carts/x", "metadata.yaml"] as const

const project = fc.oneof({ weight: 7, arbitrary: fc.constant("a") }, { weight: 1, arbitrary: fc.constant("b") })
const stage = fc.constantFrom(...STAGES)
const service = fc.constantFrom(...SERVICES)
const none = fc.constant(null)
const where: fc.Arbitrary<Where> = fc.oneof(
  { weight: 1, arbitrary: fc.record({ project, stage: none, service: none }) },
  { weight: 4, arbitrary: fc.record({ project, stage: fc.constant("dev"), service: none }) },
  { weight: 4, arbitrary: fc.record({ project, stage, service }) },
)
const path = fc.constantFrom(...PATHS)
const content = fc.constantFrom(...CONTENTS)
const files = fc.dictionary(path, content, { minKeys: 1, maxKeys: 3, noNullPrototype: true })
const condition: fc.Arbitrary<OnFile> = fc.oneof(
  { weight: 3, arbitrary: none },
  { weight: 1, arbitrary: fc.constant("absent" as const) },
  { weight: 2, arbitrary: fc.record({ is: content }) },
)
const commit = fc.option(fc.nat({ max: 20 }), { freq: 2 })
const context = fc.constantFrom(...CONTEXTS)
const name = fc.constantFrom(...SECRETS)
const key = fc.constantFrom("k1", "k2")

/** Any operation, commits named by number. */
export const anyOperation: fc.Arbitrary<Operation<number>> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("create-project"), project }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("delete-project"), project }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("read-project"), project }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant("create-service"), project, service }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant("delete-service"), project, service }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("read-service"), project, service }) },
  { weight: 6, arbitrary: fc.record({ kind: fc.constant("write"), where, files, commit }) },
  { weight: 6, arbitrary: fc.record({ kind: fc.constant("put"), where, path, content, condition }) },
  { weight: 5, arbitrary: fc.record({ kind: fc.constant("delete"), where, path, condition }) },
  { weight: 5, arbitrary: fc.record({ kind: fc.constant("read"), where, path, commit }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("list"), where }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("send-event"), project, service, context }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("read-events"), context }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constantFrom("create-secret", "update-secret"), name, key }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constantFrom("delete-secret", "read-secret"), name }) },
)
