/** `npm run help`: what each command of package.json is for. A command without a sentence here fails the tests. */
import manifest from "../package.json" with { type: "json" }

const GROUPS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  "Use it on this machine": {
    start: "the edge, with its data in .quarterdeck: prints the URLs and a working token",
    dev: "the same with wrangler dev: reloads when the code changes",
    token: "tokens of users and programs: create, rotate, revoke, import  (npm run token -- help)",
    secrets: "the keys that secrets are encrypted with  (npm run secrets -- help)",
    migrate: "copies projects, files and events from a Keptn installation  (npm run migrate -- --help)",
  },
  "Run it on Cloudflare": {
    provision: "creates what is missing, and can be run again at any time  (npm run provision -- --help)",
    deploy: "checks, migrates, deploys and looks whether it works  (npm run deploy -- --help)",
  },
  "Work on it": {
    test: "everything that has to pass: all checks, the size of the bundle, all tests",
    fix: "formats the code, and mends what the linter can mend",
    generate: "brings generated files up to date: types of bindings, migrations, the table of errors",
    bench: "measures it, as ratios within one run",
    soak: "sends mixed traffic for as long as you like, kills it meanwhile, checks every answer  (npm run soak -- --minutes 10 --kill-every 30)",
    check: "all checks of the code; each by itself:",
    "check:format": "the formatting",
    "check:lint": "the linter, with the direction of imports",
    "check:types": "the types",
    "check:unused": "files, exports and packages that nothing uses",
    "check:generated": "whether generated files are up to date",
    "check:bundle": "the size of the Worker",
    help: "this",
  },
}

const width = Math.max(...Object.keys(manifest.scripts).map((name) => name.length))
const described = Object.values(GROUPS).flatMap((group) => Object.keys(group))
const silent = Object.keys(manifest.scripts).filter((name) => !described.includes(name))
if (silent.length > 0) throw new Error(`scripts/help.ts says nothing of ${silent.join(", ")}`)

for (const [title, commands] of Object.entries(GROUPS)) {
  const lines = Object.entries(commands).map(([name, text]) => `  npm run ${name.padEnd(width)}  ${text}`)
  process.stdout.write(`${title}\n${lines.join("\n")}\n\n`)
}
process.stdout.write("The book begins at docs/README.md.\n")
