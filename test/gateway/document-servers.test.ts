/** Which servers the documents name, and what else they say of themselves. */
import { describe, expect, it } from "vitest"
import { z } from "zod"
import { send } from "../support/client.ts"
import { documentPaths } from "../support/documents.ts"
import { edgeWith } from "../support/edge.ts"

const documentSchema = z.looseObject({
  info: z.looseObject({ contact: z.unknown(), license: z.unknown() }),
  servers: z.array(z.unknown()),
  tags: z.array(z.strictObject({ name: z.string(), description: z.string() })),
  paths: z.record(z.string(), z.record(z.string(), z.looseObject({ tags: z.array(z.string()) }))),
})

const THIS_HOST = { url: "/", description: "This host" }
const region = { default: "eu", enum: ["eu", "us"], description: "The region that holds the data" }
const port = { default: "8787", description: "The port of `npm start`" }

async function read(response: Response): Promise<z.infer<typeof documentSchema>> {
  return documentSchema.parse(await response.json())
}

describe.each(["eu", "us", "global"])("every document of %s", (label) => {
  it("says who made it, under which license, and what its tags mean", async () => {
    for (const path of await documentPaths(label)) {
      const { info, tags, paths } = await read(await send(label, path, { token: null }))
      expect(info.contact).toEqual({ name: "Quarterdeck" })
      expect(info.license).toEqual({ name: "Apache License 2.0", identifier: "Apache-2.0" })
      const used = Object.values(paths).flatMap((item) => Object.values(item).flatMap((operation) => operation.tags))
      expect(tags.map(({ name }) => name).toSorted()).toEqual([...new Set(used)].toSorted())
      for (const { description } of tags) expect(description).toMatch(/^[A-Z].*\.$/)
    }
  })

  it("names this host and, as a local run has them, those of the deployment", async () => {
    const other =
      label === "global"
        ? { url: "http://global.api.localhost:{port}", description: "The global host", variables: { port } }
        : {
            url: "http://{region}.api.localhost:{port}",
            description: "The host of a region",
            variables: { region, port },
          }
    for (const path of await documentPaths(label)) {
      const { servers } = await read(await send(label, path, { token: null }))
      expect(servers).toEqual([THIS_HOST, other])
    }
  })
})

it("a deployment's documents name its hosts", async () => {
  const edge = edgeWith({ apiDomain: "api.example.com" })
  const serversOf = async (host: string, name: string) =>
    (await read(await edge(`https://${host}.api.example.com/api/openapi/${name}.json`))).servers
  expect(await serversOf("us", "secret-service")).toEqual([
    THIS_HOST,
    { url: "https://{region}.api.example.com", description: "The host of a region", variables: { region } },
  ])
  expect(await serversOf("global", "identity")).toEqual([
    THIS_HOST,
    { url: "https://global.api.example.com", description: "The global host" },
  ])
})
