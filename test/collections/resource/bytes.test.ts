import { describe, expect, it } from "vitest"
import { noise } from "../../support/bytes.ts"
import { commitFiles, fetchFile, newProject } from "../../support/keptn.ts"

/** Larger files are not cached, and are encoded as they come. */
const CACHE_LIMIT = 1024 * 1024

describe("the bytes of a file", () => {
  it.each([
    { what: "an empty file", bytes: new Uint8Array() },
    { what: "every byte", bytes: Uint8Array.from({ length: 256 }, (_, index) => index) },
    { what: "a NUL", bytes: new Uint8Array([0]) },
    { what: "a byte order mark and Windows line ends", bytes: new Uint8Array([0xef, 0xbb, 0xbf, 0x61, 0x0d, 0x0a]) },
    { what: "broken UTF-8", bytes: new Uint8Array([0xc3, 0x28, 0xff, 0xfe, 0x80]) },
    { what: "the largest file that is cached", bytes: noise(CACHE_LIMIT) },
    { what: "the smallest file that is not cached", bytes: noise(CACHE_LIMIT + 1) },
    { what: "a file of three megabytes", bytes: noise(3_000_000) },
  ])("come back as they were sent, also the second time and by commit: $what", async ({ bytes }) => {
    const place = { project: await newProject("dev"), stage: "dev" }
    const commit = await commitFiles(place, { "file.bin": bytes })
    for (const escaped of ["file.bin", "file.bin", `file.bin?gitCommitID=${commit}`]) {
      const read = await fetchFile(place, escaped)
      expect(read.bytes.length).toBe(bytes.length)
      expect(read.bytes.toHex() === bytes.toHex()).toBe(true)
    }
  })
})
