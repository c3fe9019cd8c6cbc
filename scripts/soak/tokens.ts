/** Tokens on the global host, wrong ones, and secrets. */
import { z } from "zod"
import { type Answer, type Ask, check, checkSame, type Client, jsonOf, type Region } from "./client.ts"
import { bytesOf } from "./random.ts"
import { filesPath } from "./files.ts"
import type { Token, Turn, Writer } from "./model.ts"

const ACCOUNTS = "/v3/system-accounts"
const SECRETS = "/api/secrets/v1/secret"
const SCOPE = "keptn-default"
const MOST_TOKENS = 3
const SECRETS_OF_A_WRITER = 2
const VIEWER = { role_name: "Viewer", entity_type_name: "Projects", entity_id: "*", entity_region: "*" }

const made = z.object({ id: z.string(), token: z.string() })
const one = z.object({ id: z.string(), state: z.string() })
const many = z.object({ data: z.array(z.object({ id: z.string(), name: z.string() })) })
const secretList = z.object({ Secrets: z.array(z.object({ name: z.string(), keys: z.array(z.string()) })) })

/** Makes the account of a writer, which may read all projects. */
export async function createAccount(client: Client, name: string): Promise<string> {
  const ask = { kind: "create an account", host: "global", method: "POST" } as const
  const answer = await client.read({ ...ask, path: ACCOUNTS, json: { name } }, 201)
  const { id } = jsonOf(answer, z.object({ id: z.string() }))
  await client.read({ ...ask, path: `${ACCOUNTS}/${id}/assigned-roles`, json: VIEWER }, 201)
  return id
}

/** Creates a token, uses one, revokes one or deletes one. */
export async function handleTokens(turn: Turn): Promise<void> {
  const { random, writer } = turn
  const token = random.pick(writer.tokens)
  if (token === undefined || (writer.tokens.length < MOST_TOKENS && random.chance(0.3))) return createToken(turn)
  const choice = random.next()
  if (choice < 0.5) return useToken(turn, token)
  if (choice < 0.8 && token.isAlive) return revokeToken(turn, token)
  return deleteToken(turn, token)
}

/** Sends tokens that nobody made. After a number of attempts they are refused more shortly. */
export async function sendWrongToken({ client, project, random, writer }: Turn): Promise<void> {
  const text = bytesOf({ name: writer.serial(), size: 24 }).toString("hex")
  const token = random.chance(0.5) ? `kpat_${text.slice(0, 36)}` : text
  await refused(client, { kind: "a wrong token", host: project.region, path: "/api/v1/metadata", token })
}

/** Creates, replaces, deletes or lists secrets. */
export async function handleSecrets(turn: Turn): Promise<void> {
  const { random, writer } = turn
  const name = `soak-${writer.index}-${random.below(SECRETS_OF_A_WRITER)}`
  const known = writer.secrets.get(secretKey(turn.project.region, name))
  const choice = random.next()
  if (known !== undefined && choice < 0.3) return checkSecret(turn.client, turn.project.region, name, known)
  if (known !== undefined && choice < 0.6) return deleteSecret(turn, name, known)
  return writeSecret(turn, name, known)
}

/** Fails unless a writer's tokens and secrets are as they were acknowledged. */
export async function verifyWriter(client: Client, writer: Writer): Promise<void> {
  for (const token of writer.tokens) await checkToken(client, token)
  for (const region of ["eu", "us"] as const) {
    for (let number = 0; number < SECRETS_OF_A_WRITER; number++) {
      const name = `soak-${writer.index}-${number}`
      await checkSecret(client, region, name, writer.secrets.get(secretKey(region, name)))
    }
  }
}

async function createToken({ client, writer }: Turn): Promise<void> {
  const [name, path] = [writer.serial(), tokensOf(writer)]
  const json = { name, ttl_seconds: 86_400 }
  const answer = await client.change({ kind: "create a token", host: "global", method: "POST", path, json }, 201)
  if (answer !== null) {
    const { id, token } = jsonOf(answer, made)
    writer.tokens.push({ id, text: token, isAlive: true })
    return
  }
  // Nobody ever saw the text of that token: what there may be of it is removed.
  const list = await client.read({ kind: "list tokens", host: "global", path: `${path}?page[size]=1000` }, 200)
  const lost = jsonOf(list, many).data.find((token) => token.name === name)
  if (lost) await removeForGood(client, `${path}/${lost.id}`)
}

/** A token that is alive reads what its role lets it, and writes nothing. */
async function useToken({ client, project }: Turn, token: Token): Promise<void> {
  await checkToken(client, token)
  if (!token.isAlive) return
  const json = { resources: [{ resourceURI: "refused.txt", resourceContent: "" }] }
  const path = filesPath(project, "")
  const ask = { kind: "a right that is missing", host: project.region, method: "POST", path, json }
  await client.change({ ...ask, token: token.text }, 403)
}

async function revokeToken({ client, writer }: Turn, token: Token): Promise<void> {
  const path = `${tokensOf(writer)}/${token.id}`
  const ask = { kind: "revoke a token", host: "global", method: "PATCH", path: `${path}/revoke` } as const
  const answer = await client.change(ask, 200)
  token.isAlive = answer === null && (await stateOf(client, path)) === "ACTIVE"
  await checkToken(client, token)
}

async function deleteToken({ client, writer }: Turn, token: Token): Promise<void> {
  await removeForGood(client, `${tokensOf(writer)}/${token.id}`)
  writer.tokens = writer.tokens.filter((other) => other !== token)
  await refused(client, { kind: "a token that ended", host: "eu", path: "/api/v1/metadata", token: token.text })
}

async function removeForGood(client: Client, path: string): Promise<void> {
  const ask = { kind: "delete a token", host: "global", method: "DELETE", path } as const
  let wasLost = false
  for (;;) {
    const answer = await client.change(ask, 204, ...(wasLost ? [404] : []))
    if (answer !== null) return
    wasLost = true
  }
}

async function checkToken(client: Client, token: Token): Promise<void> {
  const ask = { host: "eu", path: "/api/v1/metadata", token: token.text } as const
  if (token.isAlive) await client.read({ ...ask, kind: "use a token" }, 200)
  else await refused(client, { ...ask, kind: "a token that ended" })
}

async function refused(client: Client, ask: Ask): Promise<void> {
  const answer = await client.read(ask, 401, 429)
  if (answer.status === 429) check(answer.headers["retry-after"] !== undefined, answer.what)
}

async function stateOf(client: Client, path: string): Promise<string> {
  return jsonOf(await client.read({ kind: "read a token", host: "global", path }, 200), one).state
}

/** What is stored of a secret can be told by the name of its key. */
async function writeSecret(turn: Turn, name: string, known: string | undefined): Promise<void> {
  const { client, project, writer } = turn
  const key = writer.serial()
  const json = { name, scope: SCOPE, data: { [key]: bytesOf({ name: key, size: 40 }).toString("hex") } }
  const isNew = known === undefined
  const kind = isNew ? "create a secret" : "replace a secret"
  const ask = { kind, host: project.region, method: isNew ? "POST" : "PUT", path: SECRETS, json }
  const answer = await client.change(ask, isNew ? 201 : 200)
  await noteSecret(turn, { name, before: known, after: key }, answer)
}

async function deleteSecret(turn: Turn, name: string, known: string): Promise<void> {
  const path = `${SECRETS}?name=${name}&scope=${SCOPE}`
  const ask = { kind: "delete a secret", host: turn.project.region, method: "DELETE", path }
  await noteSecret(turn, { name, before: known, after: undefined }, await turn.client.change(ask, 200))
}

async function noteSecret(
  { client, project, writer }: Turn,
  { name, before, after }: { name: string; before: string | undefined; after: string | undefined },
  answer: Answer | null,
): Promise<void> {
  const found = answer === null ? await readSecret(client, project.region, name) : after
  check(found === before || found === after, `secret ${name}: neither what was there nor what was written`)
  const key = secretKey(project.region, name)
  if (found === undefined) writer.secrets.delete(key)
  else writer.secrets.set(key, found)
}

async function checkSecret(client: Client, region: Region, name: string, known: string | undefined): Promise<void> {
  checkSame(await readSecret(client, region, name), known, `the key of secret ${name} in ${region}`)
}

async function readSecret(client: Client, region: Region, name: string): Promise<string | undefined> {
  const answer = await client.read({ kind: "list secrets", host: region, path: `${SECRETS}?name=${name}` }, 200)
  const keys = jsonOf(answer, secretList).Secrets.flatMap((secret) => secret.keys)
  check(keys.length <= 1, `${answer.what}: keys of several versions`)
  return keys[0]
}

function tokensOf({ account }: Writer): string {
  return `${ACCOUNTS}/${account}/access-tokens`
}

function secretKey(region: Region, name: string): string {
  return `${region} ${name}`
}
