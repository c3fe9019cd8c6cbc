/**
 * What this Worker is measured by: `npm run bench`, or `npm run bench -- gateway` for one part. All of it runs on this machine, what is
 * compared in turns; only the ratios say something.
 */
import { runCommand } from "./command.ts"
import { measureCost } from "./bench/cost.ts"
import { measureGateway } from "./bench/gateway.ts"
import { readOptions, usage } from "./bench/options.ts"
import { measureProxy } from "./bench/proxy.ts"
import { measureRates } from "./bench/rates.ts"
import { print, Report } from "./bench/report.ts"
import { keep, machineFacts, machineLoad, readLast } from "./bench/results.ts"
import { measureScaling } from "./bench/scaling.ts"
import { measureSize } from "./bench/size.ts"
import { measureWriters } from "./bench/writers.ts"

const PARTS = {
  size: { measure: measureSize, about: "the bundle, its start, and the memory of its isolate under load" },
  gateway: { measure: measureGateway, about: "refusals, reads and writes beside a bare Worker, and beside nginx" },
  cost: { measure: measureCost, about: "what a million requests of each kind cost at Cloudflare's prices" },
  writers: { measure: measureWriters, about: "two hundred writers of one stage at once, and readers beside them" },
  scaling: { measure: measureScaling, about: "the same reads with ever more stored" },
  proxy: { measure: measureProxy, about: "the reverse proxy beside nginx and beside none" },
  rates: { measure: measureRates, about: "npm start beside wrangler dev" },
} as const

await runCommand(async () => {
  const about = new Map(Object.entries(PARTS).map(([name, part]) => [name, part.about]))
  const options = readOptions(process.argv.slice(2), about)
  if (options.isHelpWanted) {
    print(usage(about))
    return
  }
  for (const [part, { measure }] of Object.entries(PARTS)) {
    if (options.parts.length > 0 && !options.parts.includes(part)) continue
    const name = `${part}${options.suffix}`
    const report = new Report(readLast(options.results, name))
    const [started, loadBefore] = [new Date(), machineLoad()]
    print(`\n# ${part}: ${about.get(part)}`)
    await measure(options, report)
    const machine = machineFacts(loadBefore)
    const seconds = Math.round((Date.now() - started.getTime()) / 1000)
    const { tables } = report
    const file = keep(options.results, name, { part, started: started.toISOString(), seconds, machine, tables })
    const { cpu, cores, node, loadAfter } = machine
    print(
      `\n${seconds} s on ${cores} cores of ${cpu}, Node ${node}, load ${loadBefore.toFixed(1)} to ${loadAfter.toFixed(1)}`,
    )
    print(`kept in ${file}`)
  }
})
