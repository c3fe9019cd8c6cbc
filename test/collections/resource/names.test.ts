import { beforeAll, describe, expect, it } from "vitest"
import { createProject, send } from "../../support/client.ts"
import { commitFiles, failure, fetchFile, listFiles, newProject, newService, readFile } from "../../support/keptn.ts"

const place = { project: "names", stage: "dev", service: "carts" }

beforeAll(async () => {
  await createProject("eu", "names", "dev")
  await newService("names", "carts")
  const names = ["a.yaml", "dir/b.yaml", "a b.txt", "a+b.txt", "ä/ö.txt", "50%.txt", "q?.txt", "h#.txt", "d/e/f.txt"]
  names.push("l\u2028i/n\u2029e.txt")
  await commitFiles(place, Object.fromEntries(names.map((name) => [name, `content of ${name}`])))
})

describe("the name of a file that is read", () => {
  it.each([
    { sent: "a.yaml", file: "a.yaml" },
    { sent: "dir/b.yaml", file: "dir/b.yaml" },
    { sent: "dir%2Fb.yaml", file: "dir/b.yaml" },
    { sent: "dir%2fb.yaml", file: "dir/b.yaml" },
    { sent: "dir%252Fb.yaml", file: "dir/b.yaml" },
    { sent: "d/e%2Ff.txt", file: "d/e/f.txt" },
    { sent: "d%2Fe%252Ff.txt", file: "d/e/f.txt" },
    { sent: "%2Fa.yaml", file: "a.yaml" },
    { sent: "%252Fa.yaml", file: "a.yaml" },
    { sent: "a+b.txt", file: "a+b.txt" },
    { sent: "a%20b.txt", file: "a b.txt" },
    { sent: "a%2Bb.txt", file: "a+b.txt" },
    { sent: "a%252Bb.txt", file: "a+b.txt" },
    { sent: "%C3%A4/%C3%B6.txt", file: "ä/ö.txt" },
    { sent: "%25C3%25A4%252F%25C3%25B6.txt", file: "ä/ö.txt" },
    { sent: "50%2525.txt", file: "50%.txt" },
    { sent: "50%25.txt", file: "50%.txt" },
    { sent: "q%3F.txt", file: "q?.txt" },
    { sent: "h%23.txt", file: "h#.txt" },
    { sent: "l%E2%80%A8i/n%E2%80%A9e.txt", file: "l\u2028i/n\u2029e.txt" },
  ])("$sent in the path is the file $file, and comes back as it was sent", async ({ sent, file }) => {
    expect(await fetchFile(place, sent)).toMatchObject({ text: `content of ${file}`, uri: sent })
  })

  it("may have double slashes before and in it", async () => {
    expect((await fetchFile(place, "/a.yaml")).text).toBe("content of a.yaml")
    expect((await fetchFile(place, "dir//b.yaml")).text).toBe("content of dir/b.yaml")
    const response = await send("eu", "/api/resource-service/v1/project/names//resource/metadata.yaml")
    expect(response.status).toBe(200)
  })

  it.each(["..%2fa.yaml", "..%252fa.yaml", "dir%2F..%2Fa.yaml", "a~", "~", "%252e%252e%252fa.yaml", ".git%2Fconfig"])(
    "%s is answered 400",
    async (sent) => {
      const refused = { status: 400, code: 400, message: "invalid resource uri" }
      expect(await failure(await readFile(place, sent))).toEqual(refused)
    },
  )

  it.each(["a.yam", "A.yaml", "dir", "dir%2F..", "b.yaml", "carts%2Fa.yaml"].filter((name) => !name.includes("..")))(
    "%s is answered 404 where no such file is",
    async (sent) => {
      const refused = { status: 404, code: 404, message: "Resource not found" }
      expect(await failure(await readFile(place, sent))).toEqual(refused)
    },
  )
})

describe("projects, stages and services named like parts of the path", () => {
  it.each(["resource", "stage", "service", "project"])("work when all are called %s", async (name) => {
    await createProject("eu", name, name)
    await newService(name, name)
    const scopes = [{ project: name }, { project: name, stage: name }, { project: name, stage: name, service: name }]
    for (const [depth, scope] of scopes.entries()) {
      await commitFiles(scope, { [`at-${depth}.txt`]: `depth ${depth}`, "resource/x.txt": `x ${depth}` })
    }
    for (const [depth, scope] of scopes.entries()) {
      expect(await fetchFile(scope, `at-${depth}.txt`)).toMatchObject({
        text: `depth ${depth}`,
        uri: `at-${depth}.txt`,
      })
      expect(await fetchFile(scope, "resource/x.txt")).toMatchObject({ text: `x ${depth}`, uri: "resource/x.txt" })
      expect((await listFiles(scope)).uris).toContain(`/at-${depth}.txt`)
    }
  })

  it("do not hide a file of the project whose path looks like a scope", async () => {
    const project = await newProject("dev")
    const path = "stage/dev/service/carts/resource/x.txt"
    await commitFiles({ project }, { [path]: "far down" })
    expect(await fetchFile({ project }, path)).toMatchObject({ text: "far down", uri: path })
  })
})
