/** `npm run provision` on an account that is played. */
import { spawnSync } from "node:child_process"
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs"
import { join } from "node:path"
import { expect, onTestFinished, test, vi } from "vitest"
import { readServing } from "../../scripts/deploy/rollout.ts"
import { findProblems } from "../../scripts/deploy/verify.ts"
import { readDeployment } from "../../scripts/operate/deployment.ts"
import { Wrangler } from "../../scripts/operate/wrangler.ts"
import { Account } from "../../scripts/provision/account.ts"
import { readProvisionOptions } from "../../scripts/provision/options.ts"
import { StartError } from "../../scripts/start/settings.ts"
import { sha256Hex } from "../../src/lib/digest.ts"
import { startApi } from "./cloudflare-api.ts"
import { DOMAIN, EU_AND_US, failureOf, Operator, ROOT } from "./operator.ts"
import {
  type Call,
  EMPTY,
  forgetCalls,
  type PlayedAccount,
  queryDatabase,
  readAccount,
  readCalls,
  writeAccount,
} from "./wrangler-stand-in.ts"

/** The calls that change something in an account. */
const CHANGING =
  /^(d1 create|d1 migrations apply|d1 execute .*--file|r2 bucket create|kv namespace create|secret put|deploy)/

function changingCalls(operator: Operator): string[] {
  const lines = readCalls(operator.account).map(({ args }) => args.join(" "))
  return lines.filter((line) => CHANGING.test(line))
}

function commentsOf(text: string): string[] {
  return text.split("\n").filter((line) => line.startsWith("#"))
}

/** What an account and its configuration came to, without what chance decides. */
function endState(operator: Operator): unknown {
  const { databases, buckets, namespaces, worker } = readAccount(operator.account)
  const named = [
    ...databases.map(({ uuid: id, name }) => ({ id, name })),
    ...namespaces.map((one) => ({ id: one.id, name: one.title })),
  ]
  const text = named.reduce((now, { id, name }) => now.replaceAll(id, name), operator.text)
  return {
    text,
    databases: databases.map(({ name, jurisdiction }) => `${name} ${jurisdiction}`).toSorted(),
    buckets: buckets.map(({ name, jurisdiction }) => `${name} ${jurisdiction}`).toSorted(),
    namespaces: namespaces.map(({ title, jurisdiction }) => `${title} ${jurisdiction}`).toSorted(),
    secrets: Object.keys(worker?.secrets ?? {}),
    migrations: databases.map(({ name }) => queryDatabase(operator.account, name, "SELECT name FROM d1_migrations")),
    tokens: queryDatabase(operator.account, "quarterdeck-global", "SELECT count(*) AS tokens FROM tokens"),
    kept: readdirSync(operator.kept).map((name) => name.replace(/-[0-9a-f]{8}-/, "-")),
  }
}

/** The token that the lines of a run show. */
function tokenIn(lines: readonly string[]): string | undefined {
  return lines.map((line) => /^token {3}(kpat_\w+)$/.exec(line)?.[1]).find((token) => token !== undefined)
}

async function isStored(operator: Operator, token: string): Promise<boolean> {
  const rows = queryDatabase(operator.account, "quarterdeck-global", "SELECT hash FROM tokens")
  return JSON.stringify(rows).includes(await sha256Hex(token))
}

test("provisions an account that has nothing, and has nothing to do the second time", async () => {
  const operator = new Operator()
  const before = operator.text
  const first = operator.script("provision", [...EU_AND_US, "--config", operator.config])
  expect([first.status, first.error]).toEqual([0, ""])
  const account = readAccount(operator.account)
  expect(account.databases.map(({ name, jurisdiction }) => [name, jurisdiction])).toEqual([
    ["quarterdeck-global", null],
    ["quarterdeck-eu", "eu"],
    ["quarterdeck-us", "us"],
  ])
  expect(account.buckets).toEqual([
    { name: "quarterdeck-eu", jurisdiction: "eu" },
    { name: "quarterdeck-us", jurisdiction: "us" },
  ])
  expect(account.namespaces.map(({ title, jurisdiction }) => [title, jurisdiction])).toEqual([
    ["quarterdeck-eu", "eu"],
    ["quarterdeck-us", "us"],
  ])
  const plan = first.out.split("\n\n")[0]?.split("\n") ?? []
  expect(plan).toContain("create  D1 database quarterdeck-eu (jurisdiction eu)")
  expect(plan.every((line) => /^(create|change) {2}/.test(line))).toBe(true)
  const token = tokenIn(first.out.split("\n")) ?? ""
  expect(await isStored(operator, token)).toBe(true)

  // Every comment is there but for the routes, which were one.
  expect(commentsOf(operator.text)).toEqual(
    commentsOf(before).filter((line) => !/routes =|pattern =|^# \]$/.test(line)),
  )
  const deployment = readDeployment(operator.config)
  expect(findProblems(deployment, ["SECRET_KEYS"])).toEqual([])
  expect(deployment.vars).toMatchObject({
    API_DOMAIN: "api.example.com",
    REGIONS: "eu,us",
    CACHED_REGIONS: "eu,us",
    DEFAULT_REGION: "",
  })
  expect(deployment.routes).toEqual(
    ["global", "eu", "us"].map((label) => ({ pattern: `${label}.api.example.com`, custom_domain: true })),
  )

  const written = operator.text
  forgetCalls(operator.account)
  const second = await operator.provision(EU_AND_US)
  expect(second.at(-1)).toBe("Nothing is missing.")
  expect(second.slice(0, -1).every((line) => line.startsWith("exists  "))).toBe(true)
  expect(changingCalls(operator)).toEqual([])
  expect(operator.text).toBe(written)
})

test("gives the key to the Worker on standard input, keeps it for its owner, and shows neither it nor a token in arguments", async () => {
  const operator = new Operator()
  const lines = await operator.provision(EU_AND_US)
  const [name = "", ...others] = readdirSync(operator.kept)
  expect([name, others]).toEqual([expect.stringMatching(/^quarterdeck-[0-9a-f]{8}-secret-keys$/), []])
  const file = join(operator.kept, name)
  expect(statSync(file).mode & 0o777).toBe(0o600)
  const key = readFileSync(file, "utf8").trim()
  expect(readAccount(operator.account).worker?.secrets).toEqual({ SECRET_KEYS: key })
  const token = tokenIn(lines) ?? ""
  const recorded = JSON.stringify(readCalls(operator.account).map(({ args }: Call) => args))
  const places = [recorded, operator.text].map((text) => [text.includes(key), text.includes(token)])
  expect(places.flat()).toEqual([false, false, false, false])
  expect(lines.filter((line) => line.includes(token))).toEqual([`token   ${token}`])
  expect(lines.filter((line) => line.includes(key))).toEqual([])
  expect(lines.some((line) => line.includes(file) && line.includes("password store"))).toBe(true)
})

test("changes nothing with --dry-run", async () => {
  const operator = new Operator()
  const before = operator.text
  const lines = await operator.provision([...EU_AND_US, "--dry-run"])
  expect(lines.at(-1)).toBe("Nothing was changed: --dry-run. 16 of 16 would be done.")
  expect([operator.text, changingCalls(operator), existsSync(operator.kept)]).toEqual([before, [], false])
  const { calls, ...account } = readAccount(operator.account)
  expect(calls).toBeGreaterThan(0)
  expect({ ...account, calls: 0 }).toEqual(EMPTY)
})

test("comes to the same end after a failure of any call, before or after it had its effect", async () => {
  const whole = new Operator()
  await whole.provision(EU_AND_US)
  const wanted = endState(whole)
  const { calls } = readAccount(whole.account)
  expect(calls).toBeGreaterThan(25)
  for (const when of ["before", "after"] as const) {
    for (let call = 1; call <= calls; call++) {
      const operator = new Operator()
      writeAccount(operator.account, { ...EMPTY, failure: { call, when } })
      const first: string[] = []
      const failure = await operator.provision(EU_AND_US).then((lines) => void first.push(...lines), String)
      const again = await operator.provision(EU_AND_US)
      const seen = `call ${call} failed ${when}: ${String(failure)}`
      expect(endState(operator), seen).toEqual(wanted)
      expect(await isStored(operator, tokenIn([...first, ...again]) ?? ""), seen).toBe(true)
      expect((await operator.provision(EU_AND_US)).at(-1), seen).toBe("Nothing is missing.")
    }
  }
})

test("says where it stopped", async () => {
  const operator = new Operator()
  await operator.provision(EU_AND_US)
  const call = readCalls(operator.account).findIndex(({ args }) => args[0] === "r2" && args[2] === "create") + 1
  const other = new Operator()
  writeAccount(other.account, { ...EMPTY, failure: { call, when: "before" } })
  expect(await failureOf(other.provision(EU_AND_US))).toBe(
    "wrangler r2 bucket create quarterdeck-eu failed: The network went away.\n" +
      "Stopped at: R2 bucket quarterdeck-eu (jurisdiction eu). Run the command again: it goes on from there.",
  )
})

test("adds a region later, with a hint for its place", async () => {
  const operator = new Operator()
  await operator.provision(EU_AND_US)
  const before = operator.text
  forgetCalls(operator.account)
  const three = [...DOMAIN, "--regions", "eu:eu,us:us,asia:hint=apac"]
  const lines = await operator.provision(three)
  const created = changingCalls(operator).filter((line) => line.includes("create") || line.startsWith("deploy"))
  expect(created).toEqual([
    "d1 create quarterdeck-asia --location apac --config wrangler.toml",
    "r2 bucket create quarterdeck-asia --location apac --config wrangler.toml",
    "kv namespace create quarterdeck-asia --config wrangler.toml",
  ])
  expect(lines.at(-1)).toContain("Now deploy: npm run deploy")
  expect(readCalls(operator.account).map(({ args }) => args.join(" "))).toContain(
    "types --strict-vars=false --config wrangler.toml",
  )
  const deployment = readDeployment(operator.config)
  expect(findProblems(deployment, ["SECRET_KEYS"])).toEqual([])
  expect(deployment.vars).toMatchObject({ REGIONS: "eu,us,asia", CACHED_REGIONS: "eu,us,asia" })
  expect(deployment.r2_buckets.at(-1)).toEqual({ binding: "BLOBS_ASIA", bucket_name: "quarterdeck-asia" })
  // What was there is there, line by line: only the region was added.
  const added = operator.text.split("\n").filter((line) => !before.split("\n").includes(line))
  expect(added.slice(0, 4)).toEqual([
    '  { pattern = "asia.api.example.com", custom_domain = true },',
    'REGIONS = "eu,us,asia"',
    'CACHED_REGIONS = "eu,us,asia"',
    `# --- asia ${"-".repeat(108)}`,
  ])
  expect(commentsOf(before).filter((line) => !commentsOf(operator.text).includes(line))).toEqual([])
})

test("is accepted by wrangler itself, with every binding", async () => {
  const operator = new Operator()
  await operator.provision([...DOMAIN, "--regions", "eu:eu,us:us,asia:"])
  const wrangler = join(ROOT, "node_modules", "wrangler", "bin", "wrangler.js")
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [wrangler, "deploy", "--dry-run", "--config", operator.config, "--outdir", join(operator.folder, "out")],
    {
      cwd: operator.folder,
      env: {
        ...process.env,
        PATH: `${join(ROOT, "node_modules", ".bin")}:${process.env["PATH"]}`,
        WRANGLER_SEND_METRICS: "false",
        WRANGLER_WRITE_LOGS: "false",
      },
      encoding: "utf8",
    },
  )
  expect([status, /warning/i.test(stdout + stderr)], stdout + stderr).toEqual([0, false])
  const missing = ["DB_ASIA", "BLOBS_ASIA", "CACHE_ASIA", "DB_GLOBAL"].filter(
    (name) => !stdout.includes(`env.${name} (`),
  )
  expect(missing).toEqual([])
})

test("understands what wrangler itself prints", async () => {
  const operator = new Operator()
  const received = await startApi()
  const wrangler = new Wrangler(operator.config)
  const account = new Account(wrangler)
  const seen = await Promise.all([
    account.databases(),
    account.namespaces(),
    account.hasBucket("quarterdeck-eu", "eu"),
    account.secrets(),
    account.query("DB_EU", "SELECT name FROM d1_migrations"),
    readServing(wrangler),
    wrangler.run(["secret", "put", "SECRET_KEYS"], "the-key\n"),
    failureOf(account.createDatabase("quarterdeck-eu", { jurisdiction: "eu", hint: null })),
  ])
  expect(seen).toEqual([
    [
      { id: "1", name: "quarterdeck-eu", jurisdiction: "eu" },
      { id: "2", name: "quarterdeck-global", jurisdiction: null },
    ],
    [
      { id: "3", name: "quarterdeck-eu", jurisdiction: "eu" },
      { id: "4", name: "quarterdeck-asia", jurisdiction: null },
    ],
    false,
    null,
    [],
    null,
    expect.stringContaining("Success"),
    expect.stringMatching(
      /^wrangler d1 create quarterdeck-eu failed: A request to the Cloudflare API .* not today \[code: 1\]$/,
    ),
  ])
  expect(received).toContain("GET /r2/buckets/quarterdeck-eu eu ")
  expect(received).toContain('POST /d1/database  {"name":"quarterdeck-eu","jurisdiction":"eu"}')
  expect(received.filter((line) => line.includes('"text":"the-key"'))).toHaveLength(1)
})

test.each<[string, Partial<PlayedAccount>, string]>([
  [
    "a database",
    { databases: [{ uuid: "1", name: "quarterdeck-eu", jurisdiction: null }] },
    "D1 database quarterdeck-eu is there with no jurisdiction, and jurisdiction eu is asked for.",
  ],
  [
    "a bucket",
    { buckets: [{ name: "quarterdeck-eu", jurisdiction: "us" }] },
    "R2 bucket quarterdeck-eu is there with jurisdiction us, and jurisdiction eu is asked for.",
  ],
  [
    "a namespace",
    { namespaces: [{ id: "1", title: "quarterdeck-us", jurisdiction: "eu" }] },
    "KV namespace quarterdeck-us is there with jurisdiction eu, and jurisdiction us is asked for.",
  ],
])("refuses %s in another jurisdiction, and does nothing", async (_, present, message) => {
  const operator = new Operator()
  const before = operator.text
  writeAccount(operator.account, { ...EMPTY, ...present })
  expect(await failureOf(operator.provision(EU_AND_US))).toBe(
    `${message} That cannot be changed: ask for what it has, or give the region another code.`,
  )
  expect([operator.text, changingCalls(operator)]).toEqual([before, []])
})

test("refuses another jurisdiction for a region that it has provisioned", async () => {
  const operator = new Operator()
  await operator.provision(EU_AND_US)
  const failure = await failureOf(operator.provision([...DOMAIN, "--regions", "eu:,us:us"]))
  expect(failure.split("\n").map((line) => line.split(" is there")[0])).toEqual([
    "D1 database quarterdeck-eu",
    "R2 bucket quarterdeck-eu",
    "KV namespace quarterdeck-eu",
  ])
})

test("takes up what was made by hand, by its name", async () => {
  const operator = new Operator()
  const databases = [{ uuid: "b0000000-0000-4000-8000-00000000000b", name: "quarterdeck-us", jurisdiction: "us" }]
  writeAccount(operator.account, { ...EMPTY, databases })
  const lines = await operator.provision(EU_AND_US)
  expect(lines).toContain("change  wrangler.toml: DB_US is b0000000-0000-4000-8000-00000000000b")
  expect(lines).toContain("exists  D1 database quarterdeck-us (jurisdiction us)")
  expect(changingCalls(operator).filter((line) => line.startsWith("d1 create"))).toHaveLength(2)
})

test("refuses an id that the account does not have", async () => {
  const operator = new Operator()
  await operator.provision(EU_AND_US)
  writeAccount(operator.account, EMPTY)
  expect(await failureOf(operator.provision(EU_AND_US))).toMatch(
    /^wrangler.toml binds DB_GLOBAL to \S+, which this account does not have\. /,
  )
})

test("takes a region without data out of the file, and refuses that for one with data", async () => {
  const operator = new Operator()
  await operator.provision([...DOMAIN, "--regions", "eu:eu"])
  expect(operator.text).not.toMatch(/^[^#]*_US|--- us/m)
  expect(findProblems(readDeployment(operator.config), [])).toEqual([])
  expect(await failureOf(operator.provision([...DOMAIN, "--regions", "us:us"]))).toBe(
    "wrangler.toml has the region eu with its data. Name it in --regions, too.",
  )
})

test("leaves a region uncached that was taken out of CACHED_REGIONS", async () => {
  const operator = new Operator()
  operator.text = operator.text.replace('CACHED_REGIONS = "eu,us"', 'CACHED_REGIONS = "us"')
  await operator.provision(EU_AND_US)
  expect(readDeployment(operator.config).vars.CACHED_REGIONS).toBe("us")
  expect(readAccount(operator.account).namespaces.map(({ title }) => title)).toEqual(["quarterdeck-us"])
})

test("names what it creates after the Worker", async () => {
  const operator = new Operator()
  operator.text = operator.text.replace('name = "quarterdeck"', 'name = "staging"')
  await operator.provision([...DOMAIN, "--regions", "eu:eu,us:us"])
  const { databases, buckets, namespaces } = readAccount(operator.account)
  expect(databases.map(({ name }) => name)).toEqual(["staging-global", "staging-eu", "staging-us"])
  expect(buckets.map(({ name }) => name)).toEqual(["staging-eu", "staging-us"])
  expect(namespaces.map(({ title }) => title)).toEqual(["staging-eu", "staging-us"])
})

test("gives a new Worker the key that its database knows", async () => {
  const operator = new Operator()
  await operator.provision(EU_AND_US)
  const account = readAccount(operator.account)
  writeAccount(operator.account, { ...account, worker: null })
  await operator.provision(EU_AND_US)
  expect(readAccount(operator.account).worker?.secrets).toEqual(account.worker?.secrets)
})

test("moves the custom domains with the domain", async () => {
  const operator = new Operator()
  await operator.provision(EU_AND_US)
  await operator.provision(["--domain", "keptn.example.org", "--regions", "eu:eu,us:us"])
  expect(operator.text).not.toContain('api.example.com"')
  expect(findProblems(readDeployment(operator.config), [])).toEqual([])
})

test.each([
  [[], "--domain is missing. See npm run provision -- --help."],
  [DOMAIN, "--regions is missing. See npm run provision -- --help."],
  [
    ["--domain", "Example", "--regions", "eu:eu"],
    '--domain is "Example". It must be a lower-case domain name such as api.example.com.',
  ],
  [["--domain", "api.localhost", "--regions", "eu:eu"], /^--domain is "api.localhost"\./],
  [[...DOMAIN, "--regions", "eu:mars"], '--regions has the jurisdiction "mars". It must be one of eu, us, fedramp.'],
  [
    [...DOMAIN, "--regions", "eu:hint=mars"],
    '--regions has the hint "mars". It must be one of weur, eeur, wnam, enam, apac, oc.',
  ],
  [[...DOMAIN, "--regions", "eu:eu,EU:eu"], /^--regions has "EU:eu"\. A region is CODE:JURISDICTION, /],
  [[...DOMAIN, "--regions", "global:eu"], /^--regions has "global:eu"\. /],
  [[...DOMAIN, "--regions", "eu:eu,eu:us"], "--regions names eu twice."],
  [[...EU_AND_US, "--quickly"], /^Unknown option '--quickly'/],
])("says in one line what is wrong with %j", (args, message) => {
  expect(() => readProvisionOptions(args)).toThrow(StartError)
  expect(() => readProvisionOptions(args)).toThrow(message)
  expect(() => readProvisionOptions(args)).toThrow(/^[^\n]+$/)
})

test.each([
  [["--regions", "eu"], "--domain is missing. See npm run provision -- --help.\n"],
  [[...EU_AND_US, "--config", "/nowhere/wrangler.toml"], "There is no /nowhere/wrangler.toml.\n"],
])("ends with 1 for %j", (args, message) => {
  const operator = new Operator()
  expect(operator.script("provision", args)).toEqual({ status: 1, out: "", error: message })
  expect(readCalls(operator.account)).toEqual([])
})

test("says that the command of WRANGLER is not there", async () => {
  vi.stubEnv("WRANGLER", "/nowhere/wrangler")
  onTestFinished(() => void vi.unstubAllEnvs())
  const operator = new Operator()
  const account = new Account(new Wrangler(operator.config))
  expect(await failureOf(account.databases())).toMatch(
    /^\/nowhere\/wrangler cannot be started \(.*ENOENT\)\. The variable WRANGLER/,
  )
})

test("explains itself", () => {
  const { status, out } = new Operator().script("provision", ["--help"])
  expect([status, out]).toEqual([0, expect.stringMatching(/^npm run provision -- --domain DOMAIN --regions REGIONS/)])
})

test("refuses bindings in a form that it cannot change", async () => {
  const operator = new Operator()
  const namespaces = '"kv_namespaces" = [{ binding = "CACHE_EU", id = "1" }]\n'
  operator.text = `${namespaces}${operator.text.replaceAll(/\[\[kv_namespaces\]\]\n.*\n.*\n?/g, "")}`
  expect(await failureOf(operator.provision(EU_AND_US))).toBe(
    "wrangler.toml: write each binding as a table of its own, [[kv_namespaces]], and its name on one line.",
  )
  expect(readCalls(operator.account)).toEqual([])
})
