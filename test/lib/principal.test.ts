import { describe, expect, it } from "vitest"
import { authorOf } from "../../src/lib/author.ts"
import {
  mayActOn,
  mayActOnAny,
  missingRole,
  missingRoleOnAny,
  type Principal,
  projectReach,
} from "../../src/lib/principal.ts"
import { type Action, roleNames, rolesAllowing } from "../../src/lib/roles.ts"

const actions: Action[] = ["read", "integrate", "contribute", "administer", "create"]

/** What each role allows, written down a second time on purpose. */
const catalogue: Record<string, Action[]> = {
  Viewer: ["read"],
  Integration: ["read", "integrate"],
  Contributor: ["read", "integrate", "contribute"],
  Admin: ["read", "integrate", "contribute", "administer"],
  Creator: ["create"],
  Owner: [],
  viewer: [],
}

function principal(parts: Partial<Principal>): Principal {
  const tokenId = "t"
  return { id: "p", type: "user", name: "P", tokenId, organizationId: "o", systemTeams: [], assignments: [], ...parts }
}

function withRole(roleName: string, entityId: string, entityRegion: string, entityTypeName = "Projects"): Principal {
  return principal({ assignments: [{ roleName, entityTypeName, entityId, entityRegion }] })
}

describe("a role", () => {
  const cases = Object.entries(catalogue).flatMap(([role, allowed]) =>
    actions.map((action) => ({ role, action, may: allowed.includes(action) })),
  )

  it.each(cases)("$role on a project: may $action: $may", ({ role, action, may }) => {
    expect(mayActOn(withRole(role, "p", "eu"), action, "p", "eu")).toBe(may)
    expect(mayActOn(withRole(role, "*", "*"), action, "p", "eu")).toBe(may)
    expect(rolesAllowing(action).includes(role)).toBe(may)
  })

  it.each([
    { entity: "p", region: "us", may: false },
    { entity: "q", region: "eu", may: false },
    { entity: "*", region: "eu", may: true },
    { entity: "p", region: "*", may: true },
    { entity: "*", region: "us", may: false },
    { entity: "P", region: "eu", may: false },
  ])("on $entity in $region opens p in eu: $may", ({ entity, region, may }) => {
    expect(mayActOn(withRole("Admin", entity, region), "contribute", "p", "eu")).toBe(may)
  })

  it("on one project is none on all of them", () => {
    expect(mayActOn(withRole("Admin", "p", "eu"), "read", "*", "eu")).toBe(false)
    expect(mayActOn(withRole("Admin", "*", "eu"), "read", "*", "eu")).toBe(true)
  })

  it("on entities of another type is none on projects", () => {
    expect(mayActOn(withRole("Admin", "*", "*", "Secrets"), "read", "p", "eu")).toBe(false)
  })
})

describe("a role on whichever project", () => {
  it.each([
    [withRole("Integration", "p", "eu"), true],
    [withRole("Admin", "*", "*"), true],
    [withRole("Integration", "p", "us"), false],
    [withRole("Viewer", "*", "*"), false],
    [withRole("Creator", "*", "*"), false],
    [withRole("Admin", "p", "eu", "Secrets"), false],
    [principal({}), false],
    [principal({ systemTeams: ["organization-admin"] }), true],
    [principal({ systemTeams: ["organization-admin-read-only"] }), false],
  ])("lets its holder integrate or not (%#): %s", (holder, may) => {
    expect(mayActOnAny(holder, "integrate", "eu")).toBe(may)
  })

  it("is named where it is missing", () => {
    const sentence = "missing role Integration, Contributor or Admin on at least one project in region 'eu'"
    expect(missingRoleOnAny("integrate", "eu")).toBe(sentence)
  })
})

describe("the reach of a principal", () => {
  it("adds up its roles", () => {
    const one = withRole("Viewer", "a", "eu").assignments
    const two = withRole("Admin", "b", "*").assignments
    const three = withRole("Creator", "c", "eu").assignments
    const all = principal({ assignments: [...one, ...two, ...three] })
    expect(projectReach(all, "read", "eu")).toEqual({ all: false, names: ["a", "b"] })
    expect(projectReach(all, "administer", "us")).toEqual({ all: false, names: ["b"] })
    expect(projectReach(principal({}), "read", "eu")).toEqual({ all: false, names: [] })
  })

  it("is everything for organization-admin", () => {
    const admin = principal({ systemTeams: ["organization-admin"] })
    for (const action of actions) expect(projectReach(admin, action, "eu")).toEqual({ all: true })
  })

  it("is everything for organization-admin-read-only, to read", () => {
    const reader = principal({ systemTeams: ["organization-admin-read-only"] })
    const open = actions.filter((action) => projectReach(reader, action, "eu").all)
    expect(open).toEqual(["read"])
  })

  it("is nothing for any other team", () => {
    expect(projectReach(principal({ systemTeams: ["administrators"] }), "read", "eu")).toEqual({
      all: false,
      names: [],
    })
  })
})

describe("the sentence about a missing role", () => {
  it.each([
    ["read", "p", "missing role Viewer, Integration, Contributor or Admin on project 'p' in region 'eu'"],
    ["contribute", "*", "missing role Contributor or Admin on all projects in region 'eu'"],
    ["administer", "p", "missing role Admin on project 'p' in region 'eu'"],
    ["create", "p", "missing role Creator on project 'p' in region 'eu'"],
  ] as const)("for %s on %s", (action, project, sentence) => {
    expect(missingRole(action, project, "eu")).toBe(sentence)
    expect(sentence).toContain(roleNames(action))
  })
})

it("the author of a commit is the principal, at an address without a mailbox, in whole seconds", () => {
  expect(authorOf(principal({ id: "id", name: "Ann" }), 1_700_000_000_999)).toEqual({
    name: "Ann",
    email: "id@noreply.quarterdeck.invalid",
    time: 1_700_000_000,
  })
})
