/** How users behave. */
import * as directoryUsers from "../../../directory/users.ts"
import type { Directory } from "../../../directory/directory.ts"
import { listTeams } from "../../../directory/teams.ts"
import { pageOf, readListRequest } from "../../../gateway/listing.ts"
import { teamAnswer, userAnswer } from "../answers.ts"
import { missing, requireEnded } from "../contract.ts"
import { actorOf, type IdentityHandler } from "../environment.ts"
import { teamFields, userFields } from "../fields.ts"
import type * as routes from "./routes.ts"

export const listUsersHandler: IdentityHandler<typeof routes.listUsers> = async (c) => {
  const request = readListRequest(c.req.url, userFields)
  const { rows, total } = await directoryUsers.listUsers(c.get("directory"), request, null)
  return c.json(pageOf(request, { rows: rows.map(userAnswer), total }), 200)
}

export const getUserHandler: IdentityHandler<typeof routes.getUser> = async (c) =>
  c.json(userAnswer(await existingUser(c.get("directory"), c.req.valid("param").userId)), 200)

export const updateUserHandler: IdentityHandler<typeof routes.updateUser> = async (c) => {
  const { full_name: fullName, preferred_name: preferredName } = c.req.valid("json")
  const { userId } = c.req.valid("param")
  const wanted = { fullName, preferredName }
  const user = await directoryUsers.updateUser(c.get("directory"), actorOf(c), userId, wanted)
  if (user === null) throw missing("user")
  return c.json(userAnswer(user), 200)
}

export const deleteUserHandler: IdentityHandler<typeof routes.deleteUser> = async (c) => {
  const { userId } = c.req.valid("param")
  requireEnded(await directoryUsers.deleteUser(c.get("directory"), actorOf(c), userId), "user")
  return c.body(null, 204)
}

export const listUserTeamsHandler: IdentityHandler<typeof routes.listUserTeams> = async (c) => {
  const directory = c.get("directory")
  const { id } = await existingUser(directory, c.req.valid("param").userId)
  const request = readListRequest(c.req.url, teamFields)
  const { rows, total } = await listTeams(directory, request, id)
  return c.json(pageOf(request, { rows: rows.map(teamAnswer), total }), 200)
}

/** The user with this id. Throws 404 when there is none. */
export async function existingUser(directory: Directory, id: string): Promise<directoryUsers.User> {
  const user = await directoryUsers.findUser(directory, id)
  if (user === null) throw missing("user")
  return user
}
