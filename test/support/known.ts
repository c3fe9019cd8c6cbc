/** Tokens that the isolate has just got to know. */
import { send } from "./client.ts"
import { tokenWith, type TestRole } from "./people.ts"

/**
 * The token of a new user with these roles, or with Admin on everything. The isolate remembers it from now on for some seconds:
 * what is measured within them is not mixed with a look-up. A token that was known before may be forgotten at any moment.
 */
export async function knownToken(...roles: TestRole[]): Promise<string> {
  const token = await tokenWith(...(roles.length > 0 ? roles : [{ roleName: "Admin", entityRegion: "*" }]))
  const response = await send("eu", "/api/v1/auth", { token })
  if (response.status !== 200) throw new Error(`${response.status} for a new token`)
  return token
}
