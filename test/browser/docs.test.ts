/**
 * The docs page in a real browser, on a running edge: what it offers, that an operation can be tried with a token, and that
 * its Content-Security-Policy neither breaks it nor is needed to keep it at home.
 */
import { chromium, type Browser, type BrowserContextOptions, type Locator, type Page } from "playwright-core"
import { afterAll, afterEach, beforeAll, describe, expect, inject, it } from "vitest"
import { docsContentSecurityPolicy } from "../../src/docs/page.ts"
import { findChromium } from "./chromium.ts"

const { port, token } = inject("edge")
const regional = `http://eu.api.localhost:${port}`
const global = `http://global.api.localhost:${port}`

/** The documents of a region, in the selector's order, each with an operation that the one before does not have. */
const documents = [
  { name: "api-service", operation: "/metadata" },
  { name: "control-plane", operation: "/project" },
  { name: "resource-service", operation: "/resource" },
  { name: "git", operation: "/git-upload-pack" },
  { name: "configuration-service", operation: "/resource" },
  { name: "mongodb-datastore", operation: "/event" },
  { name: "secrets", operation: "/scope" },
  { name: "statistics", operation: "/statistics" },
]

let browser: Browser
let page: Page
/** What must not happen, in any test: errors on the console, violations of the policy, requests that leave the origin. */
const problems: string[] = []

beforeAll(async () => {
  browser = await chromium.launch({
    executablePath: findChromium() ?? "",
    args: [
      "--headless",
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  })
}, 30_000)

afterAll(() => browser.close())

afterEach(async () => {
  await page.close()
  expect(problems.splice(0)).toEqual([])
})

async function open(origin: string, options: BrowserContextOptions = {}) {
  page = await browser.newPage(options)
  page.setDefaultTimeout(10_000)
  page.on("pageerror", (error) => problems.push(error.message))
  page.on("console", (message) => {
    if (message.type() === "error") problems.push(message.text())
  })
  page.on("request", (request) => {
    const url = new URL(request.url())
    if (url.protocol !== "data:" && url.origin !== origin) problems.push(`request to ${url}`)
  })
  await page.addInitScript({
    content: `addEventListener("securitypolicyviolation", (event) =>
      console.error("policy violation", event.violatedDirective, event.blockedURI, event.sourceFile))`,
  })
  const response = await page.goto(`${origin}/api`)
  expect(response?.status()).toBe(200)
  expect(response?.headers()["content-security-policy"]).toBe(docsContentSecurityPolicy)
}

/** By its label: a selector that has lost it is not found. */
const selector = () => page.getByLabel("Select a definition")
const operation = (path: string) => page.locator(".opblock", { has: page.locator(`[data-path$="${path}"]`) }).first()

async function attributes(elements: Locator, name: string) {
  await elements.first().waitFor({ state: "attached" })
  return Promise.all((await elements.all()).map((element) => element.getAttribute(name)))
}

async function authorize(value: string) {
  await page.getByRole("button", { name: "Authorize", exact: true }).click()
  const form = page.locator(".auth-container", { has: page.locator("h4", { hasText: "(apiKey)" }) })
  await form.getByLabel("Value:").fill(value)
  await form.getByRole("button", { name: "Apply credentials" }).click()
  await form.getByRole("button", { name: "Close" }).click()
}

/** Executes GET /api/v1/metadata and gives the answer as it is shown, the status first. */
async function tryMetadata() {
  const metadata = operation("/metadata")
  await metadata.locator(".opblock-summary-control").click()
  await metadata.getByRole("button", { name: "Execute" }).click()
  const answer = metadata.locator(".live-responses-table .response")
  await answer.waitFor()
  expect(await metadata.locator(".request-url").innerText()).toContain(`${regional}/api/v1/metadata`)
  return answer.innerText()
}

describe("the docs page", { timeout: 30_000 }, () => {
  it("offers the documents of a region and shows the operations of the chosen one", async () => {
    await open(regional)
    await operation("/metadata").waitFor()
    expect(await selector().locator("option").allInnerTexts()).toEqual(documents.map(({ name }) => name))
    for (const { name, operation: path } of documents.slice(1)) {
      await selector().selectOption(name)
      await operation(path).waitFor()
      expect(new URL(page.url()).searchParams.get("urls.primaryName")).toBe(name)
    }
    await page.reload()
    await operation(documents.at(-1)?.operation ?? "").waitFor()
  })

  it("offers identity alone on the global host", async () => {
    await open(global)
    await page.locator(".opblock").first().waitFor()
    expect(await selector().locator("option").allInnerTexts()).toEqual(["identity"])
  })

  it("executes an operation with the token, and does not store it", async () => {
    await open(regional)
    await authorize(token)
    const answer = await tryMetadata()
    expect(answer).toMatch(/^200\b/)
    expect(answer).toContain("keptnversion")
    expect(
      await page.evaluate<string>("JSON.stringify([localStorage, sessionStorage, document.cookie])"),
    ).not.toContain(token)
  })

  it("shows that a wrong token is refused", async () => {
    await open(regional)
    await authorize("wrong")
    expect(await tryMetadata()).toMatch(/^401\b/)
    // Chromium itself reports the refused request on the console, and that is all.
    await expect.poll(() => problems).toEqual([expect.stringMatching(/^Failed to load resource: .* 401\b/)])
    problems.length = 0
  })

  it("follows the system's dark mode and fits a narrow screen", async () => {
    await open(regional, { colorScheme: "dark", viewport: { width: 390, height: 844 } })
    await operation("/metadata").locator(".opblock-summary-control").click()
    await page.locator("html.dark-mode .opblock-body").waitFor()
    expect(await page.evaluate<number>("document.documentElement.scrollWidth")).toBe(390)
  })

  it("links to the same documents where there are no scripts", async () => {
    await open(regional)
    const offered = await attributes(selector().locator("option"), "value")
    await page.close()
    await open(regional, { javaScriptEnabled: false })
    expect(await page.getByRole("link").allInnerTexts()).toEqual(documents.map(({ name }) => name))
    expect(await attributes(page.getByRole("link"), "href")).toEqual(offered)
  })
})
