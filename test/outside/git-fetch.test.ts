/** What the real git fetches from a running edge. */
import { existsSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest"
import { call, createProject } from "./client.ts"
import { readAll, tokenWith, Workspace, write } from "./git-client.ts"

const edge = inject("edge")
const PROJECT = "git-fetched"
/** The commits that the API made on `dev`, the oldest first. */
const commits: string[] = []
let work: Workspace

beforeAll(async () => {
  work = new Workspace(edge)
  await createProject(edge, PROJECT, "dev", "prod")
  await call(edge, "eu", "POST", `/api/controlPlane/v1/project/${PROJECT}/service`, { serviceName: "carts" })
  await write(edge, PROJECT, "", { "slo.yaml": "project", "folder/ä ö.txt": "names" })
  for (let n = 0; n < 5; n++) {
    commits.push(await write(edge, PROJECT, "/stage/dev", { "counter.txt": `${n}`, [`folder-${n}/file.txt`]: `${n}` }))
  }
  commits.push(
    await write(edge, PROJECT, "/stage/dev/service/carts", { "helm/carts.tgz": Buffer.from([0, 255, 10, 13]) }),
  )
  await write(edge, PROJECT, "/stage/prod", { "large.bin": Buffer.alloc(3_000_000, "0123456789") })
})

afterAll(() => work.remove())

describe.each(["0", "1", "2"])("in protocol version %s", (version) => {
  const options = ["-c", `protocol.version=${version}`]
  const at = (folder: string) => `v${version}-${folder}`

  test("a clone has every branch with the files that the API reads, and is sound", async () => {
    await work.git("", [...options, "clone", "--quiet", work.url(PROJECT), at("clone")])
    expect(await work.git(at("clone"), ["symbolic-ref", "--short", "HEAD"])).toBe("main")
    await work.git(at("clone"), ["fsck", "--strict", "--no-dangling"])
    for (const [branch, scope] of [
      ["main", ""],
      ["dev", "/stage/dev"],
      ["prod", "/stage/prod"],
    ] as const) {
      await work.git(at("clone"), ["checkout", "--quiet", branch])
      expect(work.files(at("clone"))).toEqual(await readAll(edge, PROJECT, scope))
    }
    const history = await work.git(at("clone"), ["rev-list", "--reverse", "origin/dev"])
    expect(history.split("\n").slice(-commits.length)).toEqual(commits)
  })

  test("the branches are listed", async () => {
    const lines = await work.git("", [...options, "ls-remote", "--symref", work.url(PROJECT)])
    const names = lines.split("\n").map((line) =>
      line
        .split("\t")
        .join(" ")
        .replace(/^[0-9a-f]{40} /, ""),
    )
    expect(names.toSorted()).toEqual([
      "HEAD",
      "ref: refs/heads/main HEAD",
      "refs/heads/dev",
      "refs/heads/main",
      "refs/heads/prod",
    ])
    expect(await work.git("", [...options, "ls-remote", work.url(PROJECT), "dev"])).toBe(
      `${commits.at(-1)}\trefs/heads/dev`,
    )
    expect(await work.git("", [...options, "ls-remote", work.url(PROJECT), "nothing"])).toBe("")
  })

  test("a shallow clone is deepened and then made whole", async () => {
    const folder = at("shallow")
    await work.git("", [...options, "clone", "--quiet", "--depth", "1", "--branch", "dev", work.url(PROJECT), folder])
    const count = async () => Number(await work.git(folder, ["rev-list", "--count", "HEAD"]))
    expect(await count()).toBe(1)
    await work.git(folder, [...options, "fetch", "--quiet", "--deepen", "2"])
    expect(await count()).toBe(3)
    await work.git(folder, [...options, "fetch", "--quiet", "--depth", "2"])
    expect(await count()).toBe(2)
    await work.git(folder, [...options, "fetch", "--quiet", "--unshallow"])
    expect(await count()).toBe(commits.length + 2)
    expect(existsSync(join(work.folder, folder, ".git", "shallow"))).toBe(false)
    await work.git(folder, ["fsck", "--strict", "--no-dangling"])
  })

  test("a shallow clone fetches what is new, and no more", async () => {
    const folder = at("shallow-new")
    await work.git("", [...options, "clone", "--quiet", "--depth", "1", "--branch", "dev", work.url(PROJECT), folder])
    const before = (await work.objects(folder)).length
    commits.push(await write(edge, PROJECT, "/stage/dev", { [`shallow-${version}.txt`]: `shallow ${version}` }))
    await work.git(folder, [...options, "pull", "--quiet", "--ff-only"])
    expect((await work.objects(folder)).length).toBe(before + 3)
    expect(await work.git(folder, ["rev-list", "--count", "HEAD"])).toBe("2")
    await work.git(folder, ["fsck", "--strict", "--no-dangling"])
  })

  test("a clone that asks for no files at first gets them all the same", async () => {
    const folder = at("filtered")
    await work.git("", [...options, "clone", "--quiet", "--filter=blob:none", work.url(PROJECT), folder])
    expect(work.files(folder)).toEqual(await readAll(edge, PROJECT, ""))
  })

  test("a mirror has the branches as they are", async () => {
    const folder = at("mirror")
    await work.git("", [...options, "clone", "--quiet", "--mirror", work.url(PROJECT), folder])
    expect(await work.git(folder, ["for-each-ref", "--format=%(refname:short)"])).toBe("dev\nmain\nprod")
  })

  test("a clone without one commit and all before it ends there", async () => {
    const folder = at("excluded")
    await work.git("", [
      ...options,
      "clone",
      "--quiet",
      "--shallow-exclude",
      "main",
      "--branch",
      "dev",
      work.url(PROJECT),
      folder,
    ])
    expect(await work.git(folder, ["rev-list", "--count", "HEAD"])).toBe(`${commits.length + 1}`)
    await work.git(folder, ["fsck", "--strict", "--no-dangling"])
  })

  test("one commit is fetched by its id, a tree is not", async () => {
    const folder = at("single")
    await work.git("", ["init", "--quiet", folder])
    await work.git(folder, [...options, "fetch", "--quiet", "--depth", "1", work.url(PROJECT), commits[2] ?? ""])
    expect(await work.git(folder, ["show", "FETCH_HEAD:counter.txt"])).toBe("2")
    const tree = await work.git(folder, ["rev-parse", "FETCH_HEAD^{tree}"])
    const { status, error } = await work.run(at("clone"), [
      ...options,
      "fetch",
      work.url(PROJECT),
      // Another id than that of the tree, which the clone has, and would not ask for.
      tree.replace(/^./, (digit) => (digit === "0" ? "1" : "0")),
    ])
    expect(status).not.toBe(0)
    expect(error).toMatch(/is not a commit of this project|not our ref|unadvertised/)
  })

  test("a fetch brings only what is new", async () => {
    const folder = at("incremental")
    await work.clone(PROJECT, folder)
    const before = new Set(await work.objects(folder))
    const commit = await write(edge, PROJECT, "/stage/dev", { [`v${version}/new.txt`]: `new in ${version}` })
    const trace = join(work.folder, `trace-${version}`)
    await work.git(folder, [...options, "fetch", "--quiet", "origin"], "", { GIT_TRACE_PACKFILE: trace })
    const added = (await work.objects(folder)).filter((id) => !before.has(id))
    // A commit, the root, a folder and a file.
    expect(added).toHaveLength(4)
    expect(added).toContain(commit)
    expect(readFileSync(trace).readUInt32BE(8)).toBe(4)
    await work.git(folder, ["fsck", "--strict", "--no-dangling"])
    const idle = await work.git(folder, [...options, "fetch", "origin"])
    expect(idle).toBe("")
    commits.push(commit)
  })

  test("a clone with much of its own finds what is common, in a compressed request", async () => {
    const folder = at("many")
    await work.clone(PROJECT, folder, "--branch", "prod")
    // A history of its own, so long that it is negotiated in several rounds.
    const stream = Array.from({ length: 600 }, (_, n) =>
      [
        "commit refs/heads/own",
        `committer A <a@b> ${4_000_000_000 + n} +0000`,
        "data 1",
        "x",
        ...(n === 0 ? ["from refs/remotes/origin/prod"] : []),
        "M 644 inline own.txt",
        `data ${`${n}`.length}`,
        `${n}`,
        "",
      ].join("\n"),
    )
    await work.git(folder, ["fast-import", "--quiet"], stream.join(""))
    const before = (await work.objects(folder)).length
    const commit = await write(edge, PROJECT, "/stage/prod", { "small.txt": `for ${version}` })
    const trace = join(work.folder, `trace-many-${version}`)
    await work.git(folder, [...options, "fetch", "--quiet", "origin"], "", {
      GIT_TRACE_CURL: trace,
      GIT_TRACE_CURL_NO_DATA: "1",
    })
    expect((await work.objects(folder)).length).toBe(before + 3)
    expect(await work.head(folder, "origin/prod")).toBe(commit)
    expect(readFileSync(trace, "utf8")).toMatch(/Content-Encoding: gzip/i)
  })
})

test("a clone that begins with a date has the commits since then", async () => {
  const project = "git-dated"
  await createProject(edge, project, "dev")
  await work.clone(project, "dated", "--branch", "dev")
  for (const [n, year] of [2031, 2032, 2033].entries()) {
    const date = { GIT_COMMITTER_DATE: `${year}-01-01T00:00:00Z` }
    await work.git("dated", ["commit", "--quiet", "--allow-empty", "-m", `${n}`], "", date)
  }
  await work.git("dated", ["push", "--quiet", "origin", "dev"])
  for (const version of ["0", "2"]) {
    const folder = `since-${version}`
    await work.git("", [
      "-c",
      `protocol.version=${version}`,
      "clone",
      "--quiet",
      "--shallow-since=2031-06-01",
      "--branch",
      "dev",
      work.url(project),
      folder,
    ])
    expect(await work.git(folder, ["log", "--format=%s"])).toBe("2\n1")
    await work.git(folder, ["fsck", "--strict", "--no-dangling"])
  }
})

test("a history with merges can be cut anywhere, deepened, and made whole", async () => {
  const project = "git-merged"
  await createProject(edge, project, "dev", "prod")
  await work.clone(project, "merged", "--branch", "dev")
  for (const round of [1, 2, 3]) {
    await work.git("merged", ["checkout", "--quiet", "-b", `side-${round}`])
    for (const n of [1, 2]) await work.commit("merged", { [`side-${round}.txt`]: `${n}` })
    await work.git("merged", ["checkout", "--quiet", "dev"])
    await work.commit("merged", { "line.txt": `${round}` })
    await work.git("merged", ["merge", "--quiet", "--no-edit", `side-${round}`])
  }
  await work.git("merged", ["push", "--quiet", "origin", "dev", "dev~2:prod"])
  await work.clone(project, "merged-whole")
  const whole = await work.objects("merged-whole")
  for (const version of ["0", "2"]) {
    for (const depth of [1, 2, 3]) {
      const folder = `merged-${version}-${depth}`
      const cut = ["--depth", `${depth}`, "--no-single-branch"]
      await work.clone(project, folder, "-c", `protocol.version=${version}`, ...cut)
      await work.git(folder, ["fsck", "--strict", "--no-dangling"])
      await work.git(folder, ["fetch", "--quiet", "--deepen", "1"])
      await work.git(folder, ["fsck", "--strict", "--no-dangling"])
      await work.git(folder, ["fetch", "--quiet", "--unshallow"])
      expect(await work.objects(folder)).toEqual(whole)
      expect(existsSync(join(work.folder, folder, ".git", "shallow"))).toBe(false)
    }
  }
})

describe("a token", () => {
  test("that may read clones, and may not push: 403", async () => {
    const token = await tokenWith(edge, { name: "Viewer", project: PROJECT, region: "eu" })
    await work.git("", ["clone", "--quiet", work.url(PROJECT, token), "viewer"])
    await work.commit("viewer", { "a.txt": "a" })
    const { status, error } = await work.run("viewer", ["push", "origin", "main"])
    expect(status).not.toBe(0)
    expect(error).toContain(`remote: missing role Contributor or Admin on project '${PROJECT}' in region 'eu'`)
    expect(error).toContain("403")
  })

  test.each([
    ["without a role", null],
    ["with a role on another project", { name: "Admin", project: "another", region: "eu" }],
    ["of another region", { name: "Admin", project: "*", region: "us" }],
  ])("%s does not see the project", async (_, role) => {
    const { status, error } = await work.run("", ["clone", work.url(PROJECT, await tokenWith(edge, role)), "unseen"])
    expect(status).not.toBe(0)
    expect(error).toContain(`there is no project '${PROJECT}' in this region`)
    expect(error).toContain("not found")
  })

  test("does not see a project of another region there", async () => {
    const { error } = await work.run("", ["clone", work.url(PROJECT, edge.token, "us"), "elsewhere"])
    expect(error).toContain(`there is no project '${PROJECT}' in this region`)
  })

  test("that is missing is asked for", async () => {
    const { status, error } = await work.run("", ["clone", work.url(PROJECT, null), "nobody"])
    expect(status).not.toBe(0)
    expect(error).toContain("could not read Username")
    expect(error).toContain("terminal prompts disabled")
  })

  test("that is wrong is told so", async () => {
    const { error } = await work.run("", ["clone", work.url(PROJECT, "kpat_wrong_wrong_wrong"), "wrong"])
    expect(error).toContain("Authentication failed")
  })

  test("may come in a header instead", async () => {
    for (const header of [`Authorization: Bearer ${edge.token}`, `x-token: ${edge.token}`]) {
      const args = ["-c", `http.extraHeader=${header}`, "ls-remote", work.url(PROJECT, null)]
      expect(await work.git("", args)).toContain("refs/heads/dev")
    }
  })

  test("is taken after thirty conversations in a row, which all begin without it", async () => {
    for (let round = 0; round < 30; round++) await work.git("", ["ls-remote", "--quiet", work.url(PROJECT)])
  })
})
