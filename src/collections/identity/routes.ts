/** The contract of the identity API: what a caller can learn of itself. */
import { createRoute } from "@hono/zod-openapi"
import { requires } from "../../gateway/authorize.ts"
import { problems } from "../../gateway/responses.ts"
import { organizationSchema, userSchema } from "./schemas.ts"

/** `/v3` is the API; `/v2` is the same under its old name. */
export type IdentityBase = "/v2" | "/v3"

/** The caller's organization. */
export function getOrganization(base: IdentityBase) {
  return createRoute({
    ...requires({ on: "token" }),
    method: "get",
    path: `${base}/organizations/me`,
    operationId: "getOrganization",
    tags: ["me"],
    summary: "Get the caller's organization",
    responses: {
      200: { description: "The organization", content: { "application/json": { schema: organizationSchema } } },
      ...problems("not_found"),
    },
  })
}

/** The caller itself. */
export function getMe(base: IdentityBase) {
  return createRoute({
    ...requires({ on: "token" }),
    method: "get",
    path: `${base}/users/me`,
    operationId: "getMe",
    tags: ["me"],
    summary: "Get the caller's user",
    description: "A system account is no user: its tokens are answered 404.",
    responses: {
      200: { description: "The user", content: { "application/json": { schema: userSchema } } },
      ...problems("not_found"),
    },
  })
}
