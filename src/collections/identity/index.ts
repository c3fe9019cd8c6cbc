/** The identity collection. */
import { OpenAPIHono } from "@hono/zod-openapi"
import type { Context } from "hono"
import { utf8Json } from "../../gateway/lenient-json.ts"
import { problemHook } from "../../gateway/validation.ts"
import * as tokens from "./access-tokens/handlers.ts"
import { accountTokens, importToken, userTokens } from "./access-tokens/routes.ts"
import * as roles from "./assigned-roles/handlers.ts"
import { accountRoles, teamRoles, userRoles } from "./assigned-roles/routes.ts"
import { listAuditLogHandler } from "./audit-log/handlers.ts"
import { listAuditLog } from "./audit-log/routes.ts"
import type { IdentityEnv } from "./environment.ts"
import * as me from "./me/handlers.ts"
import * as meRoutes from "./me/routes.ts"
import { getStatusHandler } from "./status/handlers.ts"
import { getStatus } from "./status/routes.ts"
import * as accounts from "./system-accounts/handlers.ts"
import * as accountRoutes from "./system-accounts/routes.ts"
import * as teams from "./teams/handlers.ts"
import * as teamRoutes from "./teams/routes.ts"
import * as users from "./users/handlers.ts"
import * as userRoutes from "./users/routes.ts"

type IdentityApp = OpenAPIHono<IdentityEnv>

/** The whole collection, as the global host serves it. */
export function createIdentityCollection(): IdentityApp {
  const app = createSelfCollection()
  app.use("/v3/*", utf8Json())
  app.openapi(meRoutes.activateMe, me.activateMeHandler)
  app.openapi(meRoutes.inviteUser, me.inviteUserHandler)
  app.openapi(meRoutes.listRoles, me.listRolesHandler)
  app.openapi(userRoutes.listUsers, users.listUsersHandler)
  app.openapi(userRoutes.getUser, users.getUserHandler)
  app.openapi(userRoutes.updateUser, users.updateUserHandler)
  app.openapi(userRoutes.deleteUser, users.deleteUserHandler)
  app.openapi(userRoutes.listUserTeams, users.listUserTeamsHandler)
  app.openapi(teamRoutes.listTeams, teams.listTeamsHandler)
  app.openapi(teamRoutes.createTeam, teams.createTeamHandler)
  app.openapi(teamRoutes.getTeam, teams.getTeamHandler)
  app.openapi(teamRoutes.updateTeam, teams.updateTeamHandler)
  app.openapi(teamRoutes.deleteTeam, teams.deleteTeamHandler)
  app.openapi(teamRoutes.listTeamUsers, teams.listTeamUsersHandler)
  app.openapi(teamRoutes.addTeamUser, teams.addTeamUserHandler)
  app.openapi(teamRoutes.removeTeamUser, teams.removeTeamUserHandler)
  app.openapi(teamRoutes.listTeamAccounts, teams.listTeamAccountsHandler)
  app.openapi(teamRoutes.addTeamAccount, teams.addTeamAccountHandler)
  app.openapi(teamRoutes.removeTeamAccount, teams.removeTeamAccountHandler)
  app.openapi(accountRoutes.listAccounts, accounts.listAccountsHandler)
  app.openapi(accountRoutes.createAccount, accounts.createAccountHandler)
  app.openapi(accountRoutes.getAccount, accounts.getAccountHandler)
  app.openapi(accountRoutes.updateAccount, accounts.updateAccountHandler)
  app.openapi(accountRoutes.deleteAccount, accounts.deleteAccountHandler)
  app.openapi(accountRoutes.listAccountTeams, accounts.listAccountTeamsHandler)
  mountUserTokens(app)
  mountAccountTokens(app)
  mountRoles(app)
  app.openapi(listAuditLog, listAuditLogHandler)
  app.openapi(getStatus, getStatusHandler)
  return app
}

/** What regional hosts serve, too: Konnect's clients ask them who they are. */
export function createSelfCollection(): IdentityApp {
  const app = new OpenAPIHono<IdentityEnv>({ defaultHook: problemHook })
  app.openapi(meRoutes.getOrganization, me.getOrganizationHandler)
  app.openapi(meRoutes.getMe, me.getMeHandler)
  return app
}

/** A user, whose personal tokens these are. */
async function userOwner(c: Context<IdentityEnv>, id: string): Promise<tokens.TokenOwner> {
  await users.existingUser(c.get("directory"), id)
  return { id, prefix: "kpat" }
}

/** A system account, whose tokens these are. */
async function accountOwner(c: Context<IdentityEnv>, id: string): Promise<tokens.TokenOwner> {
  await accounts.existingAccount(c.get("directory"), id)
  return { id, prefix: "spat" }
}

function mountUserTokens(app: IdentityApp): void {
  app.openapi(userTokens.list, async (c) =>
    c.json(await tokens.list(c, await userOwner(c, c.req.valid("param").userId)), 200),
  )
  app.openapi(userTokens.create, async (c) =>
    c.json(await tokens.create(c, await userOwner(c, c.req.valid("param").userId), c.req.valid("json")), 201),
  )
  app.openapi(userTokens.get, async (c) => {
    const { userId, tokenId } = c.req.valid("param")
    return c.json(await tokens.get(c, await userOwner(c, userId), tokenId), 200)
  })
  app.openapi(userTokens.rename, async (c) => {
    const { userId, tokenId } = c.req.valid("param")
    return c.json(await tokens.rename(c, await userOwner(c, userId), tokenId, c.req.valid("json").name), 200)
  })
  app.openapi(userTokens.revoke, async (c) => {
    const { userId, tokenId } = c.req.valid("param")
    return c.json(await tokens.revoke(c, await userOwner(c, userId), tokenId), 200)
  })
  app.openapi(userTokens.rotate, async (c) => {
    const { userId, tokenId } = c.req.valid("param")
    return c.json(await tokens.rotate(c, await userOwner(c, userId), tokenId, c.req.valid("json").grace_seconds), 201)
  })
  app.openapi(userTokens.delete, async (c) => {
    const { userId, tokenId } = c.req.valid("param")
    await tokens.remove(c, await userOwner(c, userId), tokenId)
    return c.body(null, 204)
  })
}

function mountAccountTokens(app: IdentityApp): void {
  app.openapi(accountTokens.list, async (c) =>
    c.json(await tokens.list(c, await accountOwner(c, c.req.valid("param").accountId)), 200),
  )
  app.openapi(accountTokens.create, async (c) =>
    c.json(await tokens.create(c, await accountOwner(c, c.req.valid("param").accountId), c.req.valid("json")), 201),
  )
  app.openapi(importToken, async (c) =>
    c.json(await tokens.importOne(c, await accountOwner(c, c.req.valid("param").accountId), c.req.valid("json")), 201),
  )
  app.openapi(accountTokens.get, async (c) => {
    const { accountId, tokenId } = c.req.valid("param")
    return c.json(await tokens.get(c, await accountOwner(c, accountId), tokenId), 200)
  })
  app.openapi(accountTokens.rename, async (c) => {
    const { accountId, tokenId } = c.req.valid("param")
    return c.json(await tokens.rename(c, await accountOwner(c, accountId), tokenId, c.req.valid("json").name), 200)
  })
  app.openapi(accountTokens.revoke, async (c) => {
    const { accountId, tokenId } = c.req.valid("param")
    return c.json(await tokens.revoke(c, await accountOwner(c, accountId), tokenId), 200)
  })
  app.openapi(accountTokens.rotate, async (c) => {
    const { accountId, tokenId } = c.req.valid("param")
    return c.json(
      await tokens.rotate(c, await accountOwner(c, accountId), tokenId, c.req.valid("json").grace_seconds),
      201,
    )
  })
  app.openapi(accountTokens.delete, async (c) => {
    const { accountId, tokenId } = c.req.valid("param")
    await tokens.remove(c, await accountOwner(c, accountId), tokenId)
    return c.body(null, 204)
  })
}

function mountRoles(app: IdentityApp): void {
  app.openapi(userRoles.list, async (c) => {
    const { id } = await users.existingUser(c.get("directory"), c.req.valid("param").userId)
    return c.json(await roles.list(c, id), 200)
  })
  app.openapi(userRoles.assign, async (c) => {
    const { id } = await users.existingUser(c.get("directory"), c.req.valid("param").userId)
    return c.json(await roles.assign(c, id, c.req.valid("json")), 201)
  })
  app.openapi(userRoles.end, async (c) => {
    const { userId, roleId } = c.req.valid("param")
    await roles.end(c, userId, roleId)
    return c.body(null, 204)
  })
  app.openapi(teamRoles.list, async (c) => {
    const { id } = await teams.existingTeam(c.get("directory"), c.req.valid("param").teamId)
    return c.json(await roles.list(c, id), 200)
  })
  app.openapi(teamRoles.assign, async (c) => {
    const { id } = await teams.existingTeam(c.get("directory"), c.req.valid("param").teamId)
    return c.json(await roles.assign(c, id, c.req.valid("json")), 201)
  })
  app.openapi(teamRoles.end, async (c) => {
    const { teamId, roleId } = c.req.valid("param")
    await roles.end(c, teamId, roleId)
    return c.body(null, 204)
  })
  app.openapi(accountRoles.list, async (c) => {
    const { id } = await accounts.existingAccount(c.get("directory"), c.req.valid("param").accountId)
    return c.json(await roles.list(c, id), 200)
  })
  app.openapi(accountRoles.assign, async (c) => {
    const { id } = await accounts.existingAccount(c.get("directory"), c.req.valid("param").accountId)
    return c.json(await roles.assign(c, id, c.req.valid("json")), 201)
  })
  app.openapi(accountRoles.end, async (c) => {
    const { accountId, roleId } = c.req.valid("param")
    await roles.end(c, accountId, roleId)
    return c.body(null, 204)
  })
}
