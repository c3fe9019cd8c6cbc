/** Secrets and subscriptions that an import package creates. */
import { describe, expect, it } from "vitest"
import { adminToken } from "../../support/client.ts"
import { edgeWith } from "../../support/edge.ts"
import { failure, fetchFile, newProject } from "../../support/keptn.ts"
import { formWith, importPackage, type PackageFiles, postPackage, zipOf } from "../../support/packages.ts"
import { tokenWith } from "../../support/people.ts"
import { getProject } from "../../support/projects.ts"
import { createSecret, listSecrets, newName, sealedOf } from "../../support/secrets.ts"
import { listIntegrations, register } from "../../support/uniform.ts"

const SERVICE = "{id: service, type: api, action: keptn-api-v1-create-service, payload: service.json}"
const SECRET = "{id: secret, type: api, action: keptn-api-v1-uniform-create-secret, payload: secret.json}"
const SUBSCRIPTION =
  "{id: subscription, type: api, action: keptn-api-v1-uniform-create-webhook-subscription, payload: subscription.json}"

function packageOf(tasks: string[], files: Record<string, unknown> = {}): PackageFiles {
  const texts = Object.entries(files).map(([path, content]) => [
    path,
    typeof content === "string" ? content : JSON.stringify(content),
  ])
  return {
    "manifest.yaml": `tasks: [${tasks.join(", ")}]`,
    "service.json": '{"serviceName":"carts"}',
    ...Object.fromEntries(texts),
  }
}

async function problemOf(project: string, files: PackageFiles): Promise<string> {
  const { status, message } = await failure(await postPackage(project, files))
  expect(status).toBe(400)
  expect((await getProject(project)).stages[0]?.services).toEqual([])
  return message.replace("Error processing import archive: ", "")
}

describe("a secret of a package", () => {
  it("is stored, sealed, and answered like one that is created by itself", async () => {
    const project = await newProject("dev")
    const name = newName()
    const secret = { name, scope: "keptn-webhook-service", data: { token: "hidden-value" } }
    const { tasks } = await importPackage(project, packageOf([SECRET], { "secret.json": secret }))
    expect(tasks[0]?.response).toEqual(secret)
    expect(await listSecrets(`name=${name}`)).toEqual([{ name, scope: "keptn-webhook-service", keys: ["token"] }])
    expect(await sealedOf(name)).not.toContain("hidden-value")
  })

  it("has the default scope unless it names one", async () => {
    const project = await newProject("dev")
    const name = newName()
    await importPackage(project, packageOf([SECRET], { "secret.json": { name, data: { a: "b" } } }))
    expect((await listSecrets(`name=${name}`))[0]?.scope).toBe("keptn-default")
  })

  it("needs the role Admin on secrets besides: 403, and nothing is done", async () => {
    const project = await newProject("dev")
    const name = newName()
    const files = packageOf([SERVICE, SECRET], { "secret.json": { name, data: {} } })
    const role = { roleName: "Contributor", entityId: project }
    const contributor = await tokenWith(role)
    expect(await failure(await postPackage(project, files, { token: contributor }))).toMatchObject({ status: 403 })
    expect((await getProject(project)).stages[0]?.services).toEqual([])
    const secretAdmin = await tokenWith(role, { roleName: "Admin", entityTypeName: "Secrets" })
    expect((await postPackage(project, files, { token: secretAdmin })).status).toBe(200)
  })

  it.each([
    [{}, "Invalid request format: name: Invalid input: expected string, received undefined"],
    [{ name: "" }, "Invalid request format: name: is required"],
    [{ name: "a", data: { b: 1 } }, "Invalid request format: data.b: Invalid input: expected string, received number"],
    [
      { name: "a", scope: "other" },
      "Unable to create secret: unable to check defined scope other for secret a: scope not found",
    ],
    ['{"name":"a","data":{"__proto__":"b"}}', "Invalid request format: data: must not hold the key __proto__"],
    [[], "Invalid request format: the payload: Invalid input: expected object, received array"],
  ])("is checked before anything is done: %j", async (secret, message) => {
    const project = await newProject("dev")
    const problem = await problemOf(project, packageOf([SERVICE, SECRET], { "secret.json": secret }))
    expect(problem).toBe(`task secret: ${message}`)
  })

  it("cannot be one that is there, or that the package creates twice", async () => {
    const project = await newProject("dev")
    const name = newName()
    const files = packageOf([SERVICE, SECRET, SECRET], { "secret.json": { name, data: {} } })
    expect(await problemOf(project, files)).toBe("task secret: Unable to create secret: secret already exists")
    await createSecret(name, { a: "b" })
    const once = packageOf([SERVICE, SECRET], { "secret.json": { name, data: {} } })
    expect(await problemOf(project, once)).toBe(
      "secret: Unable to create secret: secret already exists; done: nothing; not done: service, secret",
    )
  })

  it("cannot be stored where there are no keys: 503, and nothing is done", async () => {
    const project = await newProject("dev")
    const edge = edgeWith({ secretKeys: null })
    const body = formWith(zipOf(packageOf([SERVICE, SECRET], { "secret.json": { name: newName(), data: {} } })))
    const headers = { "x-token": adminToken }
    const url = `http://eu.api.localhost/api/v1/import?project=${project}`
    expect((await edge(url, { method: "POST", headers, body })).status).toBe(503)
    expect((await getProject(project)).stages[0]?.services).toEqual([])
  })
})

describe("a subscription of a package", () => {
  it("cannot be made while no webhook-service is registered", async () => {
    const project = await newProject("dev")
    const files = packageOf([SERVICE, SUBSCRIPTION], { "subscription.json": { event: "e" } })
    expect(await problemOf(project, files)).toBe("task subscription: no integration found for name webhook-service")
  })

  it("goes to the webhook-service, and its id can be used in files", async () => {
    const project = await newProject("dev")
    await register({ name: "webhook-service" })
    const filter = { projects: [project], stages: ["dev"], services: [] }
    const file =
      '{id: file, type: resource, resource: f, resourceUri: webhook.yaml, context: {id: "[[ .Tasks.subscription.Response.id ]]"}}'
    const files = packageOf([SUBSCRIPTION, file], {
      "subscription.json": { event: "e", filter },
      f: "[[ .Context.id ]]",
    })
    const { tasks } = await importPackage(project, files)
    const id = String(tasks[0]?.response["id"])
    expect((await fetchFile({ project, stage: "dev" }, "webhook.yaml")).text).toBe(id)
    const [integration] = await listIntegrations("name=webhook-service")
    expect(integration?.subscriptions).toContainEqual({ id, event: "e", filter })
  })

  it.each([
    [{ event: 7 }, "Invalid request format: event: Invalid input: expected string, received number"],
    [
      { event: "e", filter: { stages: "dev" } },
      "Invalid request format: filter.stages: Invalid input: expected array, received string",
    ],
    [
      { event: "e", filter: { projects: Array.from({ length: 20 }, () => "p".repeat(1000)) } },
      "Invalid request format: a subscription must take at most 8192 bytes",
    ],
  ])("is checked before anything is done: %#", async (subscription, message) => {
    const project = await newProject("dev")
    const files = packageOf([SERVICE, SUBSCRIPTION], { "subscription.json": subscription })
    expect(await problemOf(project, files)).toBe(`task subscription: ${message}`)
  })
})
