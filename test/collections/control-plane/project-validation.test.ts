import { describe, expect, it } from "vitest"
import { base64, shipyard } from "../../support/client.ts"
import { failure } from "../../support/keptn.ts"
import { listProjects, postProject } from "../../support/projects.ts"

const good = base64(shipyard("dev"))
const text = (yaml: string) => ({ name: "p", shipyard: base64(yaml) })
const stages = (yaml: string) => text(`apiVersion: spec.keptn.sh/0.2.2\nspec:\n  stages:${yaml}`)

/** In the order in which they are checked: each body has the next mistake, too. */
const refusals: { body: unknown; problem: string | RegExp }[] = [
  { body: {}, problem: "project name missing" },
  { body: { name: "" }, problem: "project name missing" },
  { body: { name: null, shipyard: good }, problem: "project name missing" },
  { body: { name: "P".repeat(201) }, problem: "project name exceeds maximum size of 200 characters" },
  ...["Sockshop", "1a", "a-", "-a", "a_b", "a b", "a.b", "a/b", "ä", "a\n"].map((name) => ({
    body: { name },
    problem: "provided project name is not a valid Keptn entity name",
  })),
  { body: { name: "p" }, problem: "shipyard must contain a valid shipyard spec encoded in base64" },
  { body: { name: "p", shipyard: "" }, problem: "shipyard must contain a valid shipyard spec encoded in base64" },
  { body: { name: "p", shipyard: null }, problem: "shipyard must contain a valid shipyard spec encoded in base64" },
  { body: { name: "p", shipyard: "a: b" }, problem: "could not decode shipyard content" },
  { body: { name: "p", shipyard: "YQ" }, problem: "could not decode shipyard content" },
  { body: text("a: [b"), problem: "could not unmarshal provided shipyard content" },
  { body: text("just a text"), problem: "could not unmarshal provided shipyard content" },
  { body: text("apiVersion: [1]"), problem: "could not unmarshal provided shipyard content" },
  { body: text("apiVersion: a\nspec: {stages: x}"), problem: "could not unmarshal provided shipyard content" },
  { body: text("kind: Shipyard"), problem: /^provided shipyard file is not valid: apiVersion '' cannot be parsed/ },
  { body: text("apiVersion: spec.keptn.sh/new"), problem: /^provided shipyard file is not valid: .*cannot be parsed/ },
  { body: text("apiVersion: spec.keptn.sh/0.1.4"), problem: /^provided shipyard file is not valid: .*0\.2\.0$/ },
  { body: text("apiVersion: spec.keptn.sh/0.2.2"), problem: /^provided shipyard file is not valid: .*one stage$/ },
  { body: stages(" []"), problem: /^provided shipyard file is not valid: .*one stage$/ },
  { body: stages("\n  - sequences: []"), problem: /^provided shipyard file is not valid: all stages .* have a name$/ },
  { body: stages("\n  - name: Dev"), problem: /^provided shipyard file is not valid: stage name 'Dev' must/ },
  { body: stages("\n  - name: a/b"), problem: /^provided shipyard file is not valid: stage name 'a\/b' must/ },
  { body: stages("\n  - name: dev\n  - name: dev"), problem: /'dev' is used twice$/ },
  { body: stages("\n  - name: main"), problem: /'main' is the name of the default branch/ },
  {
    body: { name: "p", shipyard: good, gitCredentials: {} },
    problem: /^provided gitRemoteURL is not valid: /,
  },
  {
    body: { name: "p", shipyard: good, gitCredentials: { remoteURL: "https://x.example/r", user: "u" } },
    problem: /^a remote with http or https needs https\.token$/,
  },
  { body: { ...text("x"), gitCredentials: {} }, problem: "could not unmarshal provided shipyard content" },
]

describe("a project that cannot be created", () => {
  it.each(refusals)("is refused with 400 and Keptn's text: $body", async ({ body, problem }) => {
    const { status, code, message } = await failure(await postProject(body))
    expect({ status, code }).toEqual({ status: 400, code: 400 })
    const [, told] = /^Could not validate payload: (.*)$/s.exec(message) ?? []
    if (typeof problem === "string") expect(told).toBe(problem)
    else expect(told).toMatch(problem)
  })

  it.each([
    { body: { name: "p", shipyard: good, gitRemoteURL: "x" }, field: "gitRemoteURL" },
    { body: { nam: "p" }, field: "nam" },
  ])("is refused with 400 for the unknown field $field", async ({ body, field }) => {
    const message = `Invalid request format: json: unknown field "${field}"`
    expect(await failure(await postProject(body))).toEqual({ status: 400, code: 400, message })
  })

  it.each([{ name: 7 }, { name: "p", shipyard: {} }, [], "p"])(
    "is refused with 400 for a wrong type: %j",
    async (body) => {
      const { status, code, message } = await failure(await postProject(body))
      expect({ status, code }).toEqual({ status: 400, code: 400 })
      expect(message).toMatch(/^Invalid request format: /)
    },
  )

  it.each(["{", "", "name=p"])("is refused with 400 for the body %j, which is no JSON", async (body) => {
    const { status, message } = await failure(await postProject(undefined, { method: "POST", body }))
    expect(status).toBe(400)
    expect(message).toMatch(/^Invalid request format/)
  })

  it("is refused with 400 without a body", async () => {
    expect((await failure(await postProject(undefined, { method: "POST" }))).status).toBe(400)
  })

  it("leaves nothing behind", async () => {
    expect((await listProjects("")).names).toEqual([])
  })
})
