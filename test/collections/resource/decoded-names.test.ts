/** Names whose escapes can be read in two ways: each leads to its own file, and never to the deletion of another. */
import { expect, it } from "vitest"
import { utf8 } from "../../../src/lib/bytes.ts"
import {
  commitFiles,
  commitOf,
  fetchFile,
  listFiles,
  newScopes,
  type Place,
  putFile,
  putRaw,
  readFile,
  removeFile,
} from "../../support/keptn.ts"

/** Names that some decoding makes of each other. */
const ALIKE = ["a b.yaml", "a+b.yaml", "a%20b.yaml", "a%2520b.yaml", "a%2Bb.yaml", "d/e", "d%2Fe"]

async function alike(place: Place): Promise<void> {
  await commitFiles(place, Object.fromEntries(ALIKE.map((name) => [name, name])))
}

async function namesIn(place: Place): Promise<string[]> {
  return (await listFiles(place)).uris.map((uri) => uri.slice(1)).filter((name) => ALIKE.includes(name))
}

it.each(ALIKE)("%s is read under its name, escaped once", async (name) => {
  for (const place of await newScopes()) {
    await alike(place)
    expect((await fetchFile(place, encodeURIComponent(name))).text).toBe(name)
  }
})

it("a plus in a path is a plus, escaped or not", async () => {
  const [, place] = await newScopes()
  await commitFiles(place, { "x+y": "plus", "x y": "blank" })
  for (const sent of ["x+y", "x%2By", "x%2By"]) expect((await fetchFile(place, sent)).text).toBe("plus")
  await commitOf(await putRaw(place, "c-1.0.0+b.tgz", utf8("raw")))
  await commitOf(await putFile(place, "d-1.0.0+b.tgz", "json"))
  const { uris } = await listFiles(place)
  expect(uris).toEqual(expect.arrayContaining(["/c-1.0.0+b.tgz", "/d-1.0.0+b.tgz"]))
})

it("what go-utils sends for a blank finds the file with the blank where no other has the name", async () => {
  const [, place] = await newScopes()
  await commitFiles(place, { "only a blank.txt": "blank" })
  expect((await fetchFile(place, "only+a+blank.txt")).text).toBe("blank")
  expect((await removeFile(place, "only+a+blank.txt")).status).toBe(404)
})

it.each(ALIKE)("a deletion of %s removes that file alone, however often it is repeated", async (name) => {
  for (const place of await newScopes()) {
    await alike(place)
    const rest = (await namesIn(place)).filter((other) => other !== name)
    await commitOf(await removeFile(place, encodeURIComponent(name)))
    expect(await namesIn(place)).toEqual(rest)
    for (let repeated = 0; repeated < 3; repeated++) {
      expect((await removeFile(place, encodeURIComponent(name))).status).toBe(404)
    }
    expect(await namesIn(place)).toEqual(rest)
  }
})

it("a name that Keptn's clients escape twice is the file that it means", async () => {
  for (const place of await newScopes()) {
    await commitOf(await putFile(place, "helm%252Fcarts.yaml", "content"))
    expect((await listFiles(place)).uris).toContain("/helm/carts.yaml")
    expect((await fetchFile(place, "helm%252Fcarts.yaml")).text).toBe("content")
    await commitOf(await removeFile(place, "helm%252Fcarts.yaml"))
    expect((await readFile(place, "helm/carts.yaml")).status).toBe(404)
  }
})

it("a write of JSON changes the file that has the name as decoded once", async () => {
  const [, place] = await newScopes()
  await alike(place)
  await commitOf(await putFile(place, "a%2520b.yaml", "changed"))
  expect((await fetchFile(place, "a%2520b.yaml")).text).toBe("changed")
  expect((await fetchFile(place, "a%20b.yaml")).text).toBe("a b.yaml")
})

it.each(["%7Ea", "%2E%2E%2Fb", "%00", "c/%2Egit", "d%2F"])(
  "%s is a file also where its escapes would make a name that no file can have",
  async (name) => {
    const [, place] = await newScopes()
    await commitFiles(place, { [name]: "kept" })
    expect((await fetchFile(place, encodeURIComponent(name))).text).toBe("kept")
    await commitOf(await putFile(place, encodeURIComponent(name), "changed"))
    expect((await fetchFile(place, encodeURIComponent(name))).text).toBe("changed")
    await commitOf(await putRaw(place, encodeURIComponent(name), utf8("raw")))
    await commitOf(await removeFile(place, encodeURIComponent(name)))
    expect((await removeFile(place, encodeURIComponent(name))).status).toBe(404)
    expect((await putFile(place, encodeURIComponent(name), "")).status).toBe(400)
  },
)

it("a name that is too long only because it is escaped twice is the file that it means", async () => {
  const [, place] = await newScopes()
  const name = `${"ä".repeat(100)}.txt`
  const twice = encodeURIComponent(encodeURIComponent(name))
  await commitOf(await putFile(place, twice, "content"))
  expect((await fetchFile(place, encodeURIComponent(name))).text).toBe("content")
  expect((await fetchFile(place, twice)).text).toBe("content")
  await commitOf(await removeFile(place, twice))
  expect((await readFile(place, encodeURIComponent(name))).status).toBe(404)
})

it.each(["a%20b%ff.yaml", "a%20b%.yaml", "a%20b%zz.yaml"])(
  "%s cannot be decoded and is refused, where it would be the name of another file",
  async (sent) => {
    for (const place of await newScopes()) {
      await commitFiles(place, { [sent]: "kept" })
      const requests = [
        readFile(place, sent),
        removeFile(place, sent),
        putFile(place, sent, "x"),
        putRaw(place, sent, utf8("x")),
      ]
      for (const response of await Promise.all(requests)) expect(response.status).toBe(400)
      expect((await fetchFile(place, encodeURIComponent(sent))).text).toBe("kept")
    }
  },
)
