/** How system accounts behave. */
import type { Directory } from "../../../directory/directory.ts"
import * as accounts from "../../../directory/system-accounts.ts"
import { listTeams } from "../../../directory/teams.ts"
import { pageOf, readListRequest } from "../../../gateway/listing.ts"
import { accountAnswer, teamAnswer } from "../answers.ts"
import { missing, nameTaken, requireEnded } from "../contract.ts"
import { actorOf, type IdentityHandler } from "../environment.ts"
import { accountFields, teamFields } from "../fields.ts"
import type * as routes from "./routes.ts"

export const listAccountsHandler: IdentityHandler<typeof routes.listAccounts> = async (c) => {
  const request = readListRequest(c.req.url, accountFields)
  const { rows, total } = await accounts.listSystemAccounts(c.get("directory"), request, null)
  return c.json(pageOf(request, { rows: rows.map(accountAnswer), total }), 200)
}

export const createAccountHandler: IdentityHandler<typeof routes.createAccount> = async (c) => {
  const { name, description = "", konnect_managed: konnectManaged = false } = c.req.valid("json")
  const wanted = { name, description, konnectManaged }
  const result = await accounts.createSystemAccount(c.get("directory"), actorOf(c), wanted)
  if (result.outcome === "name-taken") throw nameTaken("system account", name)
  return c.json(accountAnswer(result.account), 201)
}

export const getAccountHandler: IdentityHandler<typeof routes.getAccount> = async (c) =>
  c.json(accountAnswer(await existingAccount(c.get("directory"), c.req.valid("param").accountId)), 200)

export const updateAccountHandler: IdentityHandler<typeof routes.updateAccount> = async (c) => {
  const wanted = c.req.valid("json")
  const { accountId } = c.req.valid("param")
  const result = await accounts.updateSystemAccount(c.get("directory"), actorOf(c), accountId, wanted)
  if (result.outcome !== "updated") {
    throw result.outcome === "missing" ? missing("system account") : nameTaken("system account", wanted.name ?? "")
  }
  return c.json(accountAnswer(result.account), 200)
}

export const deleteAccountHandler: IdentityHandler<typeof routes.deleteAccount> = async (c) => {
  const { accountId } = c.req.valid("param")
  requireEnded(await accounts.deleteSystemAccount(c.get("directory"), actorOf(c), accountId), "system account")
  return c.body(null, 204)
}

export const listAccountTeamsHandler: IdentityHandler<typeof routes.listAccountTeams> = async (c) => {
  const directory = c.get("directory")
  const { id } = await existingAccount(directory, c.req.valid("param").accountId)
  const request = readListRequest(c.req.url, teamFields)
  const { rows, total } = await listTeams(directory, request, id)
  return c.json(pageOf(request, { rows: rows.map(teamAnswer), total }), 200)
}

/** The account with this id. Throws 404 when there is none. */
export async function existingAccount(directory: Directory, id: string): Promise<accounts.SystemAccount> {
  const account = await accounts.findSystemAccount(directory, id)
  if (account === null) throw missing("system account")
  return account
}
