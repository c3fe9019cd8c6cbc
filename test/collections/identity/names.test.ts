/** One rule for the names of people's things, wherever one is given. */
import { describe, expect, it } from "vitest"
import { z } from "zod"
import { clientAt } from "../../support/address.ts"
import { send } from "../../support/client.ts"
import { ask, create, newAccount, withId } from "../../support/identity.ts"
import { createUser, issueToken } from "../../support/people.ts"

const invitation = z.object({ activation_token: z.string() })

/** Something that takes a name: how it is called, and how one is given. The `named` member is that of the answer. */
interface Place {
  place: string
  field: string
  give: (name: string) => Promise<Response>
}

const places: Place[] = [
  {
    place: "a user that is changed",
    field: "full_name",
    give: async (name) => patch(`/v3/users/${await createUser()}`, { full_name: name }),
  },
  {
    place: "a user that is changed",
    field: "preferred_name",
    give: async (name) => patch(`/v3/users/${await createUser()}`, { preferred_name: name }),
  },
  {
    place: "a user that accepts an invitation",
    field: "full_name",
    give: async (name) => {
      const json = { email: `${crypto.randomUUID()}@example.com` }
      const { activation_token: token } = await ask("/v3/invites", invitation, { json }, 201)
      return send("global", "/v3/users/me/activate", { token, json: { full_name: name }, headers: clientAt() })
    },
  },
  { place: "a team", field: "name", give: (name) => post("/v3/teams", { name }) },
  {
    place: "a team that is changed",
    field: "name",
    give: async (name) => patch(`/v3/teams/${await create("/v3/teams", { name: "t" })}`, { name }),
  },
  { place: "a system account", field: "name", give: (name) => post("/v3/system-accounts", { name }) },
  {
    place: "a system account that is changed",
    field: "name",
    give: async (name) => patch(`/v3/system-accounts/${await newName()}`, { name }),
  },
  {
    place: "a token",
    field: "name",
    give: async (name) => post(`/v3/system-accounts/${await newName()}/access-tokens`, { name, ttl_seconds: 60 }),
  },
  {
    place: "a personal token",
    field: "name",
    give: async (name) => {
      const user = await createUser()
      const token = await issueToken(user)
      return send("global", `/v3/users/${user}/access-tokens`, { token, json: { name, ttl_seconds: 60 } })
    },
  },
  {
    place: "a token that is imported",
    field: "name",
    give: async (name) =>
      post(`/v3/system-accounts/${await newName()}/access-tokens/import`, {
        name,
        token: `imported-${crypto.randomUUID()}`,
        ttl_seconds: 60,
      }),
  },
  {
    place: "a token that is renamed",
    field: "name",
    give: async (name) => {
      const { id, tokenId } = await newAccount(crypto.randomUUID())
      return patch(`/v3/system-accounts/${id}/access-tokens/${tokenId}`, { name })
    },
  },
  {
    place: "a role that names a project",
    field: "entity_id",
    give: async (name) => {
      const role = { role_name: "Viewer", entity_type_name: "Projects", entity_id: name, entity_region: "eu" }
      return post(`/v3/system-accounts/${await newName()}/assigned-roles`, role)
    },
  },
]

const describedAt = (path: string, description: string) => post(path, { name: crypto.randomUUID(), description })
const post = (path: string, json: unknown) => send("global", path, { json })
const patch = (path: string, json: unknown) => send("global", path, { method: "PATCH", json })
const newName = () => create("/v3/system-accounts", { name: crypto.randomUUID() })

describe.each(places)("$field of $place", ({ field, give }) => {
  it.each([
    ["", "min_length"],
    [" ", "min_length"],
    ["\t\n\u3000", "min_length"],
    ["\u0000", "invalid"],
    ["a\nb", "invalid"],
    ["a\u202eb", "invalid"],
    ["a\u200bb", "invalid"],
    ["\ud800", "invalid"],
  ])("%j is refused: 400", async (name, rule) => {
    const response = await give(name)
    expect(response.status).toBe(400)
    const problem = z.object({ invalid_parameters: z.array(z.object({ field: z.string(), rule: z.string() })) })
    const { invalid_parameters: wrong } = problem.parse(await response.json())
    expect(wrong).toMatchObject([{ field, rule }])
  })

  it("is trimmed", async () => {
    const name = `Grace ${crypto.randomUUID()}`
    const response = await give(` \t${name}\u00a0\n`)
    expect([200, 201]).toContain(response.status)
    expect(withId.parse(await response.json())[field]).toBe(name)
  })
})

describe.each(["/v3/teams", "/v3/system-accounts"])("a description at %s", (path) => {
  it("may be empty and have lines, is trimmed, and hides nothing: 400", async () => {
    for (const hidden of ["a\u0000b", "a\u202eb", "\u200b", "a\u0007", "\udc00"]) {
      expect((await describedAt(path, hidden)).status).toBe(400)
    }
    const response = await describedAt(path, "  Builds carts.\n\tAnd ships them. ")
    expect(response.status).toBe(201)
    expect(withId.parse(await response.json())["description"]).toBe("Builds carts.\n\tAnd ships them.")
    expect((await describedAt(path, "")).status).toBe(201)
  })
})
