/**
 * What Cloudflare asks, beyond what is included: its public prices for Workers Paid (Standard), D1, KV and R2 (Standard storage) of November 2026,
 * in dollars per million. They change: developers.cloudflare.com has them under workers, d1, kv and r2, each at platform/pricing.
 */
import type { Counts } from "./counts.ts"

const PRICES = {
  requests: 0.3,
  cpuMilliseconds: 0.02,
  rowsRead: 0.001,
  rowsWritten: 1,
  kvReads: 0.5,
  kvWrites: 5,
  r2ClassA: 4.5,
  r2ClassB: 0.36,
} as const

/** What a million requests cost of which each does what `counts` says, and takes so much CPU time. */
export function dollarsPerMillion(counts: Counts, cpuMilliseconds: number): number {
  const used = { ...counts, requests: 1, cpuMilliseconds }
  return (
    used.requests * PRICES.requests +
    used.cpuMilliseconds * PRICES.cpuMilliseconds +
    used.rowsRead * PRICES.rowsRead +
    used.rowsWritten * PRICES.rowsWritten +
    used.kvReads * PRICES.kvReads +
    used.kvWrites * PRICES.kvWrites +
    used.r2ClassA * PRICES.r2ClassA +
    used.r2ClassB * PRICES.r2ClassB
  )
}
