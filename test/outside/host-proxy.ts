/** A server on 127.0.0.1 that passes requests on to a host of an edge: for programs that can neither resolve its name nor be told an address for it. */
import { once } from "node:events"
import { createServer, request, type Server } from "node:http"
import type { RunningEdge } from "./edge.ts"

/** Starts one for the host with this label, on a free port. */
export async function startHostProxy(edge: RunningEdge, label: string): Promise<{ server: Server; url: string }> {
  const server = createServer((incoming, outgoing) => {
    const { method, url: path, headers } = incoming
    const host = `${label}.api.localhost:${edge.port}`
    const options = { host: "127.0.0.1", port: edge.port, method, path, headers: { ...headers, host } }
    const sent = request(options, (response) => {
      outgoing.writeHead(response.statusCode ?? 502, response.headers)
      response.pipe(outgoing)
    })
    sent.on("error", () => outgoing.destroy())
    incoming.pipe(sent)
  })
  server.listen(0, "127.0.0.1")
  await once(server, "listening")
  const address = server.address()
  if (address === null || typeof address === "string") throw new Error("the proxy has no port")
  return { server, url: `http://127.0.0.1:${address.port}` }
}
