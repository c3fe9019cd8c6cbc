/** Secrets as the secret service answers them, and as they are stored. */
import { z } from "zod"
import { send, type TestRequest } from "./client.ts"
import { answer } from "./keptn.ts"
import { query } from "./storage.ts"

export const secretPath = "/api/secrets/v1/secret"

const writtenSchema = z.strictObject({ name: z.string(), scope: z.string(), data: z.record(z.string(), z.string()) })
const listSchema = z.strictObject({
  Secrets: z.array(z.strictObject({ name: z.string(), scope: z.string(), keys: z.array(z.string()) })),
})
const rowSchema = z.object({ sealed: z.string() })

let secretNumber = 0

/** A name that no other test uses. */
export function newName(): string {
  return `secret-${++secretNumber}`
}

/** Sends the body of a secret's creation to `eu`. */
export function postSecret(json: unknown, request: TestRequest = {}): Promise<Response> {
  return send("eu", secretPath, { json, ...request })
}

/** Sends the body of a secret's update to `eu`. */
export function putSecret(json: unknown, request: TestRequest = {}): Promise<Response> {
  return send("eu", secretPath, { method: "PUT", json, ...request })
}

/** Deletes a secret of `eu`; `query` without its question mark. */
export function removeSecret(parameters: string): Promise<Response> {
  return send("eu", `${secretPath}?${parameters}`, { method: "DELETE" })
}

/** Creates a secret in `eu`; answers what came back. */
export async function createSecret(name: string, data: Record<string, string>, scope?: string) {
  return answer(await postSecret({ name, data, ...(scope !== undefined && { scope }) }), writtenSchema, 201)
}

/** Replaces a secret in `eu`; answers what came back. */
export async function updateSecret(name: string, data: Record<string, string>, scope: string) {
  return answer(await putSecret({ name, data, scope }), writtenSchema)
}

/** The secrets of a region; `parameters` without a question mark. */
export async function listSecrets(parameters = "", region = "eu") {
  return (await answer(await send(region, `${secretPath}?${parameters}`), listSchema)).Secrets
}

/** What is stored of a secret's values in `eu`. */
export async function sealedOf(name: string): Promise<string> {
  const [row] = await query(rowSchema, "select sealed from secrets where name = ?", name)
  if (!row) throw new Error(`there is no secret ${name}`)
  return row.sealed
}
