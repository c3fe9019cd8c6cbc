/**
 * The keys that seal stored secrets, from the command line: `npm run secrets -- help`. Only the Worker of a deployment opens what
 * is sealed, so these commands make lists of keys and ask nobody.
 */
import { text } from "node:stream/consumers"
import { newSealingKey, readSealingKeys } from "../src/lib/sealing.ts"
import { runCommand } from "./command.ts"
import { StartError } from "./start/settings.ts"

const HELP = `npm run --silent secrets -- COMMAND

  new-key   prints a fresh key as id:key, a list of one
  rotate    reads the list that is set from standard input, prints one that begins with a fresh key
  retire    reads a list from standard input, prints its first key alone

SECRET_KEYS is a list of keys. The first one seals, each of them opens. Keep the list where you keep passwords: nobody can
read it back from Cloudflare, and without it the secrets are lost.

The first key:
  npm run --silent secrets -- new-key > secret-keys
  npx wrangler secret put SECRET_KEYS --config wrangler.toml < secret-keys

Another key:
  1. npm run --silent secrets -- rotate < secret-keys > secret-keys.new
     npx wrangler secret put SECRET_KEYS --config wrangler.toml < secret-keys.new
  2. Wait. Every minute the Worker seals up to 300 secrets of each region with the first key, and logs "secrets-resealed" with
     how many are "remaining". When every region has come to 0, wait five minutes for requests that began before.
  3. npm run --silent secrets -- retire < secret-keys.new > secret-keys
     npx wrangler secret put SECRET_KEYS --config wrangler.toml < secret-keys
     If the log then has "unreadable-secrets", set secret-keys.new again: something still needs the old key.

A local run keeps its list in the file secret-keys of its state folder, and takes up a changed one when it starts.
`

await runCommand(() => run(process.argv.slice(2)))

async function run([command = "help", ...rest]: string[]): Promise<void> {
  if (rest.length > 0) throw new StartError(`Unknown argument ${rest[0]}. See npm run secrets -- help.`)
  switch (command) {
    case "help":
      return print(HELP.trimEnd())
    case "new-key":
      return print(newSealingKey(new Date()))
    case "rotate":
      return print(listOf([newSealingKey(new Date()), ...(await readList())]))
    case "retire":
      return print(listOf((await readList()).slice(0, 1)))
    default:
      throw new StartError(`Unknown command ${command}. See npm run secrets -- help.`)
  }
}

/** The entries of the list on standard input: as an argument it would stay in the shell's history. */
async function readList(): Promise<string[]> {
  const list = (await text(process.stdin)).trim()
  listOf([list])
  return list.split(",")
}

/** The entries as one list, which the Worker will take. */
function listOf(entries: readonly string[]): string {
  const list = entries.map((entry) => entry.trim()).join(",")
  const read = readSealingKeys(list)
  if ("keys" in read) return list
  throw new StartError(`The list ${read.problem}. See npm run secrets -- help.`)
}

function print(output: string): void {
  process.stdout.write(`${output}\n`)
}
