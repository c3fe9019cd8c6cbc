/** How the secret service behaves. */
import { ApiError } from "../../gateway/errors.ts"
import * as secrets from "../../partition/secrets.ts"
import type { RegionalHandler } from "../regional.ts"
import type * as routes from "./routes.ts"
import { scopeProblem, SCOPES, secretProblem } from "../../lib/secret-rules.ts"

/** What Keptn's texts about a failure begin with. */
const UNABLE = {
  create: "Unable to create secret: ",
  update: "Unable to update secret: ",
  delete: "Unable to delete secret: ",
} as const

export const listSecrets: RegionalHandler<typeof routes.listSecrets> = async (c) => {
  const { name, scope } = c.req.valid("query")
  return c.json({ Secrets: await secrets.findSecrets(c.get("partition"), { name, scope }) }, 200)
}

export const createSecret: RegionalHandler<typeof routes.createSecret> = async (c) => {
  const secret = c.req.valid("json")
  requireSound(secret, "create")
  const outcome = await secrets.createSecret(c.get("partition"), c.get("seal"), secret)
  if (outcome === "exists") throw new ApiError("conflict", `${UNABLE.create}secret already exists`)
  return c.json(secret, 201)
}

export const updateSecret: RegionalHandler<typeof routes.updateSecret> = async (c) => {
  const secret = c.req.valid("json")
  requireSound(secret, "update")
  const outcome = await secrets.updateSecret(c.get("partition"), c.get("seal"), secret)
  if (outcome === "missing") throw new ApiError("not_found", `${UNABLE.update}secret not found`)
  return c.json(secret, 200)
}

export const deleteSecret: RegionalHandler<typeof routes.deleteSecret> = async (c) => {
  const { name, scope } = c.req.valid("query")
  const problem = scopeProblem(name, scope)
  if (problem !== null) throw new ApiError("invalid_request", UNABLE.delete + problem)
  const outcome = await secrets.deleteSecret(c.get("partition"), name, scope)
  if (outcome === "missing") throw new ApiError("not_found", `${UNABLE.delete}secret not found`)
  return c.body(null, 200)
}

export const listScopes: RegionalHandler<typeof routes.listScopes> = (c) => c.json({ scopes: [...SCOPES] }, 200)

/** Throws what is wrong with a secret that somebody wants stored. */
function requireSound({ name, scope, data }: secrets.NewSecret, verb: "create" | "update"): void {
  const problem = secretProblem(name, scope, data)
  if (problem === null) return
  throw new ApiError(problem.tooLarge ? "payload_too_large" : "invalid_request", UNABLE[verb] + problem.text)
}
