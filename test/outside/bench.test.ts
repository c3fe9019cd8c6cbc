/** The benchmark measures, keeps what it found for the next run, and does not take a wrong answer for a quick one. */
import { spawn } from "node:child_process"
import { once } from "node:events"
import { mkdtempSync, readFileSync, rmSync } from "node:fs"
import { createServer } from "node:http"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { text } from "node:stream/consumers"
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from "vitest"
import { askTimes } from "../../scripts/bench/load.ts"
import { Report } from "../../scripts/bench/report.ts"
import { isMet, keep, machineFacts, readLast } from "../../scripts/bench/results.ts"

const SCRIPT = join(import.meta.dirname, "..", "..", "scripts", "bench.ts")

let results = ""

beforeAll(() => {
  results = mkdtempSync(join(tmpdir(), "quarterdeck-bench-test-"))
})

afterAll(() => rmSync(results, { recursive: true }))

it("prints a table of what it measured, and keeps it with what is known of the machine", async () => {
  const { code, output } = await bench("gateway", "--quick", "--only", "beside hello and", "--results", results)
  expect(code).toBe(0)
  const name = "metadata, beside hello and a log line"
  expect(output).toMatch(new RegExp(`^\\| ${name} +\\| +\\d+\\.\\d\\d \\|`, "m"))
  const kept = readLast(results, "gateway.only.quick")
  expect(kept?.tables[0]?.rows.map((row) => row.name)).toEqual([name])
  expect(kept?.tables[0]?.rows[0]?.median).toBeGreaterThan(0)
  expect(kept?.machine.node).toBe(process.version)
})

it("tells what there is when it is asked for help", async () => {
  const { code, output } = await bench("--help")
  expect(code).toBe(0)
  for (const part of ["size", "gateway", "cost", "scaling", "proxy", "rates"]) expect(output).toContain(`\n  ${part} `)
})

it.each(["nonsense", "--nonsense"])("exits with 1 and tells what there is for %s", async (argument) => {
  const { code, output } = await bench(argument)
  expect(code).toBe(1)
  expect(output).toContain(argument)
  expect(output).toContain("npm run bench --")
})

describe("a report", () => {
  it("shows beside each row how it changed since the last run", () => {
    const report = new Report(null)
    fill(report, [2, 4, 3])
    const machine = machineFacts(0)
    keep(results, "part", { part: "part", started: "", seconds: 0, machine, tables: report.tables })
    const lines = printed(() => fill(new Report(readLast(results, "part")), [6]))
    expect(lines.join("")).toMatch(/\| a row +\| +6\.0 \| +\| +>= 2\.0 \| +yes \| +\+100 % \| +\d+ ms \|/)
  })

  it("keeps the median, the range, the goal and what stands beside", () => {
    const report = new Report(null)
    fill(report, [2, 4, 3])
    const row = { name: "a row", median: 3, low: 2, high: 4, goal: { least: 2 }, met: "yes", others: { beside: 7 } }
    expect(report.tables).toEqual([{ title: "a table", figure: "figure", rows: [row] }])
  })

  it("keeps the run before the last one", () => {
    const machine = machineFacts(0)
    for (const seconds of [1, 2]) keep(results, "twice", { part: "twice", started: "", seconds, machine, tables: [] })
    expect(readLast(results, "twice")?.seconds).toBe(2)
    expect(JSON.parse(readFileSync(join(results, "twice.last.json"), "utf8"))).toMatchObject({ seconds: 1 })
  })
})

it("shows a goal neither met nor missed when the rounds differ", () => {
  expect(isMet({ least: 2 }, 2, 3)).toBe("yes")
  expect(isMet({ least: 2 }, 1, 3)).toBe("open")
  expect(isMet({ least: 2 }, 0, 1)).toBe("no")
  expect(isMet({ most: 2 }, 1, 2)).toBe("yes")
  expect(isMet({ most: 2 }, 1, 3)).toBe("open")
  expect(isMet({ most: 2 }, 3, 4)).toBe("no")
})

describe("the load", () => {
  it("asks exactly so many times, each connection its own question", async () => {
    const asked: string[] = []
    const port = await serve((path) => {
      asked.push(path)
      return 200
    })
    const { count, rate } = await askTimes(port, (connection) => ({ path: `/${connection}`, token: "" }), 10, 2)
    expect([count, asked.length]).toEqual([10, 10])
    expect(new Set(asked)).toEqual(new Set(["/0", "/1"]))
    expect(rate).toBeGreaterThan(0)
  })

  it("fails at the first answer with another status than the one that is due", async () => {
    let answered = 0
    const port = await serve(() => (++answered === 5 ? 500 : 200))
    await expect(askTimes(port, { path: "/it", token: "" }, 10, 2)).rejects.toThrow("/it answered 500: said")
  })

  it("takes a refusal that is due for right", async () => {
    const port = await serve(() => 401)
    await expect(askTimes(port, { path: "/", token: "", status: 401 }, 4, 2)).resolves.toMatchObject({ count: 4 })
  })

  it("fails where nothing listens", async () => {
    await expect(askTimes(1, { path: "/", token: "" }, 2, 1)).rejects.toThrow("ECONNREFUSED")
  })
})

function fill(report: Report, values: number[]): void {
  const table = report.table("a table", { heading: "figure", digits: 1 }, [{ heading: "beside", unit: " ms" }])
  table.add({ name: "a row", values, goal: { least: 2 }, others: [7] })
}

function printed(run: () => void): string[] {
  const lines: string[] = []
  const write = vi.spyOn(process.stdout, "write").mockImplementation((line) => {
    lines.push(String(line))
    return true
  })
  try {
    run()
  } finally {
    write.mockRestore()
  }
  return lines
}

/** A server that answers each path with the status that `answer` gives. */
async function serve(answer: (path: string) => number): Promise<number> {
  const server = createServer((request, response) => response.writeHead(answer(request.url ?? "")).end("said"))
  server.listen(0, "127.0.0.1")
  await once(server, "listening")
  onTestFinished(() => {
    server.close()
  })
  const address = server.address()
  if (address === null || typeof address === "string") throw new Error("no port")
  return address.port
}

/** Runs the benchmark; what it says on both its outputs. */
async function bench(...args: string[]): Promise<{ code: number | null; output: string }> {
  const child = spawn(process.execPath, [SCRIPT, ...args], { stdio: ["ignore", "pipe", "pipe"] })
  const [said, complained] = await Promise.all([text(child.stdout), text(child.stderr)])
  if (child.exitCode === null) await once(child, "exit")
  return { code: child.exitCode, output: `${said}\n${complained}` }
}
