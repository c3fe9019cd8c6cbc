/** Our own files of the page, at addresses that name their content (`docs@{tag}.js`), so that caches can keep them for ever. */

/** The addresses of the files, as the page loads them; scripts in their order. */
export interface OwnFiles {
  scripts: readonly string[]
  styles: string
}

const SCRIPTS = ["/api/assets/changes.js", "/api/assets/docs.js"]
const STYLES = "/api/assets/docs.css"

/** The addresses, with the tags that the assets binding gives to contents; asked once per isolate. */
export function ownFilesOf(assets: Fetcher): (base: string) => Promise<OwnFiles> {
  let known: OwnFiles | undefined
  return async (base) => {
    if (known) return known
    const asked = [STYLES, ...SCRIPTS].map((path) => addressOf(assets, path, base))
    const [styles, ...scripts] = (await Promise.all(asked)).filter((address) => address !== undefined)
    // Without a tag the plain address serves, which caches ask about: better than no page. The next one tries again.
    if (styles === undefined || scripts.length < SCRIPTS.length) return { scripts: SCRIPTS, styles: STYLES }
    known = { scripts, styles }
    return known
  }
}

async function addressOf(assets: Fetcher, path: string, base: string): Promise<string | undefined> {
  const tag = tagOf(await assets.fetch(new Request(new URL(path, base), { method: "HEAD" })))
  return tag && path.replace(/\.\w+$/, `@${tag}$&`)
}

/** What the validator of an asset says of its content, as it can stand in an address. */
export function tagOf(response: Response): string | undefined {
  return /"([\w-]+)"/.exec(response.headers.get("etag") ?? "")?.[1]
}

/** The file that an address names, with the tag when it has one. */
export function ownFileAt(path: string): { file: string; tag: string | undefined } {
  const [, name, tag, extension] = /^(\/api\/assets\/[a-z]+)@([\w-]+)(\.\w+)$/.exec(path) ?? []
  return { file: name === undefined ? path : `${name}${extension}`, tag }
}
