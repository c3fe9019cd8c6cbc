/** How a refused credential is answered: the exact bodies and headers, for the service that stands at a path. */
import { expect } from "vitest"

const REALM = 'realm="quarterdeck"'

/** Whether a path is of git's protocol, whose errors are plain text: git shows them to its user. */
export function isGit(path: string): boolean {
  return path.startsWith("/git/")
}

/** Expects a 401 to a request without a credential (`missing`) or with one that is not accepted (`invalid`). */
export async function expectUnauthenticated(
  response: Response,
  path: string,
  credential: "missing" | "invalid",
): Promise<void> {
  const missing = credential === "missing"
  expect(response.status).toBe(401)
  const challenge = `${isGit(path) ? "Basic" : "Bearer"} ${REALM}`
  expect(response.headers.get("www-authenticate")).toBe(missing ? challenge : `${challenge}, error="invalid_token"`)
  const text = await response.text()
  const type = response.headers.get("content-type")
  if (/^\/v[23]\//.test(path)) {
    expect(type).toBe("application/problem+json")
    expect(JSON.parse(text)).toEqual({
      status: 401,
      title: "Unauthenticated",
      instance: `quarterdeck:trace:${response.headers.get("x-request-id")}`,
      detail: "A valid token is required",
      message: "A valid token is required",
    })
  } else if (isGit(path)) {
    expect(type).toBe("text/plain")
    expect(text).toBe("give a valid token as the password, with any user name\n")
  } else if (path.startsWith("/api/v1/")) {
    expect(type).toBe("application/json")
    const message = missing ? "unauthenticated for invalid credentials" : "incorrect api key auth"
    expect(text).toBe(`{"code":401,"message":"${message}"}`)
  } else {
    expect(type).toBe("text/plain")
    expect(text).toBe('{"code":401, "message":"unauthenticated or invalid credentials"}')
  }
}
