/** How users behave. */
import * as directoryUsers from "../../../directory/users.ts"
import type { Directory } from "../../../directory/directory.ts"
import { listTeams } from "../../../directory/teams.ts"
import { pageOf, readListRequest } from "../../../gateway/listing.ts"
import { teamAnswer, userAnswer } from "../answers.ts"
import { lastWayIn, missing } from "../contract.ts"
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
  const directory = c.get("directory")
  const user = await existingUser(directory, c.req.valid("param").userId)
  const { full_name: fullName = user.fullName, preferred_name: preferredName = user.preferredName } =
    c.req.valid("json")
  const updated = await directoryUsers.updateUser(directory, actorOf(c), user, { fullName, preferredName })
  if (updated === null) throw missing("user")
  return c.json(userAnswer(updated), 200)
}

export const deleteUserHandler: IdentityHandler<typeof routes.deleteUser> = async (c) => {
  const directory = c.get("directory")
  const user = await existingUser(directory, c.req.valid("param").userId)
  const outcome = await directoryUsers.deleteUser(directory, actorOf(c), user)
  if (outcome === "last-way-in") throw lastWayIn()
  c.get("rightsChanged")()
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
