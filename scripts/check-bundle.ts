/**
 * Builds the Worker as `wrangler deploy` would, without deploying it. Fails on any warning and when what is uploaded has
 * outgrown its budget: start-up time grows with it.
 */
import { spawnSync } from "node:child_process"
import { mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { gzipSync } from "node:zlib"

const BUDGET = 275 * 1024

const out = mkdtempSync(join(tmpdir(), "quarterdeck-bundle-"))
try {
  build()
  measure()
} finally {
  rmSync(out, { recursive: true })
}

function build(): void {
  const { status, stdout, stderr } = spawnSync(
    "wrangler",
    ["deploy", "--config", "wrangler.toml", "--dry-run", "--outdir", out],
    { encoding: "utf8", env: { ...process.env, WRANGLER_SEND_METRICS: "false" } },
  )
  const output = stdout + stderr
  if (status === 0 && !/warning/i.test(output)) return
  process.stderr.write(output)
  process.exitCode = 1
}

function measure(): void {
  const size = gzipSync(readFileSync(join(out, "index.js"))).length
  const text = `the Worker has ${Math.ceil(size / 1024)} KiB (gzip) of ${BUDGET / 1024}\n`
  process.stdout.write(text)
  if (size > BUDGET) process.exitCode = 1
}
