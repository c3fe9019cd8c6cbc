/** How teams behave. */
import type { Directory } from "../../../directory/directory.ts"
import { findSystemAccount, listSystemAccounts } from "../../../directory/system-accounts.ts"
import * as directoryTeams from "../../../directory/teams.ts"
import { findUser, listUsers } from "../../../directory/users.ts"
import { ApiError } from "../../../gateway/errors.ts"
import { invalidParameters, pageOf, readListRequest } from "../../../gateway/listing.ts"
import { accountAnswer, teamAnswer, userAnswer } from "../answers.ts"
import { missing, requireEnded } from "../contract.ts"
import { actorOf, type IdentityHandler } from "../environment.ts"
import { accountFields, teamFields, userFields } from "../fields.ts"
import type * as routes from "./routes.ts"

export const listTeamsHandler: IdentityHandler<typeof routes.listTeams> = async (c) => {
  const request = readListRequest(c.req.url, teamFields)
  const { rows, total } = await directoryTeams.listTeams(c.get("directory"), request, null)
  return c.json(pageOf(request, { rows: rows.map(teamAnswer), total }), 200)
}

export const createTeamHandler: IdentityHandler<typeof routes.createTeam> = async (c) => {
  const { name, description = "", labels = {} } = c.req.valid("json")
  const team = await directoryTeams.createTeam(c.get("directory"), actorOf(c), { name, description, labels })
  return c.json(teamAnswer(team), 201)
}

export const getTeamHandler: IdentityHandler<typeof routes.getTeam> = async (c) =>
  c.json(teamAnswer(await existingTeam(c.get("directory"), c.req.valid("param").teamId)), 200)

export const updateTeamHandler: IdentityHandler<typeof routes.updateTeam> = async (c) => {
  const { teamId } = c.req.valid("param")
  const result = await directoryTeams.updateTeam(c.get("directory"), actorOf(c), teamId, c.req.valid("json"))
  if (result.outcome !== "updated") throw notChanged(result.outcome)
  return c.json(teamAnswer(result.team), 200)
}

export const deleteTeamHandler: IdentityHandler<typeof routes.deleteTeam> = async (c) => {
  const { teamId } = c.req.valid("param")
  const outcome = await directoryTeams.deleteTeam(c.get("directory"), actorOf(c), teamId)
  if (outcome !== "deleted") throw notChanged(outcome)
  return c.body(null, 204)
}

export const listTeamUsersHandler: IdentityHandler<typeof routes.listTeamUsers> = async (c) => {
  const directory = c.get("directory")
  const { id } = await existingTeam(directory, c.req.valid("param").teamId)
  const request = readListRequest(c.req.url, userFields)
  const { rows, total } = await listUsers(directory, request, id)
  return c.json(pageOf(request, { rows: rows.map(userAnswer), total }), 200)
}

export const addTeamUserHandler: IdentityHandler<typeof routes.addTeamUser> = async (c) => {
  const directory = c.get("directory")
  const team = await existingTeam(directory, c.req.valid("param").teamId)
  const { id } = c.req.valid("json")
  if ((await findUser(directory, id)) === null) throw missing("user")
  const outcome = await directoryTeams.addTeamMember(directory, actorOf(c), team.id, id)
  if (outcome === "exists") throw alreadyMember("user")
  if (outcome === "missing") throw missing("team or user")
  return c.body(null, 201)
}

export const removeTeamUserHandler: IdentityHandler<typeof routes.removeTeamUser> = async (c) => {
  const { teamId, userId } = c.req.valid("param")
  const directory = c.get("directory")
  const team = await existingTeam(directory, teamId)
  if ((await findUser(directory, userId)) === null) throw missing("user")
  const outcome = await directoryTeams.removeTeamMember(directory, actorOf(c), team.id, userId)
  requireEnded(outcome, "user")
  return c.body(null, 204)
}

export const listTeamAccountsHandler: IdentityHandler<typeof routes.listTeamAccounts> = async (c) => {
  const directory = c.get("directory")
  const { id } = await existingTeam(directory, c.req.valid("param").teamId)
  const request = readListRequest(c.req.url, accountFields)
  const { rows, total } = await listSystemAccounts(directory, request, id)
  return c.json(pageOf(request, { rows: rows.map(accountAnswer), total }), 200)
}

export const addTeamAccountHandler: IdentityHandler<typeof routes.addTeamAccount> = async (c) => {
  const directory = c.get("directory")
  const team = await existingTeam(directory, c.req.valid("param").teamId)
  const { id } = c.req.valid("json")
  if ((await findSystemAccount(directory, id)) === null) throw missing("system account")
  const outcome = await directoryTeams.addTeamMember(directory, actorOf(c), team.id, id)
  if (outcome === "exists") throw alreadyMember("system account")
  if (outcome === "missing") throw missing("team or system account")
  return c.body(null, 201)
}

export const removeTeamAccountHandler: IdentityHandler<typeof routes.removeTeamAccount> = async (c) => {
  const { teamId, accountId } = c.req.valid("param")
  const directory = c.get("directory")
  const team = await existingTeam(directory, teamId)
  if ((await findSystemAccount(directory, accountId)) === null) throw missing("system account")
  const outcome = await directoryTeams.removeTeamMember(directory, actorOf(c), team.id, accountId)
  requireEnded(outcome, "system account")
  return c.body(null, 204)
}

/** The team with this id. Throws 404 when there is none. */
export async function existingTeam(directory: Directory, id: string): Promise<directoryTeams.Team> {
  const team = await directoryTeams.findTeam(directory, id)
  if (team === null) throw missing("team")
  return team
}

function notChanged(outcome: "missing" | "system-team"): ApiError {
  if (outcome === "missing") return missing("team")
  const reason = "system teams cannot be modified"
  return invalidParameters([{ field: "teamId", rule: "invalid", reason, source: "path" }])
}

function alreadyMember(kind: string): ApiError {
  return new ApiError("conflict", `The ${kind} is in the team already`)
}
