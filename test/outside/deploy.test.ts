/** `npm run deploy` on an account that is played, with hosts that are played, and with those of a running edge. */
import { once } from "node:events"
import { createServer } from "node:http"
import https from "node:https"
import { type AddressInfo, connect, type Socket } from "node:net"
import { afterEach, beforeEach, expect, inject, test } from "vitest"
import { type DeployOptions, readDeployOptions } from "../../scripts/deploy/options.ts"
import { deploy } from "../../scripts/deploy/run.ts"
import { DEFAULTS, isRight, probesOf, type SmokeSettings, smokeTest, tableOf } from "../../scripts/deploy/smoke.ts"
import { StartError } from "../../scripts/start/settings.ts"
import { EU_AND_US, failureOf, Operator } from "./operator.ts"
import { forgetCalls, readAccount, readCalls, writeAccount } from "./wrangler-stand-in.ts"

/** Leads every connection to a port of this machine, without TLS. */
class LocalAgent extends https.Agent {
  readonly #port: number

  constructor(port: number) {
    super()
    this.#port = port
  }

  override createConnection(): Socket {
    return connect(this.#port, "127.0.0.1")
  }
}

const SMOKE = { ...DEFAULTS, unreachableMs: 300, wrongMs: 300, pauseMs: 20 }
const MIGRATIONS = ["global", "eu", "us"].map(
  (name) => `d1 migrations apply quarterdeck-${name} --remote --config wrangler.toml`,
)

/** What the played hosts were asked, and what they say in the place of what is right. */
let asked: { address: string; override: string | undefined }[]
let wrong: Map<string, number[]>
let smoke: SmokeSettings
let server: ReturnType<typeof createServer>

beforeEach(async () => {
  asked = []
  wrong = new Map()
  const right = new Map(probesOf("api.example.com", ["eu", "us"]).map((probe) => [`${probe.host}${probe.path}`, probe]))
  server = createServer((request, response) => {
    const address = `${request.headers.host}${request.url}`
    const override = request.headers["cloudflare-workers-version-overrides"]
    asked.push({ address, override: typeof override === "string" ? override : undefined })
    response.writeHead(wrong.get(address)?.shift() ?? right.get(address)?.expected ?? 404).end("body")
  })
  server.listen(0, "127.0.0.1")
  await once(server, "listening")
  smoke = { ...SMOKE, agent: new LocalAgent(portOf(server.address())) }
})

afterEach(() => void server.close())

function portOf(address: AddressInfo | string | null): number {
  if (address === null || typeof address === "string") throw new Error("no port")
  return address.port
}

/** A deployment that has been provisioned, whose calls are forgotten. */
async function provisioned(): Promise<Operator> {
  const operator = new Operator()
  await operator.provision(EU_AND_US)
  forgetCalls(operator.account)
  return operator
}

/** Runs `npm run deploy` in this process. Answers its lines, also those before a failure. */
async function run(operator: Operator, args: readonly string[], check = async (): Promise<void> => {}) {
  const options = optionsOf([...args, "--config", operator.config])
  const lines: string[] = []
  const print = (line: string): void => void lines.push(line)
  const failure = await deploy(options, { wrangler: operator.wrangler, check, smoke, print }).then(
    () => null,
    messageOf,
  )
  return { lines, failure }
}

function optionsOf(args: readonly string[]): DeployOptions {
  const options = readDeployOptions(args)
  if (options === null) throw new Error("no options")
  return options
}

function messageOf(error: unknown): string {
  if (error instanceof StartError) return error.message
  throw error
}

/** The calls but for those that only look. */
function changes(operator: Operator): string[] {
  const lines = readCalls(operator.account).map(({ args }) => args.join(" "))
  return lines.filter((line) => !/^(secret list|deployments status|versions list) /.test(line))
}

function serving(operator: Operator): { version_id: string; percentage: number }[] {
  return readAccount(operator.account).worker?.serving ?? []
}

test("checks, migrates every database, deploys and looks, in this order", async () => {
  const operator = await provisioned()
  let before: string[] | null = null
  const [old] = serving(operator)
  const { lines, failure } = await run(operator, [], async () => void (before = changes(operator)))
  expect([failure, before]).toEqual([null, []])
  expect(changes(operator)).toEqual([...MIGRATIONS, "deploy --config wrangler.toml"])
  expect(lines).toEqual(
    [
      "check   npm run check, npm run check:bundle",
      "migrate quarterdeck-global",
      "migrate quarterdeck-eu",
      "migrate quarterdeck-us",
      "deploy  the new version, to all requests",
      "look    global.api.example.com, eu.api.example.com, us.api.example.com",
      "    address                                               expected  seen",
      "ok  https://global.api.example.com/health                 200       200",
      "ok  https://global.api.example.com/v3/users               401       401",
      "ok  https://eu.api.example.com/health                     200       200",
      "ok  https://eu.api.example.com/api                        200       200",
      "ok  https://eu.api.example.com/api/controlPlane/v1/project  401       401",
      "ok  https://us.api.example.com/health                     200       200",
      "ok  https://us.api.example.com/api                        200       200",
      "ok  https://us.api.example.com/api/controlPlane/v1/project  401       401",
      `Deployed.\nTo take it back: npx wrangler rollback ${old?.version_id} --yes --config ${operator.config}`,
    ].map((line) => expect.toSatisfy((seen: string) => squeezed(seen) === squeezed(line))),
  )
})

async function failingCheck(): Promise<void> {
  throw new StartError("npm run check failed.")
}

async function uncalled(): Promise<void> {
  throw new Error("must not be called")
}

function squeezed(line: string): string {
  return line.replaceAll(/ +/g, " ")
}

test("deploys nothing when a check fails, or a migration", async () => {
  const operator = await provisioned()
  expect((await run(operator, [], failingCheck)).failure).toBe("npm run check failed.\nNothing was deployed.")
  expect(changes(operator)).toEqual([])
  // It looks for secrets, then for what serves, then migrates.
  const account = readAccount(operator.account)
  writeAccount(operator.account, { ...account, failure: { call: account.calls + 4, when: "before" } })
  expect((await run(operator, [])).failure).toBe(
    "wrangler d1 migrations apply quarterdeck-eu failed: The network went away.\nNothing was deployed.",
  )
  expect(changes(operator)).toEqual(MIGRATIONS.slice(0, 2))
  expect(asked).toEqual([])
})

test("rolls out gradually: a share, a larger one, and all, with the triggers", async () => {
  const operator = await provisioned()
  const [old] = serving(operator)
  const first = await run(operator, ["--gradual", "10"])
  const [added] = serving(operator)
  expect(serving(operator)).toEqual([
    { version_id: added?.version_id, percentage: 10 },
    { version_id: old?.version_id, percentage: 90 },
  ])
  const share = `versions deploy ${added?.version_id}@10 ${old?.version_id}@90 --yes --config wrangler.toml`
  expect(changes(operator)).toEqual([...MIGRATIONS, "versions upload --config wrangler.toml", share])
  const back = `To take it back: npx wrangler versions deploy ${old?.version_id}@100 --yes --config ${operator.config}`
  expect(first.lines.at(-1)).toBe(
    `Deployed to 10% of requests.\nTo go on: npm run deploy -- --gradual 100 --config ${operator.config}\n${back}`,
  )
  // The new version must have answered.
  expect(new Set(asked.map(({ override }) => override))).toEqual(new Set([`quarterdeck="${added?.version_id}"`]))

  forgetCalls(operator.account)
  await run(operator, ["--gradual", "50"])
  expect(changes(operator)).toEqual([share.replace("@10 ", "@50 ").replace("@90", "@50")])
  forgetCalls(operator.account)
  asked = []
  const last = await run(operator, ["--gradual", "100"])
  expect(changes(operator)).toEqual([
    `versions deploy ${added?.version_id}@100 --yes --config wrangler.toml`,
    "triggers deploy --config wrangler.toml",
  ])
  expect([last.lines.at(-1), asked[0]?.override]).toEqual([`Deployed.\n${back}`, undefined])
  expect((await run(operator, ["--gradual", "100"])).failure).toBe(
    "There is no rollout under way. Deploy without --gradual.",
  )
})

test("does not roll out gradually what was never deployed", async () => {
  const operator = await provisioned()
  writeAccount(operator.account, { ...readAccount(operator.account), worker: null })
  expect((await run(operator, ["--gradual", "10"])).failure).toBe(
    "Nothing is deployed yet that could keep a share: leave out --gradual.",
  )
  expect((await run(operator, [])).lines.at(-1)).toBe("Deployed.")
})

test("changes nothing with --dry-run", async () => {
  const operator = await provisioned()
  for (const args of [[], ["--gradual", "10"]]) {
    const { lines, failure } = await run(operator, [...args, "--dry-run"], uncalled)
    expect([failure, lines.length, lines.at(-1)]).toEqual([null, 7, "Nothing was changed: --dry-run."])
  }
  expect([changes(operator), asked]).toEqual([[], []])
})

test("fails when a host answers wrongly, shows it, and says how to take the deployment back", async () => {
  const operator = await provisioned()
  const [old] = serving(operator)
  wrong.set(
    "eu.api.example.com/health",
    Array.from({ length: 1000 }, () => 503),
  )
  const { lines, failure } = await run(operator, [])
  expect(failure).toBe(
    `The deployment does not answer as it should.\nTo take it back: npx wrangler rollback ${old?.version_id} --yes --config ${operator.config}`,
  )
  const rows = lines.filter((line) => line.startsWith("WRONG"))
  expect(rows.map(squeezed)).toEqual(["WRONG https://eu.api.example.com/health 200 503"])
  const [share] = serving(operator)
  expect(share?.version_id).not.toBe(old?.version_id)
})

test("asks again what was wrong, and only that", async () => {
  const operator = await provisioned()
  wrong.set("us.api.example.com/api", [522, 500])
  const { failure, lines } = await run(operator, [])
  expect(failure).toBe(null)
  expect(lines.filter((line) => line.includes("not yet"))).toEqual([
    "        not yet: us.api.example.com/api (522). Asking again, for 1 s at most.",
  ])
  const times = Map.groupBy(asked, ({ address }) => address)
  expect([...times].map(([address, list]) => [address, list.length]).filter(([, count]) => count !== 1)).toEqual([
    ["us.api.example.com/api", 3],
  ])
})

test("says why a host could not be reached", async () => {
  server.close()
  const seen = await smokeTest(probesOf("api.example.com", ["eu"]).slice(0, 1), smoke)
  expect(seen).toEqual([{ host: "global.api.example.com", path: "/health", expected: 200, seen: "ECONNREFUSED" }])
})

test("finds nothing wrong with a real edge", async () => {
  const agent = new LocalAgent(inject("edge").port)
  const seen = await smokeTest(probesOf("api.localhost", ["eu", "us"]), { ...SMOKE, agent })
  expect(
    seen.filter((one) => !isRight(one)),
    tableOf(seen).join("\n"),
  ).toEqual([])
})

test.each<[string, (text: string) => string, RegExp]>([
  [
    "placeholders",
    (text) => text.replace(/(DB_EU"\n.*\n)database_id = ".*"/, '$1database_id = "00000000-0"'),
    /DB_EU has no id$/m,
  ],
  [
    "a default region",
    (text) => text.replace('DEFAULT_REGION = ""', 'DEFAULT_REGION = "eu"'),
    /DEFAULT_REGION must be empty/,
  ],
  ["a missing host", (text) => text.replace(/.*"us\.api.*\n/, ""), /routes lack us\.api\.example\.com$/m],
  [
    "a local domain",
    (text) => text.replace('"api.example.com"', '"api.localhost"'),
    /API_DOMAIN is still api\.localhost$/m,
  ],
  ["a missing binding", (text) => text.replace("BLOBS_US", "BLOB_US"), /BLOBS_US must be a R2 bucket binding/],
  [
    "a wrong setting",
    (text) => text.replace('TOKEN_CACHE_SECONDS = "5"', 'TOKEN_CACHE_SECONDS = "x"'),
    /TOKEN_CACHE_SECONDS must be/,
  ],
  [
    "an upstream without its secret",
    (text) =>
      text.replace(
        "[triggers]",
        '[[vars.UPSTREAMS_US]]\ncollection = "statistics-service"\norigin = "https://keptn.example.com"\ncredential = { header = "x-token", secret = "KEPTN_TOKEN" }\n\n[triggers]',
      ),
    /needs the secret KEPTN_TOKEN/,
  ],
])("refuses a wrangler.toml with %s before anything is done", async (_, edit, message) => {
  const operator = await provisioned()
  operator.text = edit(operator.text)
  const { failure, lines } = await run(operator, [], uncalled)
  expect(failure).toMatch(message)
  expect([lines, changes(operator)]).toEqual([[], []])
})

test("knows the secrets that a Worker has", async () => {
  const operator = await provisioned()
  const account = readAccount(operator.account)
  const upstream =
    '[[vars.UPSTREAMS_US]]\ncollection = "statistics-service"\norigin = "https://keptn.example.com"\ncredential = { header = "x-token", secret = "KEPTN_TOKEN" }\n'
  operator.text = operator.text.replace("[triggers]", `${upstream}\n[triggers]`)
  const worker = account.worker && { ...account.worker, secrets: { ...account.worker.secrets, KEPTN_TOKEN: "x" } }
  writeAccount(operator.account, { ...account, worker })
  expect((await run(operator, [])).failure).toBe(null)
})

test.each([
  [["--gradual", "0"], '--gradual is "0". It must be a whole number from 1 to 100. See npm run deploy -- --help.'],
  [["--gradual", "ten"], /^--gradual is "ten"\. /],
  [["--now"], /^Unknown option '--now'/],
])("says in one line what is wrong with %j", async (args, message) => {
  const failure = await failureOf(Promise.resolve().then(() => readDeployOptions(args)))
  expect(failure).toMatch(message)
  expect(failure.split("\n")).toHaveLength(1)
})

test("is a script: it explains itself, and ends with 1 where it refuses", async () => {
  const operator = new Operator()
  expect(operator.script("deploy", ["--help"])).toMatchObject({
    status: 0,
    out: expect.stringMatching(/^npm run deploy/),
  })
  const { status, out, error } = operator.script("deploy", ["--config", operator.config])
  expect([status, out]).toEqual([1, ""])
  expect(error).toContain("DB_GLOBAL, DB_EU, DB_US, CACHE_EU, CACHE_US have no id")
  await operator.provision(EU_AND_US)
  expect(operator.script("deploy", ["--dry-run", "--config", operator.config])).toMatchObject({ status: 0, error: "" })
})
