/** Commits that say what few others say: what cannot be answered again is refused, and what is stored is answered. */
import { env } from "cloudflare:workers"
import { beforeEach, describe, expect, it } from "vitest"
import { EMPTY_TREE, type ObjectId, objectId } from "../../../src/git/objects.ts"
import { concat, utf8 } from "../../../src/lib/bytes.ts"
import { headOf, packObjects, push } from "../../support/git.ts"
import { listCommits, readCommit } from "../../support/history.ts"
import { commitFiles, newProject } from "../../support/keptn.ts"
import { type MadeObject, packOf, rawCommit } from "../../support/packs.ts"
import { countRows } from "../../support/storage.ts"

const REF = "refs/heads/dev"
const SOUND = "A <a@example.com> 1700000000 +0100"

let project: string
let head: ObjectId

beforeEach(async () => {
  project = await newProject("dev")
  head = await headOf(project, "dev")
})

/** A commit on the head with these two lines, and more header lines, each with its line feed. */
function commitBy(author: string, committer: string, extra = "", message = "odd\n"): Promise<MadeObject> {
  return rawCommit(`tree ${EMPTY_TREE}\nparent ${head}\nauthor ${author}\ncommitter ${committer}\n${extra}\n${message}`)
}

function run(sql: string, ...values: unknown[]): Promise<unknown> {
  return env.DB_EU.prepare(sql)
    .bind(...values)
    .run()
}

const signature = (time: string, zone = "+0000") => `A <a@example.com> ${time} ${zone}`

describe("a commit is refused whose date cannot be answered", () => {
  it.each([
    ["8640000000001", "+0000", "after the year 9999"],
    ["253402300800", "+0000", "after the year 9999"],
    ["999999999999999", "+0000", "after the year 9999"],
    ["9".repeat(400), "+0000", "after the year 9999"],
    ["-1", "+0000", "before 1970, which git cannot read"],
    ["-62167219201", "+0000", "before 1970, which git cannot read"],
    ["1", "+9999", "\\+9999, which does not exist"],
    ["1", "-2400", "-2400, which does not exist"],
    ["1", "+0060", "\\+0060, which does not exist"],
  ])("%s %s", async (time, zone, reason) => {
    const odd = signature(time, zone)
    const before = await countRows()
    for (const [author, committer, whose] of [
      [odd, SOUND, "author"],
      [SOUND, odd, "committer"],
    ] as const) {
      const { id, ...object } = await commitBy(author, committer)
      const lines = await push(project, [{ ref: REF, from: head, to: id }], packOf([object]))
      expect(lines[0]).toMatch(
        new RegExp(`^unpack the commit ${id} cannot be stored: the (date|time zone) of its ${whose} is ${reason}$`),
      )
      expect(lines[1]).toBe(`ng ${REF} the pack was refused`)
    }
    expect(await countRows()).toEqual(before)
  })

  it.each(["1 0100", "1 +01", "1 +01000", "1 UTC", "1.5 +0000", "x +0000", "+0000", "1"])(
    "or that has none that git would write: %s",
    async (date) => {
      const { id, ...object } = await commitBy(`A <a@example.com> ${date}`, SOUND)
      const [line] = await push(project, [{ ref: REF, from: head, to: id }], packOf([object]))
      expect(line).toBe(`unpack the commit ${id} is not as git writes commits`)
    },
  )

  it("or that begins with a byte order mark", async () => {
    const { id, ...object } = await rawCommit(
      `\uFEFFtree ${EMPTY_TREE}\nparent ${head}\nauthor ${SOUND}\ncommitter ${SOUND}\n\nodd\n`,
    )
    const [line] = await push(project, [{ ref: REF, from: head, to: id }], packOf([object]))
    expect(line).toBe(`unpack the commit ${id} is not as git writes commits`)
  })
})

describe("a commit is taken and answered", () => {
  it.each([
    ["with the last date there is", signature("253402300799", "+2359"), "9999-12-31T23:59:59.000Z", "A"],
    ["with the first", signature("0", "-2359"), "1970-01-01T00:00:00.000Z", "A"],
    ["without a name", " <> 1 +0000", "1970-01-01T00:00:01.000Z", ""],
    [
      "with a name of control characters",
      "\u0001\t\u007f <\u0002> 1 +0000",
      "1970-01-01T00:00:01.000Z",
      "\u0001\t\u007f",
    ],
    ["with a name of quotes", `"\\',; <'"> 1 +0000`, "1970-01-01T00:00:01.000Z", `"\\',;`],
  ])("%s", async (_, person, time, name) => {
    const { id, ...object } = await commitBy(person, person)
    expect(await push(project, [{ ref: REF, from: head, to: id }], packOf([object]))).toEqual([
      "unpack ok",
      `ok ${REF}`,
    ])
    expect(await readCommit({ project, stage: "dev" }, id)).toMatchObject({ id, author: { name, time } })
    expect((await listCommits(project, "stage=dev")).commits[0]).toMatchObject({ id, committer: { name, time } })
  })

  it.each([
    ["in another encoding", "encoding ISO-8859-1\n", Uint8Array.of(0xe4, 0xff)],
    ["in an encoding that nobody knows", "encoding x-none\n", Uint8Array.of(0x80)],
    [
      "with a tag that it merged",
      `mergetag object ${"a".repeat(40)}\n type commit\n tag v1\n \n parent\n`,
      utf8("tag"),
    ],
    ["with very many header lines", "x y\n".repeat(100_000), utf8("many")],
    ["without a message", "", new Uint8Array()],
  ])("%s", async (_, extra, message) => {
    const { content } = await commitBy(SOUND, SOUND, extra, "")
    const bytes = concat([content, message])
    const id = await objectId("commit", bytes)
    const pack = packOf([{ type: "commit", content: bytes }])
    expect(await push(project, [{ ref: REF, from: head, to: id }], pack)).toEqual(["unpack ok", `ok ${REF}`])
    const { message: shown } = await readCommit({ project, stage: "dev" }, id)
    expect(shown).toBe(new TextDecoder().decode(message))
    expect((await listCommits(project, "stage=dev")).commits[0]?.id).toBe(id)
    expect(await packObjects(project, [id], [head])).toContain(id)
  })
})

describe("a commit that was stored before dates were checked is answered", () => {
  it.each([
    ["8640000000001", "9999-12-31T23:59:59.000Z"],
    ["999999999999999", "9999-12-31T23:59:59.000Z"],
    ["253402300800", "9999-12-31T23:59:59.000Z"],
  ])("with the date %s as the nearest one", async (time, shown) => {
    const commit = await commitBy(signature(time), signature(time, "+9999"))
    const ofProject = "from projects where name = ?"
    await run(`insert into trees select id, ?, x'' ${ofProject}`, EMPTY_TREE, project)
    await run(
      `insert into commits (project_id, id, tree_id, content) select id, ?, ?, ? ${ofProject}`,
      commit.id,
      EMPTY_TREE,
      commit.content,
      project,
    )
    await run(
      `insert into branch_commits select branches.id, 1, projects.id, ? from projects join branches on project_id = projects.id
        where projects.name = ? and branches.name = 'dev'`,
      commit.id,
      project,
    )
    const page = await listCommits(project, "stage=dev")
    expect(page.commits[0]).toMatchObject({ id: commit.id, author: { time: shown }, committer: { time: shown } })
    expect(await readCommit({ project, stage: "dev" }, commit.id)).toMatchObject({ committer: { time: shown } })
    expect(await readCommit({ project, stage: "dev" }, "HEAD")).toMatchObject({ id: commit.id })
    expect(await packObjects(project, [commit.id], [head])).toContain(commit.id)
  })

  it("and what is written after it is, too", async () => {
    const { id, ...object } = await commitBy(signature("253402300799"), signature("253402300799"))
    await push(project, [{ ref: REF, from: head, to: id }], packOf([object]))
    const next = await commitFiles({ project, stage: "dev" }, { "a.txt": "a" })
    expect((await listCommits(project, "stage=dev")).commits.map((commit) => commit.id)).toEqual([next, id, head])
  })
})
