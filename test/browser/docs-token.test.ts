/** The token of the docs page in a real browser: checked, kept for the tab and nowhere else, sent to this origin alone. */
import { describe, expect, it } from "vitest"
import {
  enterToken,
  execute,
  expectFailedLoads,
  global,
  goTo,
  newTab,
  newVisit,
  open,
  parts,
  regional,
  token,
  useBrowser,
  type Visit,
} from "./harness.ts"

const CHECK = "/v3/organizations/me"

useBrowser()

/** Opens and executes GET /api/v1/metadata. */
async function tryMetadata(visit: Visit): Promise<string> {
  await parts.operation(visit.page, "/metadata").locator(".opblock-summary-control").click()
  return execute(visit)
}

/** All that the page has stored, but for what is kept for the tab. */
function stored({ page }: Visit): Promise<string> {
  return page.evaluate<string>("JSON.stringify([localStorage, document.cookie, location.href, document.title])")
}

describe("a token that was entered", () => {
  it("is accepted and sent with what is executed, and with nothing else", async () => {
    const visit = await open(regional)
    await parts.operation(visit.page, "/metadata").waitFor()
    expect(await enterToken(visit)).toBe("Accepted. Kept for this tab only.")
    const answer = await tryMetadata(visit)
    expect(answer).toMatch(/^200\b/)
    expect(answer).toContain("keptnversion")
    expect(visit.sentWithToken).toEqual([CHECK, "/api/v1/metadata"])
  })

  it("is checked on the global host, too", async () => {
    const visit = await open(global)
    expect(await enterToken(visit)).toMatch(/^Accepted/)
  })

  it("survives a reload and a change of the document", async () => {
    const visit = await open(regional)
    const { page } = visit
    await enterToken(visit)
    await page.reload()
    await expect.poll(() => parts.state(page).innerText()).toMatch(/^Accepted/)
    expect(await parts.field(page).inputValue()).toBe(token)
    await parts.selector(page).selectOption("control-plane")
    await parts.operation(page, "/project").locator(".opblock-summary-control").click()
    expect(await execute(visit)).toMatch(/^200\b/)
  })

  it("is in this tab's storage alone, and gone in another tab", async () => {
    const visit = await open(regional)
    await enterToken(visit)
    await tryMetadata(visit)
    expect(await stored(visit)).not.toContain(token)
    expect(await visit.page.context().cookies()).toEqual([])
    const other = await newTab(visit)
    await other.page.goto(`${regional}/api`)
    await parts.operation(other.page, "/metadata").waitFor()
    expect(await parts.state(other.page).innerText()).toMatch(/^None/)
    expect(await parts.field(other.page).inputValue()).toBe("")
    expect(await other.page.evaluate<number>("sessionStorage.length")).toBe(0)
    expect(other.sentWithToken).toEqual([])
  })

  it("is not shown, neither in its field nor in the lines for curl", async () => {
    const visit = await open(regional)
    const { page } = visit
    await enterToken(visit)
    await tryMetadata(visit)
    expect(await parts.field(page).getAttribute("type")).toBe("password")
    const curl = await parts.opened(page).locator(".curl-command").innerText()
    expect(curl).toContain(`'${regional}/api/v1/metadata'`)
    expect(curl).toContain('-H "x-token: $TOKEN"')
    expect(await page.locator("body").innerText()).not.toContain(token)
    await page.getByRole("button", { name: "Show", exact: true }).click()
    expect(await parts.field(page).getAttribute("type")).toBe("text")
    await page.getByRole("button", { name: "Hide", exact: true }).click()
    expect(await parts.field(page).getAttribute("type")).toBe("password")
  })

  it("is forgotten when that is asked for", async () => {
    const visit = await open(regional)
    const { page } = visit
    await enterToken(visit)
    await parts.forget(page).click()
    expect(await parts.state(page).innerText()).toMatch(/^Forgotten/)
    expect(await page.evaluate<number>("sessionStorage.length")).toBe(0)
    expect(await tryMetadata(visit)).toMatch(/^401\b/)
    expect(visit.sentWithToken).toEqual([CHECK])
    await expectFailedLoads(visit, /\b401\b/)
  })

  it("that is wrong is refused, and not used", async () => {
    const visit = await open(regional)
    expect(await enterToken(visit, "wrong")).toBe("Refused: unknown, expired or revoked. It is not used.")
    expect(await parts.field(visit.page).getAttribute("aria-invalid")).toBe("true")
    expect(await tryMetadata(visit)).toMatch(/^401\b/)
    expect(visit.sentWithToken).toEqual([CHECK])
    await expectFailedLoads(visit, /\b401\b/)
    expect(await enterToken(visit)).toMatch(/^Accepted/)
    expect(await parts.field(visit.page).getAttribute("aria-invalid")).toBe(null)
  })

  it("that is no token is refused without a request", async () => {
    const visit = await open(regional)
    expect(await enterToken(visit, "kpät")).toBe("Refused: a token has no spaces or accents.")
    expect(visit.sentWithToken).toEqual([])
  })

  it("that is refused later is checked again, and not used any more", async () => {
    const visit = await open(regional)
    await enterToken(visit)
    for (const path of [CHECK, "/api/v1/metadata"]) {
      await visit.page.route(`**${path}`, (route) => route.fulfill({ status: 401, json: { message: "no" } }))
    }
    expect(await tryMetadata(visit)).toMatch(/^401\b/)
    await expect.poll(() => parts.state(visit.page).innerText()).toMatch(/^Refused/)
    expect(await visit.page.evaluate<number>("sessionStorage.length")).toBe(0)
    await expectFailedLoads(visit, /\b401\b/)
  })

  it("stays in use when it is good, and only an origin says 401", async () => {
    const visit = await open(regional)
    await enterToken(visit)
    await visit.page.route("**/api/v1/metadata", (route) => route.fulfill({ status: 401, json: { message: "no" } }))
    expect(await tryMetadata(visit)).toMatch(/^401\b/)
    await expect.poll(() => visit.sentWithToken).toEqual([CHECK, "/api/v1/metadata", CHECK])
    await expect.poll(() => parts.state(visit.page).innerText()).toMatch(/^Accepted/)
    await expectFailedLoads(visit, /\b401\b/)
  })

  it("says of too many attempts", async () => {
    const visit = await open(regional)
    await visit.page.route(`**${CHECK}`, (route) => route.fulfill({ status: 429 }))
    expect(await enterToken(visit)).toMatch(/^Refused: too many attempts\./)
    await expectFailedLoads(visit, /\b429\b/)
  })

  it.each([
    [503, "Not checked: this host answered 503."],
    [null, "Not checked: offline, this host does not answer."],
  ])("stays in use when it could not be checked: %s", async (status, text) => {
    const visit = await open(regional)
    await visit.page.route(`**${CHECK}`, (route) => (status === null ? route.abort() : route.fulfill({ status })))
    expect(await enterToken(visit)).toBe(text)
    expect(await tryMetadata(visit)).toMatch(/^200\b/)
    await expectFailedLoads(visit, /503|ERR_FAILED/)
  })
})

describe("where the browser keeps nothing", () => {
  it("a token lasts as long as the page", async () => {
    const visit = await newVisit()
    const { page } = visit
    const refusing = "get() { throw new DOMException('The operation is insecure.', 'SecurityError') }"
    await page.addInitScript({ content: `Object.defineProperty(window, "sessionStorage", { ${refusing} })` })
    await goTo(visit, `${regional}/api`)
    expect(await enterToken(visit)).toMatch(/^Accepted/)
    expect(await tryMetadata(visit)).toMatch(/^200\b/)
    await page.reload()
    await expect.poll(() => parts.state(page).innerText()).toMatch(/^None/)
  })
})

describe("Swagger UI's own ways to give a token", () => {
  const old = {
    swagger: "2.0",
    info: { title: "Of an origin", version: "1" },
    basePath: "/api",
    paths: { "/v1/metadata": { get: { operationId: "old", security: [{ token: [] }], responses: { 200: {} } } } },
    securityDefinitions: { token: { type: "apiKey", in: "header", name: "x-token" } },
    security: [{ token: [] }],
  }

  it.each(["the edge's", "an origin's Swagger 2.0"])("are not offered in %s document", async (kind) => {
    const visit = await open(regional)
    const { page } = visit
    if (kind !== "the edge's") {
      await page.route("**/api/openapi/api-service.json", (route) => route.fulfill({ json: old }))
      await page.reload()
    }
    await parts.operation(page, "/metadata").waitFor()
    expect(await page.getByRole("button", { name: /authoriz/i }).count()).toBe(0)
    expect(await page.locator(".authorize, .authorization__btn").count()).toBe(0)
    await enterToken(visit)
    expect(await tryMetadata(visit)).toMatch(/^200\b/)
  })
})
