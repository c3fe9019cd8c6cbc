import { describe, expect, it } from "vitest"
import { send } from "../../support/client.ts"

describe("metadata", () => {
  it.each(["eu", "us"])("describes an installation that keeps projects without a git remote, in %s", async (region) => {
    const response = await send(region, "/api/v1/metadata")
    expect(response.status).toBe(200)
    expect(response.headers.get("content-type")).toBe("application/json")
    expect(await response.json()).toEqual({
      namespace: "keptn",
      keptnlabel: "keptn",
      keptnversion: "1.4.5",
      shipyardversion: "0.2.0",
      bridgeversion: "N/A",
      automaticprovisioning: true,
    })
  })

  it("needs a token: 401", async () => {
    expect((await send("eu", "/api/v1/metadata", { token: null })).status).toBe(401)
  })

  it("can only be read: 405 names GET", async () => {
    const response = await send("eu", "/api/v1/metadata", { method: "POST", json: {} })
    expect(response.status).toBe(405)
    expect(response.headers.get("allow")?.split(", ")).toContain("GET")
  })
})
