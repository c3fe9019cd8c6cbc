import { env } from "cloudflare:workers"
import { createScheduledController } from "cloudflare:test"
import { describe, expect, it } from "vitest"
import { z } from "zod"
import { openDirectory } from "../../../src/directory/directory.ts"
import worker from "../../../src/index.ts"
import { settleRoleChange } from "../../../src/installation/role-changes.ts"
import { Meter } from "../../../src/lib/meter.ts"
import { base64, createProject, send, shipyard } from "../../support/client.ts"
import { ask, newAccount, page, withId } from "../../support/identity.ts"
import { openRegion } from "../../support/partition.ts"

const PROJECT = "/api/controlPlane/v1/project"

/** A system account that may create projects in `eu`, and the number of roles it has there. */
async function creator(name: string) {
  const account = await newAccount(name)
  const json = { role_name: "Creator", entity_type_name: "Projects", entity_id: "*", entity_region: "eu" }
  await ask(`/v3/system-accounts/${account.id}/assigned-roles`, withId, { json }, 201)
  const roles = async () => (await ask(`/v3/system-accounts/${account.id}/assigned-roles`, page)).data
  const make = (project: string) =>
    send("eu", PROJECT, { token: account.token, json: { name: project, shipyard: base64(shipyard("dev")) } })
  return { ...account, roles, make }
}

function runJobs(): Promise<void> {
  return worker.scheduled(createScheduledController({ cron: "* * * * *" }), env)
}

describe("the creator of a project", () => {
  it("is its Admin at once, in this region only", async () => {
    const { make, roles, token } = await creator("creator")
    expect((await make("mine")).status).toBe(201)
    expect((await send("eu", `${PROJECT}/mine`, { token })).status).toBe(200)
    expect((await send("us", `${PROJECT}/mine`, { token })).status).toBe(404)
    expect(await roles()).toMatchObject([{ role_name: "Admin", entity_id: "mine", entity_region: "eu" }, {}])
    expect((await send("eu", `${PROJECT}/mine`, { token, method: "DELETE" })).status).toBe(200)
    expect(await roles()).toHaveLength(1)
  })

  it("inherits nothing from a project of the same name that was deleted", async () => {
    const { make, token } = await creator("first owner")
    await make("reused")
    await send("eu", `${PROJECT}/reused`, { method: "DELETE" })
    await createProject("eu", "reused", "dev")
    expect((await send("eu", `${PROJECT}/reused`, { token })).status).toBe(404)
  })
})

describe("a role that follows from a project", () => {
  it("stays when the job was faster than the request that created the project", async () => {
    const { id, make, roles } = await creator("slow")
    await make("slow")
    const directory = openDirectory(env.DB_GLOBAL, new Meter())
    const createdAt = await env.DB_EU.prepare("select created_at from projects where name = 'slow'").first("created_at")
    const assignment = await env.DB_GLOBAL.prepare(
      "select id from role_assignments where subject_id = ? and role_name = 'Admin'",
    )
      .bind(id)
      .first("id")
    const change = { id: z.string().parse(assignment), project: "slow", principalId: id }
    const settle = (time: number) => settleRoleChange(directory, openRegion(), { ...change, createdAt: time })
    await settle(z.number().parse(createdAt))
    expect(await roles()).toHaveLength(2)
    // That of a project which is gone, and whose name is used again, ends.
    await settle(z.number().parse(createdAt) - 1)
    expect(await roles()).toHaveLength(1)
  })

  it("is given by the job when the directory failed after the project was created", async () => {
    const { id, make, roles, token } = await creator("cut off")
    await make("cut")
    await env.DB_GLOBAL.prepare("delete from role_assignments where subject_id = ? and role_name = 'Admin'")
      .bind(id)
      .run()
    await env.DB_EU.prepare("insert into role_changes values (?, 'cut', ?, 0)").bind(crypto.randomUUID(), id).run()
    await runJobs()
    expect(await roles()).toHaveLength(2)
    await ask(`/v3/system-accounts/${id}`, withId, { method: "PATCH", json: { description: "forget" } })
    expect((await env.DB_EU.prepare("select * from role_changes").all()).results).toEqual([])
    expect(token).toBeTruthy()
  })

  it("blocks the name until it has ended: 409, and the job ends it", async () => {
    const { id, make, roles } = await creator("blocked")
    await env.DB_EU.prepare("insert into role_changes values ('end', 'blocked', null, 0)").run()
    const json = { role_name: "Admin", entity_type_name: "Projects", entity_id: "blocked", entity_region: "eu" }
    await ask(`/v3/system-accounts/${id}/assigned-roles`, withId, { json }, 201)
    const refused = await make("blocked")
    expect([refused.status, refused.headers.get("retry-after")]).toEqual([409, "60"])
    await runJobs()
    expect(await roles()).toHaveLength(1)
    expect((await make("blocked")).status).toBe(201)
  })
})
