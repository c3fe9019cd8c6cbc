/** Storage of a region whose calls pass through a test, which can delay them, make them fail, or lose their answers. */
import type { PartitionBindings } from "../../src/partition/partition.ts"

/** The calls that matter: those to the bucket, and the batches of the database. */
export type StorageCall = "put" | "head" | "get" | "list" | "delete" | "batch"

/** Is given every call and must run it, or not. */
export type Around = (call: StorageCall, run: () => Promise<unknown>, args: readonly unknown[]) => Promise<unknown>

const CALLS: readonly StorageCall[] = ["put", "head", "get", "list", "delete", "batch"]

/** Bindings whose calls pass through `around`. */
export function intercept({ database, bucket, cache }: PartitionBindings, around: Around): PartitionBindings {
  return { database: interceptCalls(database, around), bucket: interceptCalls(bucket, around), cache }
}

function interceptCalls<T extends object>(binding: T, around: Around): T {
  return new Proxy(binding, {
    get(real, name) {
      const member: unknown = Reflect.get(real, name)
      if (typeof member !== "function") return member
      const run = (...args: unknown[]): unknown => Reflect.apply(member, real, args)
      const call = CALLS.find((one) => one === name)
      return call === undefined ? run : (...args: unknown[]) => around(call, async () => run(...args), args)
    },
  })
}

/** What a call is made to throw. */
export class Fault extends Error {
  override name = "Fault"
}
