import { env } from "cloudflare:workers"
import { describe, expect, it } from "vitest"
import { z } from "zod"
import { readGitCredentials } from "../../../src/collections/control-plane/git-credentials.ts"
import { loadConfig } from "../../../src/config.ts"
import { gitSecretPurpose } from "../../../src/partition/secrets.ts"
import { adminToken, base64, send, shipyard } from "../../support/client.ts"
import { edgeWith } from "../../support/edge.ts"
import { findEvents } from "../../support/events.ts"
import { failure, newProject } from "../../support/keptn.ts"
import { captureLog } from "../../support/log.ts"
import { deleteProject, getProject, postProject, projectsPath, putProject } from "../../support/projects.ts"
import { query } from "../../support/storage.ts"

/** Texts that must not be found anywhere. */
const SECRETS = ["s3cret-token", "s3cret-proxy", "s3cret-phrase", "s3cret-url", base64("s3cret-pem"), "s3cret-pem"]

const overHttps = {
  remoteURL: "https://someone:s3cret-url@git.example.com/a.git",
  user: "someone",
  https: {
    token: "s3cret-token",
    certificate: base64("s3cret-pem"),
    insecureSkipTLS: true,
    proxy: { url: "proxy.example.com:3128", scheme: "http", user: "p", password: "s3cret-proxy" },
  },
}
const overSsh = {
  remoteURL: "ssh://git:s3cret-url@git.example.com/a.git",
  user: "git",
  ssh: { privateKey: base64("s3cret-pem"), privateKeyPass: "s3cret-phrase" },
}
const https = { token: "t" }

const WRONG_URL = "provided gitRemoteURL is not valid: only http, https or ssh protocols are supported in gitRemoteURL"

/** Credentials that are refused, each with what is said of them. */
const refusals = [
  ...[undefined, "", "git.example.com", "ftp://a/b", "git@github.com:a/b.git", "file:///etc", "javascript:1"].map(
    (remoteURL): [object, string] => [{ remoteURL, https }, WRONG_URL],
  ),
  [{}, WRONG_URL],
  [{ remoteURL: "https://a/b", https, ssh: {} }, "SSH and HTTPS authorization cannot be used together"],
  [{ remoteURL: "ssh://a/b", https, ssh: {} }, "SSH and HTTPS authorization cannot be used together"],
  [{ remoteURL: "https://a/b" }, "a remote with http or https needs https.token"],
  [{ remoteURL: "http://a/b", https: { token: "" } }, "a remote with http or https needs https.token"],
  [{ remoteURL: "https://a/b", ssh: { privateKey: "YQ==" } }, "a remote with http or https needs https.token"],
  [{ remoteURL: "ssh://a/b" }, "a remote with ssh needs ssh.privateKey"],
  [{ remoteURL: "ssh://a/b", https }, "a remote with ssh needs ssh.privateKey"],
  [{ remoteURL: "ssh://a/b", ssh: { privateKey: "%" } }, "could not decode privateKey content"],
  [{ remoteURL: "https://a/b", https: { ...https, certificate: "%" } }, "could not decode PEM Certificate content"],
] satisfies [object, string][]

const rowSchema = z.object({ git_remote: z.string().nullable(), git_secret: z.string().nullable() })

async function storedOf(project: string): Promise<z.infer<typeof rowSchema>> {
  const [row] = await query(rowSchema, "select git_remote, git_secret from projects where name = ?", project)
  if (!row) throw new Error(`there is no project ${project}`)
  return row
}

/** What is sealed in a project's row. */
async function unsealed(project: string): Promise<unknown> {
  const { git_secret: sealed } = await storedOf(project)
  const { secretKeys } = loadConfig({ ...env })
  const opened = await secretKeys?.open(gitSecretPurpose("eu", project), sealed ?? "")
  if (opened?.outcome !== "opened") throw new Error(`the secret is ${opened?.outcome}`)
  return JSON.parse(opened.text)
}

function expectNoSecret(text: string): void {
  for (const secret of SECRETS) expect(text).not.toContain(secret)
}

describe("git credentials", () => {
  it.each(refusals)("are refused with 400 when a project is created: %j", async (gitCredentials, text) => {
    const body = { name: "refused", shipyard: base64(shipyard("dev")), gitCredentials }
    const refused = await failure(await postProject(body))
    expect(refused).toEqual({ status: 400, code: 400, message: `Could not validate payload: ${text}` })
    expect((await send("eu", `${projectsPath}/refused`)).status).toBe(404)
  })

  it("are refused with 400 when a project is changed", async () => {
    const name = await newProject("dev")
    const refused = await failure(await putProject({ name, gitCredentials: { remoteURL: "x" } }))
    expect(refused).toEqual({ status: 400, code: 400, message: `Could not validate payload: ${WRONG_URL}` })
    expect(await storedOf(name)).toEqual({ git_remote: null, git_secret: null })
  })

  it("are refused with 400 when their base64 says nothing of what is in it", async () => {
    const lines = captureLog()
    const credentials = { ...overHttps, https: { ...overHttps.https, certificate: "s3cret-pem %" } }
    const response = await putProject({ name: await newProject("dev"), gitCredentials: credentials })
    expect(response.status).toBe(400)
    expectNoSecret(await response.text())
    expectNoSecret(lines.map(({ text }) => text).join("\n"))
  })
})

describe.each([
  {
    over: "https",
    sent: overHttps,
    shown: {
      remoteURL: "https://git.example.com/a.git",
      user: "someone",
      https: { insecureSkipTLS: true, proxy: { url: "proxy.example.com:3128", scheme: "http", user: "p" } },
    },
    kept: {
      remoteURL: overHttps.remoteURL,
      proxyURL: overHttps.https.proxy.url,
      token: "s3cret-token",
      certificate: base64("s3cret-pem"),
      proxyPassword: "s3cret-proxy",
    },
  },
  {
    over: "ssh",
    sent: overSsh,
    shown: { remoteURL: "ssh://git@git.example.com/a.git", user: "git" },
    kept: { remoteURL: overSsh.remoteURL, privateKey: base64("s3cret-pem"), privateKeyPass: "s3cret-phrase" },
  },
])("git credentials over $over", ({ over, sent, shown, kept }) => {
  it("are kept with a new project, and answered without what is secret", async () => {
    const name = `created-${over}`
    const lines = captureLog()
    const response = await postProject({ name, shipyard: base64(shipyard("dev")), gitCredentials: sent })
    expect([response.status, await response.text()]).toEqual([201, ""])
    const project = await getProject(name)
    expect(project).toMatchObject({ isUpstreamAutoProvisioned: false })
    expect(project.gitCredentials).toEqual(shown)
    expectNoSecret(lines.map(({ text }) => text).join("\n"))
    const { events } = await findEvents(`project=${name}`)
    expect(events[0]?.data["createdProject"]).toMatchObject({ gitRemoteURL: shown.remoteURL })
    expectNoSecret(JSON.stringify(events))
  })

  it("are sealed in the database", async () => {
    const stored = await storedOf(`created-${over}`)
    expectNoSecret(JSON.stringify(stored))
    expect(await unsealed(`created-${over}`)).toEqual(kept)
  })

  it("are kept with a project that had none: 201", async () => {
    const name = await newProject("dev")
    expect((await getProject(name)).isUpstreamAutoProvisioned).toBe(true)
    expect((await putProject({ name, gitCredentials: sent })).status).toBe(201)
    expect(await getProject(name)).toMatchObject({ isUpstreamAutoProvisioned: false, gitCredentials: shown })
    expect(await unsealed(name)).toEqual(kept)
  })

  it("stay when a change does not name them, and are replaced by others", async () => {
    const name = await newProject("dev")
    await putProject({ name, gitCredentials: sent })
    const before = await storedOf(name)
    await putProject({ name, shipyard: base64(`${shipyard("dev")}\n# changed`) })
    expect(await storedOf(name)).toEqual(before)
    await putProject({ name, gitCredentials: { remoteURL: "https://a.example.com/b", https } })
    expect((await getProject(name)).gitCredentials).toEqual({
      remoteURL: "https://a.example.com/b",
      https: { insecureSkipTLS: false },
    })
    expect(await unsealed(name)).toEqual({ remoteURL: "https://a.example.com/b", ...https })
  })

  it("go with the project", async () => {
    await deleteProject(`created-${over}`)
    const response = await postProject({ name: `created-${over}`, shipyard: base64(shipyard("dev")) })
    expect(response.status).toBe(201)
    expect(await storedOf(`created-${over}`)).toEqual({ git_remote: null, git_secret: null })
  })
})

describe("without keys", () => {
  const sendTo = edgeWith({ secretKeys: null })
  const write = (method: string, body: unknown) =>
    sendTo(`http://eu.api.localhost${projectsPath}`, {
      method,
      headers: { "x-token": adminToken, "content-type": "application/json" },
      body: JSON.stringify(body),
    })

  it("git credentials are refused with 503, and nothing is made or changed", async () => {
    const lines = captureLog()
    const name = await newProject("dev")
    const body = { name: "keyless", shipyard: base64(shipyard("dev")), gitCredentials: overHttps }
    for (const response of [await write("POST", body), await write("PUT", { ...body, name })]) {
      const refused = await failure(response)
      expect(refused).toMatchObject({ status: 503, code: 503, message: expect.stringContaining("SECRET_KEYS") })
      expectNoSecret(refused.message)
    }
    expectNoSecret(lines.map(({ text }) => text).join("\n"))
    expect((await send("eu", `${projectsPath}/keyless`)).status).toBe(404)
    expect(await storedOf(name)).toEqual({ git_remote: null, git_secret: null })
  })

  it("a project without them can be created and changed: 201", async () => {
    const body = { name: "no-credentials", shipyard: base64(shipyard("dev")) }
    expect((await write("POST", body)).status).toBe(201)
    expect((await write("PUT", { ...body, gitCredentials: null })).status).toBe(201)
  })
})

describe("readGitCredentials", () => {
  it.each(refusals)("refuses %j", (sent, problem) => {
    expect(readGitCredentials(sent)).toEqual({ problem })
  })

  it.each([
    ["https://git.example.com/a.git", "https://git.example.com/a.git"],
    ["HTTP://git.example.com", "HTTP://git.example.com"],
    ["https://me@git.example.com/a.git", "https://git.example.com/a.git"],
    ["https://me:pw@git.example.com/a.git?x=1", "https://git.example.com/a.git?x=1"],
    ["https://token:x-oauth-basic@git.example.com/a.git", "https://git.example.com/a.git"],
    ["https://:pw@git.example.com/a.git", "https://git.example.com/a.git"],
  ])("answers %s as %s", (remoteURL, shown) => {
    expect(readGitCredentials({ remoteURL, https })).toMatchObject({ remote: { remoteURL: shown } })
  })

  it.each([
    ["host:3128", "host:3128"],
    ["user:pw@host:3128", "user@host:3128"],
    ["http://user:pw@host:3128", "http://user@host:3128"],
  ])("answers the proxy %s as %s", (url, shown) => {
    const read = readGitCredentials({ remoteURL: "https://a/b", https: { token: "t", proxy: { url } } })
    expect(read).toMatchObject({ remote: { https: { proxy: { url: shown, scheme: "" } } } })
  })

  it("keeps all that is secret, and the URLs as they were sent, in the secret", () => {
    const read = readGitCredentials(overHttps)
    if ("problem" in read) throw new Error(read.problem)
    expectNoSecret(JSON.stringify(read.remote))
    const secret = z.record(z.string(), z.string()).parse(JSON.parse(read.secret))
    expect(Object.keys(secret)).toEqual(["remoteURL", "proxyURL", "token", "certificate", "proxyPassword"])
    expect(secret["remoteURL"]).toBe(overHttps.remoteURL)
  })
})
