/** The entity tags of the contents that histories write: the ids of their blobs. */
import { objectId } from "../../src/git/objects.ts"
import { utf8 } from "../../src/lib/bytes.ts"
import { CONTENTS } from "./operations.ts"

const tags = new Map<string, string>()
for (const content of CONTENTS) tags.set(content, await objectId("blob", utf8(content)))

/** The entity tag of a file with one of these contents. */
export function tagOf(content: string): string {
  const tag = tags.get(content)
  if (tag === undefined) throw new Error(`'${content}' is no content of a history`)
  return tag
}
