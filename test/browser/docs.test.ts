/** The docs page in a real browser: its documents, links to them, how it loads, looks and is used by keyboard alone. */
import { gzipSync } from "node:zlib"
import { describe, expect, it } from "vitest"
import {
  enterToken,
  execute,
  firstVisit,
  global,
  goTo,
  open,
  parts,
  phone,
  regional,
  regionalDocuments as documents,
  token,
  useBrowser,
  type Visit,
} from "./harness.ts"

useBrowser()

/** What has the focus, and whether one sees that it has. */
async function focused({ page }: Visit) {
  return page.evaluate<{ id: string; text: string; class: string; outline: number }>(`(() => {
    const element = document.activeElement
    const { outlineStyle, outlineWidth } = getComputedStyle(element)
    const outline = outlineStyle === "none" ? 0 : parseFloat(outlineWidth)
    return { id: element.id, text: element.innerText ?? "", class: String(element.className), outline }
  })()`)
}

/** Presses Tab until the focus is where `isThere` says, and sees it all the way. */
async function tabTo(visit: Visit, isThere: (focus: Awaited<ReturnType<typeof focused>>) => boolean) {
  for (let presses = 0; presses < 40; presses += 1) {
    await visit.page.keyboard.press("Tab")
    const focus = await focused(visit)
    expect([focus, focus.outline >= 2]).toEqual([focus, true])
    if (isThere(focus)) return
  }
  throw new Error("the focus did not get there")
}

describe("the documents", () => {
  it("of a region are offered, and the operations of the chosen one shown", async () => {
    const { page } = await open(regional)
    await parts.operation(page, "/metadata").waitFor()
    expect(await parts.selector(page).locator("option").allInnerTexts()).toEqual(documents.map(({ name }) => name))
    for (const { name, operation } of documents.slice(1)) {
      await parts.selector(page).selectOption(name)
      await parts.operation(page, operation).waitFor()
      expect(new URL(page.url()).searchParams.get("urls.primaryName")).toBe(name)
      expect(await page.title()).toBe(`${name} – Quarterdeck`)
    }
    await page.reload()
    await parts.operation(page, documents.at(-1)?.operation ?? "").waitFor()
  })

  it("of the global host are identity alone", async () => {
    const { page } = await open(global)
    await page.locator(".opblock").first().waitFor()
    expect(await parts.selector(page).locator("option").allInnerTexts()).toEqual(["identity"])
  })

  it("are linked to in a list, where there are no scripts, too", async () => {
    for (const options of [{}, { javaScriptEnabled: false }]) {
      const { page } = await open(regional, options)
      await page.getByText("Documents", { exact: true }).click()
      for (const { name } of documents) {
        for (const form of ["JSON", "YAML"]) {
          const href = await page.getByRole("link", { name: `${name} as ${form}` }).getAttribute("href")
          expect(href).toBe(`/api/openapi/${name}.${form.toLowerCase()}`)
        }
      }
    }
  })

  it("are not offered in a selector that does nothing", async () => {
    const { page } = await open(regional, { javaScriptEnabled: false })
    expect(await page.getByRole("button").or(page.getByRole("combobox")).count()).toBe(0)
  })

  it("that come late do not replace the one that was chosen over them", async () => {
    const { page } = await open(regional)
    await parts.operation(page, "/metadata").waitFor()
    const late = Promise.withResolvers<void>()
    await page.route("**/control-plane.json", async (route) => {
      await late.promise
      await route.continue()
    })
    await parts.selector(page).selectOption("control-plane")
    await parts.selector(page).selectOption("secret-service")
    await parts.operation(page, "/scope").waitFor()
    const response = page.waitForResponse("**/control-plane.json")
    late.resolve()
    await (await response).finished()
    expect(await parts.operation(page, "/scope").count()).toBe(1)
  })
})

describe("the other places", () => {
  it("are the hosts, of which this one is marked, and the errors", async () => {
    const visit = await open(regional)
    const { page } = visit
    const hosts = page.getByRole("list", { name: "Hosts" }).getByRole("link")
    expect(await hosts.allInnerTexts()).toEqual(["global", "eu", "us"])
    expect(await page.locator("[aria-current]").allInnerTexts()).toEqual(["eu"])
    await hosts.getByText("global").click()
    await page.waitForURL(`${global}/api`)
    await page.locator(".opblock").first().waitFor()
    expect(await page.locator("[aria-current]").allInnerTexts()).toEqual(["global"])
    await page.getByRole("link", { name: "Errors" }).click()
    await page.waitForURL(`${global}/api/errors`)
    await page.getByRole("link", { name: "The API" }).click()
    await page.waitForURL(`${global}/api`)
  })
})

describe("a link", () => {
  const link = "/api?urls.primaryName=control-plane#/projects/createProject"

  it("to an operation opens it, and scrolls to it", async () => {
    const { page } = await open(regional, {}, link)
    await parts.opened(page).getByText("/api/controlPlane/v1/project", { exact: true }).waitFor()
    expect(await parts.opened(page).locator(".opblock-summary-method").innerText()).toBe("POST")
    await expect.poll(async () => (await parts.opened(page).boundingBox())?.y).toBeCloseTo(0, -2)
    expect(await page.evaluate<number>("scrollY")).toBeGreaterThan(0)
    expect(await page.title()).toBe("control-plane – Quarterdeck")
    expect(await parts.selector(page).locator("option:checked").innerText()).toBe("control-plane")
  })

  it("to an operation of a tag with a space works, too", async () => {
    const { page } = await open(
      regional,
      {},
      "/api?urls.primaryName=resource-service#/project%20resources/listProjectResources",
    )
    await parts.opened(page).waitFor()
  })

  it("to no document shows the first", async () => {
    const { page } = await open(regional, {}, "/api?urls.primaryName=nowhere#/nobody/nothing")
    await parts.operation(page, "/metadata").waitFor()
  })

  it("that was followed can be gone back from, and forward to", async () => {
    const { page } = await open(regional)
    await parts.operation(page, "/metadata").waitFor()
    await parts.selector(page).selectOption("control-plane")
    await parts.operation(page, "/project").locator(".opblock-summary-control").click()
    await parts.selector(page).selectOption("secret-service")
    await parts.operation(page, "/scope").waitFor()
    await page.goBack()
    await parts.opened(page).getByText("/api/controlPlane/v1/project", { exact: true }).waitFor()
    expect(await page.title()).toBe("control-plane – Quarterdeck")
    await page.goBack()
    await page.goBack()
    await parts.operation(page, "/metadata").waitFor()
    for (let step = 0; step < 3; step += 1) await page.goForward()
    await parts.operation(page, "/scope").waitFor()
    expect(await parts.selector(page).locator("option:checked").innerText()).toBe("secret-service")
  })
})

describe("loading", () => {
  it.each([
    ["a wide", { viewport: { width: 1280, height: 800 } }],
    ["a phone's", phone],
  ])("moves nothing on %s screen, also where scripts and documents are slow", async (_, options) => {
    const visit = await firstVisit(options)
    const { page } = visit
    for (const slow of ["**/swagger-ui-bundle.js", "**/docs@*.js", "**/openapi/*.json"]) {
      await page.route(slow, async (route) => {
        await new Promise((resolve) => setTimeout(resolve, 300))
        await route.continue()
      })
    }
    await goTo(visit, `${regional}/api`)
    await parts.operation(page, "/metadata").waitFor()
    expect(await enterToken(visit)).toMatch(/^Accepted/)
    expect(await page.evaluate<number>("layoutShift")).toBeLessThan(0.05)
  })

  it("takes less than 600 kB, of files that may be kept for ever", async () => {
    const visit = await firstVisit()
    const { page } = visit
    const sizes = new Map<string, Promise<number>>()
    const caching = new Map<string, string | undefined>()
    page.on("response", (response) => {
      const { pathname } = new URL(response.url())
      if (response.url().startsWith("data:")) return
      sizes.set(
        pathname,
        response.body().then((body) => gzipSync(body).length),
      )
      if (pathname.startsWith("/api/assets/")) caching.set(pathname, response.headers()["cache-control"])
    })
    await goTo(visit, `${regional}/api`)
    await parts.operation(page, "/metadata").waitFor()
    const total = (await Promise.all(sizes.values())).reduce((sum, size) => sum + size, 0)
    expect(sizes.size).toBeGreaterThanOrEqual(6)
    expect(total).toBeLessThan(600_000)
    expect(new Set(caching.values())).toEqual(new Set(["public, max-age=31536000, immutable"]))
  })
})

describe("the look", () => {
  it("fits a phone, with an operation open and its answer shown", async () => {
    const visit = await open(regional, { ...phone, colorScheme: "dark" })
    const { page } = visit
    expect(await enterToken(visit)).toMatch(/^Accepted/)
    await parts.operation(page, "/metadata").locator(".opblock-summary-control").tap()
    await page.locator("html.dark-mode .opblock-body").waitFor()
    expect(await execute(visit)).toMatch(/^200\b/)
    // The form with a field for a file, which browsers like to make wide.
    await parts.operation(page, "/import").locator(".opblock-summary-control").tap()
    await page.locator("input[type=file]").waitFor()
    expect(await page.evaluate<number>("document.documentElement.scrollWidth")).toBe(390)
    for (const part of [parts.field(page), parts.use(page), parts.forget(page), parts.selector(page)]) {
      const box = await part.boundingBox()
      expect(box?.height).toBeGreaterThanOrEqual(36)
      expect((box?.x ?? 0) + (box?.width ?? 0)).toBeLessThanOrEqual(390)
    }
    await goTo(visit, `${regional}/api/errors`)
    expect(await page.evaluate<number>("document.documentElement.scrollWidth")).toBe(390)
  })

  it("follows the system, until the button says otherwise", async () => {
    const { page } = await open(regional, { colorScheme: "light" })
    const dark = page.getByRole("button", { name: "Dark" })
    const isDark = () => page.evaluate<boolean>("document.documentElement.classList.contains('dark-mode')")
    expect([await isDark(), await dark.getAttribute("aria-pressed")]).toEqual([false, "false"])
    await page.emulateMedia({ colorScheme: "dark" })
    await expect.poll(isDark).toBe(true)
    await dark.click()
    expect([await isDark(), await dark.getAttribute("aria-pressed")]).toEqual([false, "false"])
  })
})

describe("the keyboard alone", () => {
  it("enters a token, skips to the operations, opens and executes one, and closes it", async () => {
    const visit = await open(regional)
    const { page } = visit
    await parts.operation(page, "/metadata").waitFor()
    await tabTo(visit, ({ id }) => id === "skip")
    await tabTo(visit, ({ id }) => id === "token-value")
    await page.keyboard.type(token)
    await tabTo(visit, ({ id }) => id === "token-show")
    await page.keyboard.press("Enter")
    expect(await parts.field(page).getAttribute("type")).toBe("text")
    await page.keyboard.press("Escape")
    expect(await parts.field(page).getAttribute("type")).toBe("password")
    await page.keyboard.press("Shift+Tab")
    await page.keyboard.press("Enter")
    await expect.poll(() => parts.state(page).innerText()).toMatch(/^Accepted/)
    await page.reload()
    await parts.operation(page, "/metadata").waitFor()
    await tabTo(visit, ({ id }) => id === "skip")
    await page.keyboard.press("Enter")
    expect((await focused(visit)).id).toBe("operations")
    await tabTo(visit, ({ text }) => text.includes("/metadata"))
    await page.keyboard.press("Enter")
    await tabTo(visit, ({ text }) => text === "Execute")
    await page.keyboard.press("Enter")
    await parts.opened(page).locator(".live-responses-table .response").waitFor()
    await page.keyboard.press("Escape")
    await expect.poll(() => parts.opened(page).count()).toBe(0)
    expect((await focused(visit)).text).toContain("/metadata")
  })

  it("closes what is deprecated, too", async () => {
    const operation = "/api?urls.primaryName=configuration-service#/project%20resources/legacyListProjectResources"
    const { page } = await open(regional, {}, operation)
    await page.locator(".opblock-body").waitFor()
    await page.locator(".opblock-summary-control[aria-expanded=true]").focus()
    await page.keyboard.press("Escape")
    await page.locator(".opblock-body").waitFor({ state: "detached" })
  })
})
