/** What a client meets with before any object is sent: who may ask, for what, and how. */
import { gzipSync } from "node:zlib"
import { beforeAll, describe, expect, it } from "vitest"
import type { ObjectId } from "../../../src/git/objects.ts"
import { pktLine } from "../../../src/git/pkt-line.ts"
import { concat, streamOf, utf8 } from "../../../src/lib/bytes.ts"
import { noise } from "../../support/bytes.ts"
import { edgeWith } from "../../support/edge.ts"
import { adminToken, base64, send } from "../../support/client.ts"
import { clientAt } from "../../support/address.ts"
import { ask, commandBody, fetchBody, headOf, linesOf, packObjects, pushBody } from "../../support/git.ts"
import { commitFiles, newProject } from "../../support/keptn.ts"
import { tokenWith } from "../../support/people.ts"

const V2 = { "git-protocol": "version=2" }
const FLUSH = utf8("0000")
const REFUSAL = "give a valid token as the password, with any user name\n"

let project: string
let head: ObjectId

beforeAll(async () => {
  project = await newProject("dev")
  await commitFiles({ project, stage: "dev" }, { "a.txt": "a" })
  head = await headOf(project, "dev")
})

function infoRefs(request: Parameters<typeof send>[2] = {}, service = "git-upload-pack", of = project) {
  return send("eu", `/git/${of}/info/refs?service=${service}`, request)
}

/** What git shows to its user: status, type and text. */
async function told(response: Response): Promise<[status: number, type: string | null, text: string]> {
  return [response.status, response.headers.get("content-type"), await response.text()]
}

describe("a caller without a token", () => {
  it.each([
    ["GET", "info/refs?service=git-upload-pack"],
    ["POST", "git-upload-pack"],
    ["POST", "git-receive-pack"],
    ["GET", "nowhere"],
  ])("is asked for a password: %s %s", async (method, path) => {
    for (const name of [project, `${project}.git`, "no-such-project"]) {
      const response = await send("eu", `/git/${name}/${path}`, { method, token: null, headers: clientAt() })
      expect(response.headers.get("www-authenticate")).toBe('Basic realm="quarterdeck"')
      expect(await told(response)).toEqual([401, "text/plain", REFUSAL])
    }
  })

  it("may ask as often as git does", async () => {
    const headers = clientAt()
    for (let round = 0; round < 40; round++) expect((await infoRefs({ token: null, headers })).status).toBe(401)
  })
})

describe("a token", () => {
  it.each<[string, (token: string) => Record<string, string>]>([
    ["as a password", (token) => ({ authorization: `Basic ${base64(`git:${token}`)}` })],
    ["as a password without a user name", (token) => ({ authorization: `Basic ${base64(`:${token}`)}` })],
    ["as a bearer", (token) => ({ authorization: `Bearer ${token}` })],
    ["in x-token", (token) => ({ "x-token": token })],
    ["in two places", (token) => ({ "x-token": token, authorization: `Basic ${base64(`git:${token}`)}` })],
  ])("is taken %s", async (_, headers) => {
    expect((await infoRefs({ token: null, headers: headers(adminToken) })).status).toBe(200)
  })

  it.each<[string, Record<string, string>]>([
    ["that is wrong", { authorization: `Basic ${base64("git:kpat_wrong")}` }],
    ["as the user name", { authorization: `Basic ${base64(`${adminToken}:`)}` }],
    ["without a colon", { authorization: `Basic ${base64(adminToken)}` }],
    ["that is no base64", { authorization: "Basic %%%" }],
    ["beside another one", { "x-token": adminToken, authorization: `Basic ${base64("git:kpat_wrong")}` }],
  ])("is refused with 401: one %s", async (_, headers) => {
    const response = await infoRefs({ token: null, headers: { ...clientAt(), ...headers } })
    expect(response.headers.get("www-authenticate")).toBe('Basic realm="quarterdeck", error="invalid_token"')
    expect(await told(response)).toEqual([401, "text/plain", REFUSAL])
  })

  it("that is wrong can be tried a few times only: 429", async () => {
    const headers = { ...clientAt(), authorization: `Basic ${base64("git:kpat_wrong")}` }
    let status = 401
    for (let round = 0; round < 40 && status === 401; round++) {
      ;({ status } = await infoRefs({ token: null, headers }))
    }
    expect(status).toBe(429)
  })

  it("is no password anywhere else: 401", async () => {
    const headers = { ...clientAt(), authorization: `Basic ${base64(`git:${adminToken}`)}` }
    for (const path of ["/api/v1/metadata", `/api/controlPlane/v1/project/${project}`]) {
      const response = await send("eu", path, { token: null, headers })
      expect(response.status).toBe(401)
      expect(response.headers.get("www-authenticate")).toMatch(/^Bearer /)
    }
  })
})

describe("a role", () => {
  it("to read is enough to fetch, and not to push: 403", async () => {
    const token = await tokenWith({ roleName: "Viewer", entityId: project })
    expect((await infoRefs({ token })).status).toBe(200)
    expect((await ask(project, "upload-pack", FLUSH, { token })).status).toBe(200)
    const refusal = `missing role Contributor or Admin on project '${project}' in region 'eu'\n`
    for (const response of [
      await infoRefs({ token }, "git-receive-pack"),
      await ask(project, "receive-pack", FLUSH, { token }),
    ]) {
      expect(await told(response)).toEqual([403, "text/plain", refusal])
    }
  })

  it("to contribute is enough to push", async () => {
    const token = await tokenWith({ roleName: "Contributor", entityId: project })
    expect((await infoRefs({ token }, "git-receive-pack")).status).toBe(200)
    expect((await ask(project, "receive-pack", FLUSH, { token })).status).toBe(200)
  })

  it.each([
    ["on another project", { entityId: "another" }],
    ["in another region", { entityRegion: "us" }],
  ])("%s shows nothing: 404, as for a project that is not there", async (_, entity) => {
    const token = await tokenWith({ roleName: "Admin", ...entity })
    const text = `there is no project '${project}' in this region\n`
    for (const response of [
      await infoRefs({ token }),
      await infoRefs({ token }, "git-receive-pack"),
      await ask(project, "upload-pack", FLUSH, { token }),
      await ask(project, "receive-pack", FLUSH, { token }),
    ]) {
      expect(await told(response)).toEqual([404, "text/plain", text])
    }
    expect(await told(await infoRefs({}, "git-upload-pack", "nowhere"))).toEqual([
      404,
      "text/plain",
      "there is no project 'nowhere' in this region\n",
    ])
  })
})

describe("a project", () => {
  it("of another region is not there: 404", async () => {
    const response = await send("us", `/git/${project}.git/info/refs?service=git-upload-pack`)
    expect(await told(response)).toEqual([404, "text/plain", `there is no project '${project}' in this region\n`])
  })

  it("is advertised with its branches, the default one as HEAD, and is not to be cached", async () => {
    const response = await send("eu", `/git/${project}.git/info/refs?service=git-upload-pack`)
    expect(response.headers.get("content-type")).toBe("application/x-git-upload-pack-advertisement")
    expect(response.headers.get("cache-control")).toMatch(/no-cache/)
    const [service, first, ...others] = await linesOf(response)
    const main = await headOf(project, "main")
    expect(service).toBe("# service=git-upload-pack")
    expect(first).toMatch(new RegExp(`^${main} HEAD\0.*symref=HEAD:refs/heads/main`))
    expect(others).toEqual([`${head} refs/heads/dev`, `${main} refs/heads/main`])
  })

  it("is advertised to a push without HEAD", async () => {
    const lines = await linesOf(await infoRefs({}, "git-receive-pack"))
    expect(lines.map((line) => line.split("\0")[0]?.split(" ").at(-1))).toEqual([
      "service=git-receive-pack",
      "refs/heads/dev",
      "refs/heads/main",
    ])
  })

  it("is advertised without its branches in version 2", async () => {
    const lines = await linesOf(await infoRefs({ headers: V2 }))
    expect(lines[0]).toBe("version 2")
    expect(lines).toContain("ls-refs")
  })
})

describe("a request is refused", () => {
  it.each(["", "?service=", "?service=git-upload-archive", "?service=git-upload-pack%00"])(
    "of the old protocol, or of an unknown one, with 400: info/refs%s",
    async (query) => {
      const [status, type] = await told(await send("eu", `/git/${project}.git/info/refs${query}`))
      expect([status, type]).toEqual([400, "text/plain"])
    },
  )

  it.each(["HEAD", "objects/info/packs", "git-upload-archive", ""])("for %j with 404", async (path) => {
    const [status, type] = await told(await send("eu", `/git/${project}.git/${path}`))
    expect([status, type]).toEqual([404, "text/plain"])
  })

  it("with another method with 405", async () => {
    const [status, type] = await told(await send("eu", `/git/${project}.git/git-upload-pack`))
    expect([status, type]).toEqual([405, "text/plain"])
  })

  it.each(["application/json", "text/plain", "application/x-git-receive-pack-request; charset=utf-8", ""])(
    "with the type %j with 415",
    async (type) => {
      for (const program of ["upload-pack", "receive-pack"] as const) {
        const headers = { "content-type": type }
        const [status, , text] = await told(await ask(project, program, FLUSH, { headers }))
        expect([status, text]).toEqual([
          415,
          `the body must be sent with Content-Type: application/x-git-${program}-request, as git does\n`,
        ])
      }
    },
  )

  it("with a compression that is not gzip with 415", async () => {
    const response = await ask(project, "upload-pack", FLUSH, { headers: { "content-encoding": "br" } })
    const text = "Content-Encoding 'br' is not supported: send the body as it is, or with one of gzip, deflate\n"
    expect(await told(response)).toEqual([415, "text/plain", text])
    expect(response.headers.get("accept-encoding")).toBe("gzip, deflate")
  })

  it("with a part of a body with 400", async () => {
    for (const program of ["upload-pack", "receive-pack"] as const) {
      const response = await ask(project, program, FLUSH, { headers: { "content-range": "bytes 0-3/8" } })
      expect((await told(response)).slice(0, 2)).toEqual([400, "text/plain"])
    }
  })

  it("without a body with 400", async () => {
    const type = { "content-type": "application/x-git-upload-pack-request" }
    const response = await send("eu", `/git/${project}.git/git-upload-pack`, { method: "POST", headers: type })
    expect((await told(response)).slice(0, 2)).toEqual([400, "text/plain"])
  })
})

describe("a fetch is answered with ERR", () => {
  const unknown = "d".repeat(40)
  it.each<[string, Uint8Array<ArrayBuffer>, string]>([
    ["when it is empty", FLUSH, "ERR '' is not served here"],
    ["of an unknown command", pktLine("command=object-info\n"), "ERR 'command=object-info' is not served here"],
    ["of no framing", utf8("hello, server"), "ERR a line does not begin with its length"],
    ["that is cut off", utf8("0032want"), "ERR the data ends too early"],
    ["of a commit that is not there", fetchBody(`want ${unknown}`, "done"), `ERR upload-pack: not our ref ${unknown}`],
    ["of what is no id", fetchBody("want HEAD", "done"), "ERR 'HEAD' is not an object id"],
    [
      "of an endless depth",
      fetchBody("deepen 99999999999999999", "done"),
      "ERR 'deepen 99999999999999999' is not valid: give a number above 0",
    ],
    ["of no depth", fetchBody("deepen 0", "done"), "ERR 'deepen 0' is not valid: give a number above 0"],
    ["since no time", fetchBody("deepen-since 0", "done"), "ERR 'deepen-since 0' is not valid: give a number above 0"],
    [
      "of a depth and since a time",
      fetchBody(`want ${unknown}`, "deepen 1", "deepen-since 1", "done"),
      "ERR deepen and deepen-since (or deepen-not) cannot be used together",
    ],
    [
      "without a branch that is not there",
      fetchBody(`want ${unknown}`, "deepen-not nowhere", "done"),
      "ERR there is no branch 'nowhere'",
    ],
    ["with an argument that is not known", fetchBody("filter blob:none"), "ERR 'filter blob:none' is not understood"],
    [
      "that is too long",
      concat(Array.from({ length: 200_000 }, () => pktLine(`have ${unknown}\n`))),
      "ERR the request is too long",
    ],
  ])("%s", async (_, body, message) => {
    const response = await ask(project, "upload-pack", body, { headers: V2 })
    expect(response.status).toBe(200)
    expect((await linesOf(response)).join("\n")).toContain(message)
  })

  it("of a tree or a blob, and of a commit of another project", async () => {
    const ids = await packObjects(project, [head], [])
    const commits = await packObjects(project, [head], [head])
    expect(commits).toEqual([])
    const other = await newProject("dev")
    await commitFiles({ project: other, stage: "dev" }, { "b.txt": "b" })
    for (const id of [await headOf(other, "dev"), ...ids]) {
      const response = await ask(project, "upload-pack", fetchBody(`want ${id}`, "done"), { headers: V2 })
      const text = new TextDecoder().decode(await response.arrayBuffer())
      expect(text).toMatch(new RegExp(`ERR upload-pack: not our ref ${id}|^000dpackfile`))
    }
  })

  it("when what was compressed makes more than is read", async () => {
    const body = new Uint8Array(gzipSync(concat(Array.from({ length: 200_000 }, () => pktLine(`have ${unknown}\n`)))))
    expect(body.length).toBeLessThan(100_000)
    const response = await ask(project, "upload-pack", body, { headers: { ...V2, "content-encoding": "gzip" } })
    expect(await linesOf(response)).toEqual(["ERR the request is too long"])
  })
})

describe("a fetch", () => {
  it("that wants nothing gets nothing, as from git", async () => {
    for (const [body, headers] of [
      [fetchBody("done"), V2],
      [FLUSH, {}],
    ] as const) {
      const response = await ask(project, "upload-pack", body, { headers })
      expect([response.status, await response.text()]).toEqual([200, ""])
    }
  })

  it.each(["gzip", "GZIP", "x-gzip", "identity, gzip"])("may be compressed: %s", async (coding) => {
    const body = new Uint8Array(gzipSync(fetchBody(`want ${head}`, `have ${head}`)))
    const response = await ask(project, "upload-pack", body, { headers: { ...V2, "content-encoding": coding } })
    expect((await linesOf(response)).slice(0, 2)).toEqual(["acknowledgments", `ACK ${head}`])
  })

  it("that is not compressed, though it says so, is answered with ERR", async () => {
    const headers = { ...V2, "content-encoding": "gzip" }
    const response = await ask(project, "upload-pack", fetchBody("done"), { headers })
    expect(await linesOf(response)).toEqual(["ERR the request is not compressed with gzip, as it says"])
  })

  it("of the branches shows those that begin as asked", async () => {
    const list = async (...args: string[]) =>
      linesOf(await ask(project, "upload-pack", commandBody("ls-refs", ...args), { headers: V2 }))
    const main = await headOf(project, "main")
    expect(await list("ref-prefix refs/heads/d")).toEqual([`${head} refs/heads/dev`])
    expect(await list("symrefs", "ref-prefix HEAD")).toEqual([`${main} HEAD symref-target:refs/heads/main`])
    expect(await list("peel")).toHaveLength(3)
  })
})

describe("a push", () => {
  it("that moves nothing, as git asks before it sends a large pack, is answered with 200", async () => {
    const response = await ask(project, "receive-pack", FLUSH)
    expect(response.headers.get("content-type")).toBe("application/x-git-receive-pack-result")
    expect([response.status, new TextDecoder().decode(await response.arrayBuffer())]).toEqual([200, ""])
  })

  it.each([
    ["hello", /^ERR a line does not begin with its length/],
    ["000dhello wor", /^ERR 'hello wor' is not understood/],
    [`0032${"0".repeat(40)} x`, /^ERR /],
    ["PACK", /^ERR /],
  ])("of %j is answered with ERR", async (body, message) => {
    const response = await ask(project, "receive-pack", utf8(body))
    expect(response.status).toBe(200)
    expect(await linesOf(response)).toEqual([expect.stringMatching(message)])
  })

  it.each(["with", "without"])("larger than the limit is refused with 413, %s a length", async (length) => {
    const small = edgeWith({ maxRawBytes: 1000 })
    const bytes = pushBody([{ ref: "refs/heads/dev", from: head, to: "d".repeat(40) }], noise(2000))
    const response = await small(`http://eu.api.localhost/git/${project}.git/git-receive-pack`, {
      method: "POST",
      headers: { "x-token": adminToken, "content-type": "application/x-git-receive-pack-request" },
      body: length === "with" ? bytes : streamOf([bytes.slice(0, 900), bytes.slice(900)]),
    })
    expect(await told(response)).toEqual([413, "text/plain", "the body is larger than 1000 bytes\n"])
  })

  it("of more refs than there can be is answered with ERR", async () => {
    const lines = Array.from({ length: 1001 }, (_, n) => pktLine(`${head} ${head} refs/heads/${n}`))
    const response = await ask(project, "receive-pack", concat([...lines, FLUSH]))
    expect(await linesOf(response)).toEqual(["ERR more than 1000 refs at once"])
  })
})
