/** Storage of a region whose calls pass through a test, which can delay them, make them fail, or lose their answers. */
import type { PartitionBindings } from "../../src/partition/partition.ts"

/** The calls that matter: those to the bucket, and the batches of the database. */
export type StorageCall = "put" | "head" | "get" | "list" | "delete" | "batch"

/** Is given every call and must run it, or not. */
export type Around = (call: StorageCall, run: () => Promise<unknown>, args: readonly unknown[]) => Promise<unknown>

const CALLS: readonly StorageCall[] = ["put", "head", "get", "list", "delete", "batch"]

/** The calls to the cache, and what is waited for after a call to the bucket: the bytes that it answered, whole or part by part. */
export type LesserCall = "cache-get" | "cache-put" | "read" | "stream"

/** The same for every call there is. */
export type AroundAll = (call: StorageCall | LesserCall, run: () => Promise<unknown>) => Promise<unknown>

/** Bindings whose calls pass through `around`. */
export function intercept({ database, bucket, cache }: PartitionBindings, around: Around): PartitionBindings {
  return { database: interceptCalls(database, around), bucket: interceptCalls(bucket, around), cache }
}

/** Bindings of which really everything that is waited for passes through `around`. */
export function interceptAll({ database, bucket, cache }: PartitionBindings, around: AroundAll): PartitionBindings {
  const bodies: Around = async (call, run) => {
    const answer = await around(call, run)
    return call === "get" && isStored(answer) ? interceptBody(answer, around) : answer
  }
  return {
    database: interceptDatabase(database, around),
    bucket: interceptCalls(bucket, bodies),
    cache: cache && interceptCache(cache, around),
  }
}

/** A database whose batches pass through `around`. */
export function interceptDatabase(database: D1Database, around: Around): D1Database {
  return interceptCalls(database, around)
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

function interceptCache(cache: KVNamespace, around: AroundAll): KVNamespace {
  return new Proxy(cache, {
    get(real, name) {
      const member: unknown = Reflect.get(real, name)
      if (typeof member !== "function") return member
      const run = (...args: unknown[]): unknown => Reflect.apply(member, real, args)
      if (name !== "get" && name !== "put") return run
      return (...args: unknown[]) => around(`cache-${name}`, async () => run(...args))
    },
  })
}

function isStored(answer: unknown): answer is R2ObjectBody {
  return typeof answer === "object" && answer !== null && "bodyUsed" in answer
}

function isPart(answer: unknown): answer is { value: Uint8Array } {
  return typeof answer === "object" && answer !== null && "value" in answer && answer.value !== undefined
}

/** What is read of an object passes through `around`: its bytes at once, or the first of its parts. */
function interceptBody(stored: R2ObjectBody, around: AroundAll): R2ObjectBody {
  return new Proxy(stored, {
    get(real, name) {
      if (name === "body") return interceptStream(real, around)
      const member: unknown = Reflect.get(real, name)
      if (typeof member !== "function") return member
      const run = (): unknown => Reflect.apply(member, real, [])
      return name === "bytes" || name === "arrayBuffer" ? () => around("read", async () => run()) : run
    },
  })
}

/** The length is kept: the bucket takes no stream without one. */
function interceptStream({ body, size, range }: R2ObjectBody, around: AroundAll): ReadableStream {
  const length = range && "length" in range ? (range.length ?? size) : size
  const { readable, writable } = new FixedLengthStream(length)
  const pass = async () => {
    const writer = writable.getWriter()
    const reader = body.getReader()
    try {
      let part = await around("stream", () => reader.read())
      while (isPart(part)) {
        await writer.write(part.value)
        part = await reader.read()
      }
      await writer.close()
    } catch (error) {
      await Promise.allSettled([writer.abort(error), reader.cancel(error)])
    }
  }
  void pass()
  return readable
}

/** What a call is made to throw. */
export class Fault extends Error {
  override name = "Fault"
}
