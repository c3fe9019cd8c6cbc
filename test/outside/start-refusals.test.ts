/** What `npm start` refuses to start with: variables that are wrong, and a state folder with damaged data. */
import { spawnSync } from "node:child_process"
import { mkdirSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import { afterAll, beforeEach, describe, expect, test } from "vitest"
import { checkStorage } from "../../scripts/start/damage.ts"
import { freePort } from "../../scripts/start/port.ts"
import { StartError } from "../../scripts/start/settings.ts"

const SCRIPT = join(import.meta.dirname, "..", "..", "scripts", "start.ts")
const scratch = mkdtempSync(join(tmpdir(), "quarterdeck-refusals-"))
afterAll(() => rmSync(scratch, { recursive: true, force: true }))

/** The lines that a start says which must not succeed. */
async function refusal(state: string, variables = "{}"): Promise<string[]> {
  const port = String(await freePort())
  const { status, stdout, stderr } = spawnSync(process.execPath, [SCRIPT], {
    env: { ...process.env, QUARTERDECK_STATE: state, PORT: port, QUARTERDECK_VARS: variables },
    encoding: "utf8",
  })
  expect({ status, token: /^token/m.test(stdout) }).toEqual({ status: 1, token: false })
  return stderr.trimEnd().split("\n")
}

describe("variables", () => {
  const INTRODUCTION = "Quarterdeck does not start, because its variables are wrong:"

  test("are named with their values and where they come from", async () => {
    const variables = {
      EVENT_VALIDATION: "yes",
      TOKEN_CACHE_SECONDS: 5,
      REGIONS: "eu,ap",
      UPSTREAMS_EU: [{ collection: "x", credential: { header: "x-token", secret: "KEPTN_TOKEN" } }],
      KEPTN_TOKEN: "hidden",
      SECRET_KEYS: "hidden",
    }
    const lines = await refusal(join(scratch, "wrong"), JSON.stringify(variables))
    expect(lines).toEqual([
      INTRODUCTION,
      "TOKEN_CACHE_SECONDS must be a text, in quotes. QUARTERDECK_VARS has TOKEN_CACHE_SECONDS = 5.",
      'EVENT_VALIDATION must be "on" or "off". QUARTERDECK_VARS has EVENT_VALIDATION = "yes".',
      `CACHED_REGIONS holds 'us', which REGIONS does not. wrangler.toml has CACHED_REGIONS = "eu,us".`,
      expect.stringMatching(/^SECRET_KEYS must be .* QUARTERDECK_VARS has SECRET_KEYS\.$/),
      expect.stringMatching(/^UPSTREAMS_EU\[0\]\.collection must be one of .* QUARTERDECK_VARS has UPSTREAMS_EU\.$/),
      expect.stringMatching(/^UPSTREAMS_EU\[0\]\.origin must be .* QUARTERDECK_VARS has UPSTREAMS_EU\.$/),
      "DB_AP must be a D1 database binding. wrangler.toml has no such binding; " +
        'QUARTERDECK_VARS has REGIONS = "eu,ap".',
      'BLOBS_AP must be a R2 bucket binding. wrangler.toml has no such binding; QUARTERDECK_VARS has REGIONS = "eu,ap".',
    ])
    expect(lines.join()).not.toContain("hidden")
  })

  test("that are unknown are named with the nearest known one, and without their values", async () => {
    const variables = { EVENT_VALIDATON: "on", secret_key: "hidden", FOO: "hidden" }
    expect(await refusal(join(scratch, "unknown"), JSON.stringify(variables))).toEqual([
      INTRODUCTION,
      "QUARTERDECK_VARS has EVENT_VALIDATON, which is unknown. Did you mean EVENT_VALIDATION?",
      "QUARTERDECK_VARS has secret_key, which is unknown. Did you mean SECRET_KEYS?",
      expect.stringMatching(/^QUARTERDECK_VARS has FOO, which is unknown\. Known are API_DOMAIN, REGIONS, /),
    ])
  })

  test.each(["{", "[]", '"EVENT_VALIDATION"', "EVENT_VALIDATION=on"])("that are no JSON object: %s", async (text) => {
    expect(await refusal(join(scratch, "form"), text)).toEqual([
      'QUARTERDECK_VARS must be JSON such as {"EVENT_VALIDATION":"on"}.',
    ])
  })
})

describe("a state folder", () => {
  let state: string
  let file: string
  beforeEach(() => {
    state = mkdtempSync(join(scratch, "state-"))
    const folder = join(state, "v3", "d1", "objects")
    mkdirSync(folder, { recursive: true })
    file = join(folder, "one.sqlite")
    fillDatabase(file)
  })

  /** The one sentence about `problem`. */
  function sentence(problem: string): string[] {
    return [
      `The data in ${state} cannot be used: ${problem}. Restore the folder from a backup, ` +
        "or move it away to start with an empty one, or set QUARTERDECK_STATE to another folder.",
    ]
  }

  const check = () => checkStorage(state, join(state, "v3"))
  const damages: Record<string, [() => void, string]> = {
    "a database that is cut off": [() => truncateSync(file, 5000), "is damaged (database disk image is malformed)"],
    "a database that has lost its end": [
      () => truncateSync(file, readFileSync(file).length - 8192),
      "is damaged (database disk image is malformed)",
    ],
    "a database that is cut off in its header": [() => truncateSync(file, 20), "is damaged (file is not a database)"],
    "other contents": [() => writeFileSync(file, "x".repeat(9000)), "is damaged (file is not a database)"],
    "a page that is overwritten": [
      () => {
        const bytes = readFileSync(file)
        writeFileSync(file, bytes.fill(0xa5, 4096, 3 * 4096))
      },
      "is damaged",
    ],
    "a folder in the place of a file": [
      () => {
        rmSync(file)
        mkdirSync(file)
      },
      "is no file",
    ],
  }
  test.each(Object.entries(damages))("with %s", (_, [damage, problem]) => {
    expect(check).not.toThrow()
    damage()
    expect(check).toThrow(new StartError(sentence(`v3/d1/objects/one.sqlite ${problem}`).join()))
  })

  test("with a file in the place of a folder", async () => {
    rmSync(join(state, "v3", "d1"), { recursive: true })
    writeFileSync(join(state, "v3", "d1"), "")
    expect(await refusal(state)).toEqual(sentence("v3/d1 is no folder"))
  })

  test("with a lock of another kind", async () => {
    writeFileSync(join(state, "lock"), "x".repeat(200))
    expect(await refusal(state)).toEqual(sentence("lock is no file of Quarterdeck"))
  })
})

/** A database of several pages. */
function fillDatabase(file: string): void {
  const database = new DatabaseSync(file)
  database.exec("CREATE TABLE texts (id INTEGER PRIMARY KEY, text TEXT)")
  const statement = database.prepare("INSERT INTO texts (text) VALUES (?)")
  for (let row = 0; row < 100; row++) statement.run("text ".repeat(100))
  database.close()
}
