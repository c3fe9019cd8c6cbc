/** The pages for those who do not see them, or not well, as far as axe can tell: no rule of it is broken, on a wide screen or a phone's. */
import type { Page } from "playwright-core"
import { describe, expect, it } from "vitest"
import { violations } from "./axe.ts"
import { enterToken, execute, global, open, parts, phone, regional, regionalDocuments, useBrowser } from "./harness.ts"

const wide = { viewport: { width: 1280, height: 800 } }
/** Each of them with one of the two sets of colours. */
const screens = [
  ["a wide screen by day", { ...wide, colorScheme: "light" }],
  ["a phone's screen at night", { ...phone, colorScheme: "dark" }],
] as const
/** Each with both. */
const allScreens = [
  ...screens,
  ["a wide screen at night", { ...wide, colorScheme: "dark" }],
  ["a phone's screen by day", { ...phone, colorScheme: "light" }],
] as const

useBrowser()

/** Opens an operation of each method, and the schema of its last example. All at once, which takes a third of the time of one after another. */
async function openOperations(page: Page): Promise<void> {
  const opened = await page.evaluate<number>(`(() => {
    const operations = Map.groupBy(document.querySelectorAll(".opblock"), (operation) =>
      operation.querySelector(".opblock-summary-method").textContent)
    for (const [first] of operations.values()) first.querySelector(".opblock-summary-control").click()
    return operations.size
  })()`)
  await expect.poll(() => page.locator(".opblock-body .responses-table").count()).toBe(opened)
  await page.evaluate(`
    for (const operation of document.querySelectorAll(".opblock-body")) {
      [...operation.querySelectorAll("[role=tab][data-name=model]")].at(-1)?.click()
    }`)
}

describe.each(screens)("on %s, nothing is in the way", (_, options) => {
  it("in any document, with operations opened", async () => {
    const { page } = await open(regional, options)
    const problems: [document: string, problem: string][] = []
    for (const { name, operation } of regionalDocuments) {
      await parts.selector(page).selectOption(name)
      await parts.operation(page, operation).waitFor()
      await openOperations(page)
      for (const problem of await violations(page)) problems.push([name, problem])
    }
    expect(problems).toEqual([])
  })

  it("in the document of the global host", async () => {
    const { page } = await open(global, options)
    await page.locator(".opblock").first().waitFor()
    expect(await violations(page)).toEqual([])
    await openOperations(page)
    expect(await violations(page)).toEqual([])
  })
})

describe.each(allScreens)("on %s, nothing is in the way", (_, options) => {
  it("in the lists of documents and servers, in what is said of a token, and in an answer", async () => {
    const visit = await open(regional, options)
    const { page } = visit
    await page.getByText("Documents", { exact: true }).click()
    await page.locator("#servers").selectOption({ index: 1 })
    expect(await violations(page)).toEqual([])
    expect(await enterToken(visit, "kpät")).toMatch(/^Refused/)
    expect(await violations(page)).toEqual([])
    await page.locator("#servers").selectOption({ index: 0 })
    expect(await enterToken(visit)).toMatch(/^Accepted/)
    await parts.operation(page, "/metadata").locator(".opblock-summary-control").click()
    expect(await execute(visit)).toMatch(/^200\b/)
    expect(await violations(page)).toEqual([])
  })

  it("on the page of errors", async () => {
    const { page } = await open(regional, options, "/api/errors#not_found")
    expect(await violations(page)).toEqual([])
  })
})

describe("what replaced a link within a button", () => {
  it("leads to its operation, and is told apart from the others", async () => {
    const { page } = await open(regional)
    await page.getByRole("link", { name: "Link to GET /api/v1/metadata" }).click()
    await parts.opened(page).getByText("/api/v1/metadata", { exact: true }).first().waitFor()
    expect(new URL(page.url()).hash).toBe("#/installation/getMetadata")
  })
})

describe("the cells of the errors", () => {
  it("say on a phone which they are", async () => {
    const { page } = await open(regional, phone, "/api/errors")
    const row = page.locator("#not_found")
    const texts = await Promise.all((await row.getByRole("cell").all()).map((cell) => cell.ariaSnapshot()))
    expect(texts).toEqual([
      expect.stringContaining("status: "),
      expect.stringContaining("when: "),
      expect.stringContaining("what to do: "),
    ])
  })
})
