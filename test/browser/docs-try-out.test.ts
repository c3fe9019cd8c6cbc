/** Operations tried out on the docs page in a real browser: each kind of body and of answer, and servers that are elsewhere. */
import { readFile } from "node:fs/promises"
import { zipSync } from "fflate"
import type { Page } from "playwright-core"
import { describe, expect, it } from "vitest"
import {
  enterToken,
  execute,
  expectFailedLoads,
  fill,
  newVisit,
  openOperation,
  parts,
  port,
  regional,
  token,
  useBrowser,
} from "./harness.ts"

useBrowser()

const shipyard = Buffer.from(
  `apiVersion: spec.keptn.sh/0.2.2
kind: Shipyard
metadata:
  name: test
spec:
  stages:
    - name: dev
`,
).toString("base64")

const bytes = Buffer.from([0, 1, 2, 254, 255])

/** Opens an operation with a token. */
async function openWithToken(document: string, tag: string, id: string, prepare?: (page: Page) => Promise<void>) {
  const visit = await newVisit()
  await prepare?.(visit.page)
  await openOperation(visit, document, tag, id)
  expect(await enterToken(visit)).toMatch(/^Accepted/)
  return visit
}

/** Serves a document in the place of the first. */
async function serve(page: Page, json: unknown): Promise<void> {
  await page.route("**/api/openapi/api-service.json", (route) => route.fulfill({ json }))
}

/** Creates a project without the page. The bare `localhost` stands for the region whose page is looked at. */
async function createProject(name: string): Promise<void> {
  const response = await fetch(`http://localhost:${port}/api/controlPlane/v1/project`, {
    method: "POST",
    headers: { "x-token": token, "content-type": "application/json" },
    body: JSON.stringify({ name, shipyard }),
  })
  expect(response.status).toBe(201)
}

describe("what is tried out", () => {
  it("sends JSON, and shows an answer without a body", async () => {
    const visit = await openWithToken("control-plane", "projects", "createProject")
    await parts
      .opened(visit.page)
      .locator("textarea")
      .fill(JSON.stringify({ name: "page-json", shipyard }))
    const answer = await execute(visit)
    expect(answer).toMatch(/^201\b/)
    expect(answer).not.toContain("Response body")
  })

  it("sends only the parameters that were filled in: their examples are shown, not sent", async () => {
    const visit = await openWithToken("mongodb-datastore", "events", "listEvents")
    await parts.opened(visit.page).getByText("Example:").first().waitFor()
    await fill(visit, { project: "page-parameters" })
    await execute(visit)
    const url = new URL((await parts.opened(visit.page).locator(".request-url pre").innerText()).trim())
    expect([...url.searchParams.keys()].filter((name) => !["project", "pageSize"].includes(name))).toEqual([])
  })

  it("uploads a file as it is, and downloads it under its name", async () => {
    await createProject("page-raw")
    const parameters = { projectName: "page-raw", resourceURI: "folder/a file.bin" }
    const visit = await openWithToken("resource-service", "project resources", "updateProjectResource")
    const { page } = visit
    await fill(visit, parameters)
    const body = parts.opened(page).locator(".opblock-section-request-body")
    await body.getByLabel("Request content type").selectOption("application/octet-stream")
    await body
      .locator("input[type=file]")
      .setInputFiles({ name: "x.bin", mimeType: "application/octet-stream", buffer: bytes })
    expect(await execute(visit)).toMatch(/^200\b/)
    expect(await parts.opened(page).locator(".curl-command").innerText()).toContain("--data-binary '@x.bin'")

    await openOperation(visit, "resource-service", "project resources", "readProjectResource")
    await fill(visit, parameters)
    await parts
      .opened(page)
      .locator(".response-control-media-type select")
      .first()
      .selectOption("application/octet-stream")
    expect(await execute(visit)).toMatch(/^200\b/)
    const download = page.waitForEvent("download")
    await parts.opened(page).getByText("Download file").click()
    expect((await download).suggestedFilename()).toBe("a file.bin")
    expect(await readFile(await (await download).path())).toEqual(bytes)
  })

  it("sends a form with a file", async () => {
    await createProject("page-import")
    const visit = await openWithToken("api-service", "import", "importPackage")
    await fill(visit, { project: "page-import" })
    const manifest = new TextEncoder().encode("apiVersion: v1beta1\nkind: ImportPackage\ntasks: []\n")
    await parts
      .opened(visit.page)
      .locator("input[type=file]")
      .setInputFiles({
        name: "package.zip",
        mimeType: "application/zip",
        buffer: Buffer.from(zipSync({ "manifest.yaml": manifest })),
      })
    const answer = await execute(visit)
    expect(answer).toMatch(/^200\b/)
    expect(answer).toContain("success")
  })

  it("shows lines of JSON as they are, and offers other bytes as a file", async () => {
    await createProject("page-lines")
    const visit = await openWithToken("mongodb-datastore", "events", "exportEvents")
    await fill(visit, { project: "page-lines" })
    const lines = await execute(visit)
    expect(lines).toContain("sh.keptn.event.project.create.started")
    expect(lines).not.toContain("can't parse")
    await openOperation(visit, "git", "git", "gitInfoRefs")
    await fill(visit, { projectName: "page-lines.git" })
    expect(await execute(visit)).toContain("Download file")
  })

  it.each([
    ["a picture", { contentType: "image/png", body: bytes }, "Download file"],
    ["text", { contentType: "text/plain", body: "only words" }, "only words"],
    ["nothing", { status: 204 }, "204"],
    ["an error", { status: 418, json: { message: "a teapot" } }, "a teapot"],
  ])("shows an answer of %s", async (_, answered, shown) => {
    const visit = await openWithToken("api-service", "installation", "getMetadata")
    await visit.page.route("**/api/v1/metadata", (route) => route.fulfill(answered))
    const answer = await execute(visit)
    expect(answer).toContain(shown)
    expect(answer).not.toContain("can't parse")
    if (shown === "a teapot") await expectFailedLoads(visit, /418/)
  })

  it("says when there is no answer", async () => {
    const visit = await openWithToken("api-service", "installation", "getMetadata")
    await visit.page.route("**/api/v1/metadata", (route) => route.abort())
    expect(await execute(visit)).toContain("No answer: this host is out of reach.")
    await expectFailedLoads(visit, /ERR_FAILED/)
  })

  it("sends HEAD where a document has it", async () => {
    const operation = { operationId: "head", tags: ["one"], responses: { 200: { description: "There" } } }
    const json = { openapi: "3.1.0", info: { title: "t", version: "1" }, paths: { "/api/health": { head: operation } } }
    const visit = await openWithToken("api-service", "one", "head", (page) => serve(page, json))
    expect(await execute(visit)).toMatch(/^200\b/)
  })
})

describe("a server that is elsewhere", () => {
  const servers = [
    { url: "/", description: "This host" },
    {
      url: "http://{region}.api.localhost:{port}",
      variables: { region: { default: "us", enum: ["eu", "us"] }, port: { default: String(port) } },
    },
  ]
  const responses = { 200: { description: "It" } }
  const paths = { "/api/v1/metadata": { get: { operationId: "getMetadata", tags: ["installation"], responses } } }
  const json = { openapi: "3.1.0", info: { title: "t", version: "1" }, servers, paths }

  it("is not sent to, and it is said which page to open instead", async () => {
    const visit = await openWithToken("api-service", "installation", "getMetadata", (page) => serve(page, json))
    const { page } = visit
    await page.locator("#servers").selectOption({ index: 1 })
    const sent = visit.sentWithToken.length
    const answer = await execute(visit)
    const us = regional.replace("eu", "us")
    expect(answer).toContain(`Not sent: this page calls ${regional} only.`)
    const link = parts.opened(page).getByRole("link", { name: "its own page" })
    expect(await link.getAttribute("href")).toBe(`${us}/api?urls.primaryName=api-service#/installation/getMetadata`)
    expect(visit.sentWithToken).toHaveLength(sent)
    expect(await parts.opened(page).locator(".curl-command").innerText()).not.toContain("x-token")
  })

  it("is sent to when it is this host after all", async () => {
    const visit = await openWithToken("api-service", "installation", "getMetadata", (page) => serve(page, json))
    await visit.page.locator("#servers").selectOption({ index: 1 })
    await visit.page.locator(".servers table select").selectOption("eu")
    expect(await execute(visit)).toMatch(/^200\b/)
  })
})
