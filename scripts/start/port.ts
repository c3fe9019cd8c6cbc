/** Where to listen. Names below `localhost` resolve to 127.0.0.1 in some programs and to ::1 in others: both are served. */
import { randomInt } from "node:crypto"
import { createServer } from "node:net"
import { setTimeout as wait } from "node:timers/promises"
import { z } from "zod"
import { StartError } from "./settings.ts"

const systemError = z.object({ code: z.string() })
/** How often, 100 ms apart, to ask for a port that a Quarterdeck just killed may still hold. */
const ATTEMPTS = 10

/** The loopback addresses of this machine, once `port` is free on all of them. */
export async function loopbackAddresses(port: number): Promise<string[]> {
  const addresses: string[] = []
  for (const address of ["127.0.0.1", "::1"]) {
    if (await isThere(address, port)) addresses.push(address)
  }
  return addresses
}

/** The error for a port that something else listens on. */
export function portTaken(port: number): StartError {
  return new StartError(`Port ${port} is taken. Stop what listens there, or set PORT to another port.`)
}

/** Whether this machine has `address`; throws when its port is taken. */
async function isThere(address: string, port: number): Promise<boolean> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const code = await tryToListen(address, port)
    if (code === null) return true
    if (code === "EACCES") throw new StartError(`Port ${port} needs privileges. Set PORT to a port above 1023.`)
    if (code !== "EADDRINUSE") return false
    await wait(100)
  }
  throw portTaken(port)
}

/** Listens for a moment; the code of the error when that fails. */
function tryToListen(address: string, port: number): Promise<string | null> {
  return new Promise((done) => {
    const server = createServer()
    server.on("error", (error) => done(systemError.safeParse(error).data?.code ?? "unknown"))
    server.listen({ host: address, port, exclusive: true }, () => server.close(() => done(null)))
  })
}

/**
 * A port of this machine that nothing listens at. It is below those that systems hand out by themselves: until it is listened at, which takes a
 * start some seconds, no connection or server of another program is given it.
 */
export async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < 100; attempt++) {
    const port = randomInt(20_000, 32_768)
    if ((await tryToListen("127.0.0.1", port)) === null) return port
  }
  throw new Error("no port is free")
}
