/** What the real git pushes to a running edge, and what the API makes of it. */
import { randomBytes } from "node:crypto"
import { request } from "node:http"
import { chmodSync, renameSync, statSync } from "node:fs"
import { join } from "node:path"
import { afterAll, beforeAll, beforeEach, describe, expect, inject, test } from "vitest"
import { call, createProject } from "./client.ts"
import { filesPath, read, readAll, Workspace, write } from "./git-client.ts"

const edge = inject("edge")
const DEV = "/stage/dev"
let work: Workspace
let number = 0
/** A project of each test's own, and the clone of it, on `dev`. */
let project: string
let clone: string

beforeAll(() => {
  work = new Workspace(edge)
})

beforeEach(async () => {
  project = `git-pushed-${++number}`
  clone = project
  await createProject(edge, project, "dev", "prod")
  await work.clone(project, clone, "--branch", "dev")
})

afterAll(() => work.remove())

/** Pushes `dev`, and expects a fresh clone to be the same, and sound. */
async function pushed(...options: string[]): Promise<void> {
  await work.git(clone, [...options, "push", "--quiet", "origin", "dev"])
  const again = `${clone}-again-${crypto.randomUUID()}`
  await work.clone(project, again, "--branch", "dev")
  await work.git(again, ["fsck", "--strict", "--no-dangling"])
  expect(await work.head(again)).toBe(await work.head(clone))
  expect(work.files(again)).toEqual(work.files(clone))
  expect(await readAll(edge, project, DEV)).toEqual(work.files(clone))
}

/** Expects a push to be refused, the reason shown, and nothing to be moved. */
async function refused(args: string[], reason: string | RegExp): Promise<void> {
  const before = await work.git("", ["ls-remote", work.url(project)])
  const { status, error } = await work.run(clone, ["push", ...args])
  expect(error).toMatch(reason)
  expect(status).not.toBe(0)
  expect(await work.git("", ["ls-remote", work.url(project)])).toBe(before)
}

describe("a push is read by the API", () => {
  test("at every one of its commits, and the next write continues it", async () => {
    const commits: string[] = []
    for (const n of [0, 1, 2]) commits.push(await work.commit(clone, { "a.txt": `${n}`, [`deep/er/${n}.txt`]: `${n}` }))
    await pushed()
    for (const [n, commit] of commits.entries()) {
      expect(await read(edge, project, DEV, "a.txt", commit)).toBe(`${n}`)
      expect(await read(edge, project, DEV, `deep/er/${n}.txt`, commit)).toBe(`${n}`)
      expect(await read(edge, project, DEV, `deep/er/${n + 1}.txt`, commit)).toBeNull()
    }
    const next = await write(edge, project, DEV, { "a.txt": "by the API" })
    await work.git(clone, ["pull", "--quiet", "--ff-only"])
    expect(await work.head(clone)).toBe(next)
    expect(await work.head(clone, "HEAD~1")).toBe(commits.at(-1))
    expect(work.files(clone)["a.txt"]).toBe("by the API")
    await work.commit(clone, { "a.txt": "by git again" })
    await pushed()
  })

  test("in the older protocol too", async () => {
    await work.commit(clone, { "a.txt": "old" })
    await pushed("-c", "protocol.version=0")
  })

  test("with a merge, whose side commits can be read", async () => {
    await work.git(clone, ["checkout", "--quiet", "-b", "side"])
    const side = await work.commit(clone, { "side.txt": "side" })
    await work.git(clone, ["checkout", "--quiet", "dev"])
    const line = await work.commit(clone, { "line.txt": "line" })
    await work.git(clone, ["merge", "--quiet", "--no-edit", "side"])
    await pushed()
    expect(await read(edge, project, DEV, "side.txt", side)).toBe("side")
    expect(await read(edge, project, DEV, "line.txt", side)).toBeNull()
    expect(await read(edge, project, DEV, "line.txt", line)).toBe("line")
    expect(await read(edge, project, DEV, "side.txt", line)).toBeNull()
  })

  test("of the default branch merged into a stage", async () => {
    await write(edge, project, "", { "shared.yaml": "shared" })
    await work.git(clone, ["fetch", "--quiet"])
    await work.git(clone, ["merge", "--quiet", "--no-edit", "origin/main"])
    await pushed()
    expect(await read(edge, project, DEV, "shared.yaml")).toBe("shared")
  })

  test("of one stage to another, as long as it goes forward", async () => {
    const commit = await work.commit(clone, { "a.txt": "promoted" })
    await pushed()
    await work.git(clone, ["push", "--quiet", "origin", "dev:prod"])
    expect(await readAll(edge, project, "/stage/prod")).toEqual(await readAll(edge, project, DEV))
    expect(await work.git("", ["ls-remote", work.url(project), "prod"])).toContain(commit)
  })

  test("from a shallow clone", async () => {
    for (const n of [0, 1, 2]) await work.commit(clone, { "a.txt": `${n}` })
    await pushed()
    const shallow = `${clone}-shallow`
    for (const version of ["0", "2"]) {
      const folder = `${shallow}-${version}`
      await work.clone(project, folder, "-c", `protocol.version=${version}`, "--depth", "1", "--branch", "dev")
      const commit = await work.commit(folder, { "b.txt": `from a shallow clone ${version}` })
      await work.git(folder, ["push", "--quiet", "origin", "dev"])
      expect(await read(edge, project, DEV, "b.txt", commit)).toBe(`from a shallow clone ${version}`)
    }
    await work.git(clone, ["pull", "--quiet", "--ff-only"])
    await pushed()
  })

  test("with a large file of which one line changes, as a delta", async () => {
    const lines = Array.from({ length: 20_000 }, (_, n) => `line ${n} ${randomBytes(8).toString("hex")}`)
    await work.commit(clone, { "large.txt": lines.join("\n") })
    await pushed()
    lines[10_000] = "another line"
    await work.commit(clone, { "large.txt": lines.join("\n") })
    const { error } = await work.run(clone, ["push", "--progress", "origin", "dev"])
    expect(error).toMatch(/Delta compression|delta 1/)
    expect(error).not.toMatch(/\d MiB/)
    expect(await read(edge, project, DEV, "large.txt")).toBe(lines.join("\n"))
    await work.clone(project, `${clone}-deltas`, "--branch", "dev")
    await work.git(`${clone}-deltas`, ["fsck", "--strict"])
  })

  test("with many small changes of many files, in many commits", async () => {
    for (let round = 0; round < 8; round++) {
      const files = Array.from({ length: 30 }, (_, n) => [
        `folder-${n % 5}/${n}.yaml`,
        `common\n`.repeat(50) + `${n} ${(round * n) % 7}\n`,
      ])
      await work.commit(clone, Object.fromEntries(files), `round ${round}`)
      if (round % 3 === 2) await pushed()
    }
    await pushed()
  })

  test("with a folder that moved and files that are gone", async () => {
    await work.commit(clone, { "old/a.txt": "a", "old/deep/b.txt": "b", "gone.txt": "gone" })
    await pushed()
    renameSync(join(work.folder, clone, "old"), join(work.folder, clone, "new"))
    await work.git(clone, ["rm", "--quiet", "gone.txt"])
    await work.commit(clone, {})
    await pushed()
    expect(await read(edge, project, DEV, "old/a.txt")).toBeNull()
  })

  test("with the mode of a program, which the API keeps", async () => {
    await work.commit(clone, { "run.sh": "#!/bin/sh\n" })
    chmodSync(join(work.folder, clone, "run.sh"), 0o755)
    await work.commit(clone, {})
    await pushed()
    await write(edge, project, DEV, { "run.sh": "#!/bin/sh\necho\n" })
    await work.git(clone, ["pull", "--quiet", "--ff-only"])
    expect(statSync(join(work.folder, clone, "run.sh")).mode & 0o111).not.toBe(0)
  })

  test("with bytes of any kind and any size", async () => {
    const large = randomBytes(20 * 1024 * 1024)
    await work.commit(clone, {
      "large.bin": large,
      empty: "",
      "crlf.txt": "a\r\nb",
      "nul.bin": Buffer.from([0, 255]),
      "ä 🙂.txt": "ä",
    })
    await work.git(clone, ["push", "--quiet", "origin", "dev"])
    expect(large.equals(await readRaw("large.bin"))).toBe(true)
    expect(await read(edge, project, DEV, "empty")).toBe("")
    expect(await read(edge, project, DEV, "crlf.txt")).toBe("a\r\nb")
    expect(await read(edge, project, DEV, "nul.bin")).toBe("\0\xff")
    expect(await read(edge, project, DEV, "ä 🙂.txt")).toBe(Buffer.from("ä").toString("latin1"))
    await work.clone(project, `${clone}-large`, "--branch", "dev")
    await work.git(`${clone}-large`, ["fsck", "--strict"])
  })
})

test("a project that was deleted and made again takes a push at once", async () => {
  await work.commit(clone, { "a.txt": "a" })
  await pushed()
  const { status } = await call(edge, "eu", "DELETE", `/api/controlPlane/v1/project/${project}`)
  expect(status).toBe(200)
  await createProject(edge, project, "dev", "prod")
  clone = `${project}-anew`
  await work.clone(project, clone, "--branch", "dev")
  // The same bytes as before, which went with the first project.
  await work.commit(clone, { "a.txt": "a" })
  await pushed()
  expect(await read(edge, project, DEV, "a.txt")).toBe("a")
})

describe("two who push at once", () => {
  test("are told apart: one wins, the other fetches first and pushes then", async () => {
    const folders = ["one", "two", "three"].map((name) => `${clone}-${name}`)
    await Promise.all(folders.map((folder) => work.clone(project, folder, "--branch", "dev")))
    for (const folder of folders) await work.commit(folder, { [`${folder}.txt`]: folder }, folder)
    const outcomes = await Promise.all(folders.map((folder) => work.run(folder, ["push", "origin", "dev"])))
    const lost = folders.filter((_, index) => outcomes[index]?.status !== 0)
    expect(lost).toHaveLength(2)
    for (const { error } of outcomes.filter(({ status }) => status !== 0)) expect(error).toMatch(/fetch first/)
    for (const folder of lost) {
      await work.git(folder, ["pull", "--quiet", "--rebase"])
      await work.git(folder, ["push", "--quiet", "origin", "dev"])
    }
    await work.git(clone, ["pull", "--quiet", "--ff-only"])
    await pushed()
    expect(Object.keys(work.files(clone))).toEqual(expect.arrayContaining(folders.map((folder) => `${folder}.txt`)))
  })

  test("and the API that writes meanwhile: everything that was acknowledged is there", async () => {
    await work.commit(clone, { "git.txt": "git" })
    const [outcome, ...commits] = await Promise.all([
      work.run(clone, ["push", "origin", "dev"]),
      ...["x", "y", "z"].map((name) => write(edge, project, DEV, { [name]: name })),
    ])
    if (outcome.status !== 0) {
      await work.git(clone, ["pull", "--quiet", "--rebase"])
      await work.git(clone, ["push", "--quiet", "origin", "dev"])
    }
    await work.git(clone, ["pull", "--quiet", "--ff-only"])
    const history = await work.git(clone, ["rev-list", "HEAD"])
    for (const commit of commits) expect(history).toContain(commit)
    expect(await readAll(edge, project, DEV)).toEqual(work.files(clone))
  })
})

describe("a push is refused, and git shows why", () => {
  test("that is no fast-forward, also with force", async () => {
    await work.commit(clone, { "a.txt": "a" })
    await pushed()
    await work.git(clone, ["reset", "--quiet", "--hard", "HEAD~1"])
    await work.commit(clone, { "b.txt": "b" })
    await refused(["origin", "dev"], /rejected.*(non-fast-forward|fetch first)/)
    await refused(["--force", "origin", "dev"], "non-fast-forward: fetch, then merge or rebase")
  })

  test.each([
    ["of a branch that is no stage", ["origin", "dev:feature"], /rejected.*unknown branch: branches are the stages/],
    ["of a tag", ["origin", "v1"], /rejected.*tags are not kept/],
    ["that deletes a branch", ["origin", "--delete", "prod"], /rejected.*a branch cannot be deleted/],
  ])("%s", async (_, args, reason) => {
    await work.commit(clone, { "a.txt": "a" })
    await work.git(clone, ["tag", "v1"])
    await refused(args, reason)
  })

  test.each([
    ["a symbolic link", "120000", "link", /'link' is a symbolic link, which cannot be stored/],
    ["a name with a tilde", "100644", "a~b", /'a~b' is not a name that can be stored/],
    ["a name with two dots", "100644", "a..b", /'a\.\.b' is not a name that can be stored/],
    ["a name with a control character", "100644", "a\u0001b", /is not a name that can be stored/],
  ])("of %s", async (_, mode, name, reason) => {
    const blob = await work.git(clone, ["hash-object", "-w", "--stdin"], "a")
    await work.git(clone, ["update-index", "--add", "--cacheinfo", `${mode},${blob},${name}`])
    await work.git(clone, ["commit", "--quiet", "-m", "odd"])
    await refused(["origin", "dev"], reason)
  })

  test.each(["253402300800 +0000", "999999999999 +0000"])("of a commit of the date %s", async (date) => {
    await work.git(clone, ["commit", "--quiet", "--allow-empty", "-m", "odd"], "", { GIT_COMMITTER_DATE: `@${date}` })
    await refused(["origin", "dev"], /the date of its committer is after the year 9999/)
  })

  test("of a submodule", async () => {
    const head = await work.head(clone)
    await work.git(clone, ["update-index", "--add", "--cacheinfo", `160000,${head},module`])
    await work.git(clone, ["commit", "--quiet", "-m", "module"])
    await refused(["origin", "dev"], /'module' is a submodule, which cannot be stored/)
  })

  test("of two branches at once, of which one cannot be moved", async () => {
    await work.commit(clone, { "a.txt": "a" })
    await refused(["--atomic", "origin", "dev:dev", "dev:feature"], /atomic/)
  })

  test("of a history that has nothing in common", async () => {
    await work.git(clone, ["checkout", "--quiet", "--orphan", "other"])
    await work.commit(clone, { "a.txt": "a" })
    await refused(["--force", "origin", "other:dev"], /rejected.*non-fast-forward/)
  })

  test("and what is sound is taken after it", async () => {
    await work.commit(clone, { "a~b": "a" })
    await refused(["origin", "dev"], /'a~b' is not a name/)
    await work.git(clone, ["reset", "--quiet", "--hard", "HEAD~1"])
    await work.commit(clone, { ab: "a" })
    await pushed()
  })
})

/** Reads a file of `dev` as it is. */
function readRaw(path: string): Promise<Buffer> {
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>()
  const host = `eu.api.localhost:${edge.port}`
  const headers = { host, "x-token": edge.token, accept: "application/octet-stream" }
  const options = { host: "127.0.0.1", port: edge.port, path: `${filesPath(project, DEV)}/${path}`, headers }
  const sent = request(options, (response) => {
    const parts: Buffer[] = []
    response.on("data", (part: Buffer) => parts.push(part))
    response.on("end", () => resolve(Buffer.concat(parts)))
    response.on("error", reject)
  })
  sent.on("error", reject)
  sent.end()
  return promise
}
