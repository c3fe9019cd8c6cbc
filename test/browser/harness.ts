/**
 * A page in a real browser, for the tests of one file. What must not happen in any of them is collected, and fails the test:
 * errors on the console, violations of the policy, requests that leave the origin, a token in an address.
 */
import { type Browser, type BrowserContext, type BrowserContextOptions, chromium, type Page } from "playwright-core"
import { afterAll, afterEach, beforeAll, expect, inject } from "vitest"
import { docsContentSecurityPolicy } from "../../src/docs/page.ts"
import { findChromium } from "./chromium.ts"
import { PATIENCE_MS } from "../support/patience.ts"

export const { port, token } = inject("edge")
export const regional = `http://eu.api.localhost:${port}`
export const global = `http://global.api.localhost:${port}`

/** The documents of a region, in the selector's order, each with an operation that the one before does not have. */
export const regionalDocuments = [
  { name: "api-service", operation: "/metadata" },
  { name: "control-plane", operation: "/project" },
  { name: "resource-service", operation: "/resource" },
  { name: "git", operation: "/git-upload-pack" },
  { name: "configuration-service", operation: "/resource" },
  { name: "mongodb-datastore", operation: "/event" },
  { name: "secret-service", operation: "/scope" },
  { name: "statistics-service", operation: "/statistics" },
]

/** A context of a phone. */
export const phone = { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true }

/** What a page did. */
export interface Visit {
  page: Page
  /** What must not happen. A test that expects one takes it out. */
  problems: string[]
  /** The paths of the requests that had a token, in their order. */
  sentWithToken: string[]
}

let browser: Browser
let visits: Visit[] = []
/** The contexts that visits share, by their options: they keep the files of the page, which load in a third of the time then. */
const contexts = new Map<string, Promise<BrowserContext>>()

/** Starts the browser for the tests of a file, and looks after each of them for what must not happen. */
export function useBrowser(): void {
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
        // One process for all tabs: each new one would have to compile the scripts anew.
        "--renderer-process-limit=1",
        "--disable-site-isolation-trials",
      ],
    })
  })
  afterAll(() => browser.close())
  afterEach(async () => {
    const done = visits
    visits = []
    await Promise.all(done.map(({ page }) => page.close()))
    expect(done.flatMap(({ problems }) => problems)).toEqual([])
  })
}

/** A tab of its own, in a browser that has seen the page before. */
export async function newVisit(options: BrowserContextOptions = {}): Promise<Visit> {
  const key = JSON.stringify(options)
  const context = contexts.get(key) ?? browser.newContext(options)
  contexts.set(key, context)
  return visitIn(await (await context).newPage())
}

/** A tab of a browser without a past. */
export async function firstVisit(options: BrowserContextOptions = {}): Promise<Visit> {
  return visitIn(await browser.newPage(options))
}

/** Another tab of the same browser. */
export async function newTab({ page }: Visit): Promise<Visit> {
  return visitIn(await page.context().newPage())
}

async function visitIn(page: Page): Promise<Visit> {
  const visit: Visit = { page, problems: [], sentWithToken: [] }
  const { problems, sentWithToken } = visit
  visits.push(visit)
  page.setDefaultTimeout(PATIENCE_MS)
  page.on("pageerror", (error) => problems.push(error.message))
  page.on("console", (message) => {
    if (message.type() === "error") problems.push(message.text())
  })
  page.on("request", (request) => {
    const url = new URL(request.url())
    if (["data:", "blob:"].includes(url.protocol)) return
    if (url.origin !== regional && url.origin !== global) problems.push(`request to ${url}`)
    if (url.href.includes(token)) problems.push(`a token in ${url}`)
    if ("x-token" in request.headers()) sentWithToken.push(url.pathname)
  })
  // What the tests ask for later: how much moved, and what the policy forbade.
  await page.addInitScript({
    content: `
      addEventListener("securitypolicyviolation", (event) =>
        console.error("policy violation", event.violatedDirective, event.blockedURI, event.sourceFile))
      window.layoutShift = 0
      new PerformanceObserver((list) => {
        for (const { value } of list.getEntries()) window.layoutShift += value
      }).observe({ type: "layout-shift", buffered: true })`,
  })
  return visit
}

/** Opens an address of the docs page in a tab of its own. */
export async function open(origin: string, options: BrowserContextOptions = {}, path = "/api"): Promise<Visit> {
  const visit = await newVisit(options)
  await goTo(visit, `${origin}${path}`)
  return visit
}

/** Opens an address in the tab of a visit. */
export async function goTo({ page }: Visit, address: string): Promise<void> {
  const response = await page.goto(address)
  expect(response?.status()).toBe(200)
  expect(response?.headers()["content-security-policy"]).toBe(docsContentSecurityPolicy)
}

/** Expects that all there was to complain of is that Chromium tells of requests that failed, which it always does. */
export async function expectFailedLoads({ problems }: Visit, failure: RegExp): Promise<void> {
  await expect.poll(() => problems.length).toBeGreaterThan(0)
  for (const problem of problems) {
    expect(problem).toMatch(/^Failed to load resource: /)
    expect(problem).toMatch(failure)
  }
  problems.length = 0
}

/** The parts of the page, as one finds them who cannot see it: by role and label. */
export const parts = {
  selector: (page: Page) => page.getByLabel("Document", { exact: true }),
  field: (page: Page) => page.getByLabel("Token", { exact: true }),
  use: (page: Page) => page.getByRole("button", { name: "Use", exact: true }),
  forget: (page: Page) => page.getByRole("button", { name: "Forget", exact: true }),
  state: (page: Page) => page.getByRole("status"),
  /** The operation of a path, or of the end of one. */
  operation: (page: Page, path: string) =>
    page.locator(".opblock", { has: page.locator(`[data-path$="${path}"]`) }).first(),
  /** The operation that is open. */
  opened: (page: Page) => page.locator(".opblock.is-open").first(),
}

/** Enters a token and waits until the page has said how it is with it. */
export async function enterToken({ page }: Visit, value = token): Promise<string> {
  await parts.field(page).fill(value)
  await parts.use(page).click()
  await expect.poll(() => parts.state(page).innerText()).toMatch(/^(Accepted|Refused|Not checked)/)
  return parts.state(page).innerText()
}

/** Opens an operation of a document by its link. */
export async function openOperation(visit: Visit, document: string, tag: string, id: string): Promise<void> {
  const link = `?urls.primaryName=${document}#/${encodeURIComponent(tag)}/${id}`
  await visit.page.goto("about:blank")
  await goTo(visit, `${regional}/api${link}`)
  await parts.opened(visit.page).waitFor()
}

/** Sets parameters of the open operation. */
export async function fill({ page }: Visit, parameters: Readonly<Record<string, string>>): Promise<void> {
  for (const [name, value] of Object.entries(parameters)) {
    await parts.opened(page).locator(`tr[data-param-name="${name}"] input`).fill(value)
  }
}

/** Executes the open operation and gives the answer as it is shown, the status first. */
export async function execute({ page }: Visit): Promise<string> {
  await parts.opened(page).getByRole("button", { name: "Execute" }).click()
  const answer = parts.opened(page).locator(".live-responses-table .response")
  await answer.waitFor()
  return answer.innerText()
}
