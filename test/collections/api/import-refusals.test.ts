/** Archives and manifests that cannot be read. */
import { zipSync } from "fflate"
import { beforeAll, describe, expect, it } from "vitest"
import { send } from "../../support/client.ts"
import { failure, newProject } from "../../support/keptn.ts"
import { formWith, postArchive, postPackage, zipOf } from "../../support/packages.ts"

const MANIFEST = { "manifest.yaml": "tasks: []" }
const OPENING = "Error opening import archive: "
const PROCESSING = "Error processing import archive: "

let project = ""
beforeAll(async () => {
  project = await newProject("dev")
})

function importPath(): string {
  return `/api/v1/import?project=${project}`
}

async function refusal(archive: Uint8Array): Promise<{ status: number; message: string }> {
  const { status, code, message } = await failure(await postArchive(project, new Uint8Array(archive)))
  expect(code).toBe(status)
  return { status, message }
}

async function manifestRefusal(manifest: string | Uint8Array, files = {}): Promise<string> {
  const { status, message } = await failure(await postPackage(project, { "manifest.yaml": manifest, ...files }))
  expect(status).toBe(400)
  expect(message.startsWith(PROCESSING)).toBe(true)
  return message.slice(PROCESSING.length)
}

/** Writes a number into a copy of an archive, at some bytes behind each place where `signature` stands. */
function patched(archive: Uint8Array, signature: number, offset: number, value: number, size: 2 | 4): Uint8Array {
  const copy = new Uint8Array(archive)
  const view = new DataView(copy.buffer)
  for (let at = 0; at + 4 <= copy.length; at++) {
    if (view.getUint32(at, true) !== signature) continue
    if (size === 2) view.setUint16(at + offset, value, true)
    else view.setUint32(at + offset, value, true)
  }
  return copy
}

const CENTRAL = 0x02_01_4b_50
const END = 0x06_05_4b_50

describe("a request without an archive", () => {
  it("answers 422 when the project is not named", async () => {
    for (const query of ["", "?project="]) {
      const refused = await failure(await send("eu", `/api/v1/import${query}`, { body: formWith(zipOf(MANIFEST)) }))
      expect(refused).toEqual({ status: 422, code: 602, message: "project in query is required" })
    }
  })

  it("answers 422 when there is no body, or no such field, or it is no file", async () => {
    const required = { status: 422, code: 602, message: "configPackage in formData is required" }
    expect(await failure(await send("eu", importPath(), { method: "POST" }))).toEqual(required)
    const other = { body: formWith(zipOf(MANIFEST), "package") }
    expect(await failure(await send("eu", importPath(), other))).toEqual(required)
    const text = new FormData()
    text.append("configPackage", "text")
    expect(await failure(await send("eu", importPath(), { body: text }))).toEqual({
      status: 422,
      code: 601,
      message: "configPackage in formData must be of type file",
    })
  })

  it.each(["application/zip", "application/json", "text/plain", "application/x-www-form-urlencoded"])(
    "answers 415 for %s",
    async (type) => {
      const request = { body: zipOf(MANIFEST), headers: { "content-type": type } }
      expect(await failure(await send("eu", importPath(), request))).toMatchObject({ status: 415, code: 415 })
    },
  )

  it.each(["multipart/form-data", "multipart/form-data; boundary=x", "multipart/form-data; boundary="])(
    "answers 400 for a body that is not the form it is declared to be: %s",
    async (type) => {
      const request = { body: zipOf(MANIFEST), headers: { "content-type": type } }
      expect(await failure(await send("eu", importPath(), request))).toMatchObject({ status: 400, code: 400 })
    },
  )

  it("answers 405 for other methods", async () => {
    expect((await send("eu", importPath())).status).toBe(405)
  })
})

describe("an archive that is refused with 415", () => {
  it("because it is no zip file", async () => {
    const message = `${OPENING}it is not a valid zip file`
    for (const archive of [new Uint8Array(), new TextEncoder().encode("not a zip"), new Uint8Array(100_000).fill(80)]) {
      expect(await refusal(archive)).toEqual({ status: 415, message })
    }
  })

  it("because it was cut off, wherever", async () => {
    const archive = zipOf({ ...MANIFEST, "a/b.txt": "text".repeat(100) })
    for (let length = 0; length < archive.length; length += 7) {
      const { status, message } = await refusal(archive.subarray(0, length))
      expect({ length, status, begin: message.slice(0, OPENING.length) }).toEqual({
        length,
        status: 415,
        begin: OPENING,
      })
    }
  })

  it.each([
    [{}, "there is no manifest.yaml at its top level"],
    [{ "folder/manifest.yaml": "tasks: []" }, "there is no manifest.yaml at its top level"],
    [{ "Manifest.yaml": "tasks: []" }, "there is no manifest.yaml at its top level"],
    [{ "manifest.yaml/": "" }, "there is no manifest.yaml at its top level"],
    [{ ...MANIFEST, "../outside": "x" }, 'the path "../outside" leads out of the archive'],
    [{ ...MANIFEST, "a/../../outside": "x" }, 'the path "a/../../outside" leads out of the archive'],
    [{ ...MANIFEST, "a/..": "x" }, 'the path "a/.." leads out of the archive'],
    [{ ...MANIFEST, "./../a": "x" }, 'the path "../a" leads out of the archive'],
    [{ ...MANIFEST, "/etc/passwd": "x" }, 'the path "/etc/passwd" is absolute'],
    [{ ...MANIFEST, "C:/windows": "x" }, 'the path "C:/windows" is absolute'],
    [{ ...MANIFEST, "a\\..\\b": "x" }, String.raw`the path "a\\..\\b" holds a backslash`],
    [{ ...MANIFEST, "a\u0000b": "x" }, String.raw`the path "a\u0000b" holds a control character`],
    [{ ...MANIFEST, "./manifest.yaml": "x" }, "the path 'manifest.yaml' is there twice"],
    [{ ...MANIFEST, "": "x" }, 'the path "" is empty'],
  ])("because of its paths: %j", async (files, text) => {
    expect(await refusal(zipOf(files))).toEqual({ status: 415, message: OPENING + text })
  })

  it("because a path is no UTF-8", async () => {
    const archive = zipOf({ ...MANIFEST, "abcdefgh.txt": "x" })
    const text = new TextDecoder("latin1").decode(archive).replaceAll("abcdefgh", "abc\u00ffefgh")
    const bytes = Uint8Array.from(text, (character) => character.charCodeAt(0))
    expect(await refusal(bytes)).toMatchObject({ status: 415 })
  })

  it("because it has too many entries", async () => {
    const files = Object.fromEntries(Array.from({ length: 1000 }, (_, n) => [`f${n}`, ""]))
    expect(await refusal(zipOf({ ...MANIFEST, ...files }))).toEqual({
      status: 415,
      message: `${OPENING}it holds more than 1000 entries`,
    })
  })

  it("because it is a bomb: it says itself that it unpacks to more than 50 MiB", async () => {
    const archive = zipOf({ ...MANIFEST, bomb: new Uint8Array(51 * 1024 * 1024) })
    expect(archive.length).toBeLessThan(100_000)
    expect(await refusal(archive)).toEqual({
      status: 415,
      message: `${OPENING}it unpacks to more than 52428800 bytes`,
    })
  })

  it("because it is a bomb of many files", async () => {
    const part = new Uint8Array(6 * 1024 * 1024)
    const files = Object.fromEntries(Array.from({ length: 9 }, (_, n) => [`f${n}`, part]))
    expect((await refusal(zipOf({ ...MANIFEST, ...files }))).message).toContain("unpacks to more than")
  })

  it("because it is a bomb that lies about its size", async () => {
    const bomb = new Uint8Array(60 * 1024 * 1024)
    const archive = zipSync({ "manifest.yaml": bomb })
    for (const size of [0, 10, 1000]) {
      const started = performance.now()
      expect(await refusal(patched(archive, CENTRAL, 24, size, 4))).toEqual({
        status: 415,
        message: `${OPENING}'manifest.yaml' is damaged`,
      })
      expect(performance.now() - started).toBeLessThan(2000)
    }
  })

  it.each([
    ["encrypted", 8, 1, 2, "is encrypted"],
    ["compressed in another way", 10, 12, 2, "is compressed in an unknown way"],
    ["of another checksum", 16, 1, 4, "is damaged"],
    ["longer than the archive", 20, 1_000_000, 4, "is damaged"],
    ["of another size", 24, 5, 4, "is damaged"],
    ["nowhere in the archive", 42, 1_000_000, 4, "is damaged"],
    ["where the directory is", 42, 60, 4, "is damaged"],
  ] as const)("because its manifest is %s", async (_, offset, value, size, text) => {
    const archive = patched(zipOf(MANIFEST), CENTRAL, offset, value, size)
    expect(await refusal(archive)).toEqual({ status: 415, message: `${OPENING}'manifest.yaml' ${text}` })
  })

  it.each([
    [10, 2, 2],
    [16, 0xff_ff_ff_ff, 4],
    [16, 3, 4],
  ] as const)("because its directory is not where it should be: %i", async (offset, value, size) => {
    const refused = await refusal(patched(zipOf(MANIFEST), END, offset, value, size))
    expect(refused).toEqual({ status: 415, message: `${OPENING}its directory is damaged` })
  })

  it("or is taken whatever is changed in it: never a failure of ours", async () => {
    const archive = zipOf({ ...MANIFEST, "a.txt": "text".repeat(20) })
    for (let at = 0; at < archive.length; at++) {
      const copy = new Uint8Array(archive)
      copy[at] = (copy[at] ?? 0) ^ 0xff
      expect([200, 400, 415]).toContain((await postArchive(project, copy)).status)
    }
  })
})

describe("an archive that is accepted", () => {
  it("may have a comment, folders, and files that are not compressed", async () => {
    const entries = { "folder/": new Uint8Array(), "manifest.yaml": new TextEncoder().encode("tasks: []") }
    const archive = zipSync(entries, { level: 0 })
    const commented = new Uint8Array([...patched(archive, END, 20, 5, 2), 1, 2, 3, 4, 5])
    expect((await postArchive(project, commented)).status).toBe(200)
  })
})

describe("a manifest that is refused with 400", () => {
  it.each([
    ["tasks: [", "error parsing manifest: "],
    ["tasks: {}", "error parsing manifest: tasks"],
    ["[]", "error parsing manifest: "],
    ["", "error parsing manifest: "],
    ["text", "error parsing manifest: "],
    ["tasks: [text]", "error parsing manifest: tasks.0"],
    ["tasks: [{id: [a]}]", "error parsing manifest: tasks.0.id"],
    ["tasks: [{id: a, context: [b]}]", "error parsing manifest: tasks.0.context"],
    ["tasks: [{id: a, context: {b: {c: d}}}]", "error parsing manifest: tasks.0.context"],
    ["tasks: []\n---\ntasks: []", "error parsing manifest: "],
    ["tasks: *nothing", "error parsing manifest: "],
    ["[".repeat(20_000), "error parsing manifest: "],
    ["x".repeat(300_000), "error parsing manifest: it is larger than 262144 bytes"],
    [
      `a: &a [x,x,x,x,x,x,x,x,x,x]\nb: &b [${"*a,".repeat(10)}]\nc: &c [${"*b,".repeat(10)}]\nd: [${"*c,".repeat(10)}]`,
      "error parsing manifest: ",
    ],
  ])("because it cannot be read: %#", async (manifest, begin) => {
    expect((await manifestRefusal(manifest)).slice(0, begin.length)).toBe(begin)
  })

  it("because it is no text", async () => {
    expect(await manifestRefusal(new Uint8Array([255, 254, 0]))).toContain("error parsing manifest: ")
  })

  it.each([
    ["{type: api}", "task id cannot be empty"],
    ["{id: a-b, type: api}", "task id a-b can only consist of alphanumeric characters and underscores"],
    ["{id: ä, type: api}", "task id ä can only consist of alphanumeric characters and underscores"],
    ["{id: a}", "task a: '' is no type of task, only api and resource are"],
    ["{id: a, type: other}", "task a: 'other' is no type of task, only api and resource are"],
    ["{id: a, type: api}", "task a: empty api definition not supported"],
    ["{id: a, type: api, payload: f}", "task a: unsupported action type: "],
    ["{id: a, type: api, action: x, payload: f}", "task a: unsupported action type: x"],
    ["{id: a, type: api, action: keptn-api-v1-create-service}", "task a: payload file  does not exist"],
    ["{id: a, type: api, action: keptn-api-v1-create-service, payload: g}", "task a: payload file g does not exist"],
    [
      "{id: a, type: api, action: keptn-api-v1-create-service, payload: ../f}",
      "task a: payload file ../f does not exist",
    ],
    ["{id: a, type: api, action: x, stage: dev}", "task a: cannot set resource task fields on API task"],
    ["{id: a, type: resource, action: x}", "task a: cannot set API task fields on resource task"],
    ["{id: a, type: resource}", "task a: empty resource definition not supported"],
    ["{id: a, type: resource, resource: f}", "task a: resourceUri cannot be empty for resource task type"],
    ["{id: a, type: resource, resource: g, resourceUri: f}", "task a: resource file g does not exist"],
    ["{id: a, type: resource, resourceUri: f}", "task a: resource file  does not exist"],
    ["{id: a, type: resource, resource: folder/, resourceUri: f}", "task a: resource file folder/ does not exist"],
  ])("because of a task: %s", async (task, text) => {
    const files = { f: "f", "folder/": "" }
    expect(await manifestRefusal(`tasks: [${task}]`, files)).toBe(`error validating manifest: ${text}`)
  })

  it("because it has too many tasks", async () => {
    const tasks = "- {id: a, type: resource, resource: f, resourceUri: f}\n".repeat(201)
    expect(await manifestRefusal(`tasks:\n${tasks}`, { f: "f" })).toContain("it has more than 200 tasks")
  })
})
