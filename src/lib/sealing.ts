/** Texts encrypted for storage, so that who reads the database cannot read them. Pure but for random numbers. */
import { utf8 } from "./bytes.ts"

/** What a sealed text turned out to hold. `unknown-key`: it names a key that is not there; `damaged`: it is not what was sealed. */
export type Opened = { outcome: "opened"; text: string } | { outcome: "unknown-key" | "damaged" }

/** Encrypts a text for a purpose, which must be given again to decrypt it. */
export type Seal = (purpose: string, text: string) => Promise<string>

/** The keys, or the sentence that says why a text holds none. It never repeats the text. */
export type ReadKeys = { keys: SealingKeys } | { problem: string }

const ALGORITHM = "AES-GCM"
const KEY_BYTES = 32
/** The length that GCM is made for. It is random: a key must seal far fewer than 2^32 texts. */
const IV_BYTES = 12
const VERSION = "v1"
/** More than anybody rotates at once; statements bind each of them. */
const MOST_KEYS = 16

/** Keys that seal and open texts. The first one seals, each of them opens. They do not show when they are written to a log. */
export class SealingKeys {
  readonly #keys: ReadonlyMap<string, Uint8Array<ArrayBuffer>>
  readonly #currentId: string

  constructor(currentId: string, keys: ReadonlyMap<string, Uint8Array<ArrayBuffer>>) {
    if (!keys.has(currentId)) throw new Error("the key that seals is none of the keys")
    this.#keys = keys
    this.#currentId = currentId
  }

  /** What every text begins with that the first key has sealed. */
  get currentPrefix(): string {
    return prefixOf(this.#currentId)
  }

  /** What texts begin with that one of the other keys has sealed. */
  get olderPrefixes(): string[] {
    return [...this.#keys.keys()].filter((id) => id !== this.#currentId).map(prefixOf)
  }

  /**
   * Encrypts `text` with the first key. `purpose` says what the text is for, and where it is stored; it is not in the result, but
   * must be given again to open that, so that a sealed text cannot be put in the place of another.
   */
  async seal(purpose: string, text: string): Promise<string> {
    const iv = crypto.getRandomValues(new Uint8Array(IV_BYTES))
    const key = await this.#key(this.#currentId, "encrypt")
    if (key === null) throw new Error("the key that seals is gone")
    const bytes = new Uint8Array(await crypto.subtle.encrypt(parameters(iv, purpose), key, utf8(text)))
    return `${this.currentPrefix}${toBase64Url(iv)}.${toBase64Url(bytes)}`
  }

  /** Decrypts what `seal` made for the same purpose, with whichever key it names. */
  async open(purpose: string, sealed: string): Promise<Opened> {
    const [version, id = "", iv = "", bytes = "", ...rest] = sealed.split(".")
    const [ivBytes, sealedBytes] = [fromBase64Url(iv), fromBase64Url(bytes)]
    if (version !== VERSION || rest.length > 0 || ivBytes?.length !== IV_BYTES || sealedBytes === null) {
      return { outcome: "damaged" }
    }
    const key = await this.#key(id, "decrypt")
    if (key === null) return { outcome: "unknown-key" }
    try {
      const text = await crypto.subtle.decrypt(parameters(ivBytes, purpose), key, sealedBytes)
      return { outcome: "opened", text: new TextDecoder().decode(text) }
    } catch {
      return { outcome: "damaged" }
    }
  }

  /** Whether another key than the first one has sealed this text. */
  needsResealing(sealed: string): boolean {
    return !sealed.startsWith(this.currentPrefix)
  }

  async #key(id: string, usage: "encrypt" | "decrypt"): Promise<CryptoKey | null> {
    const bytes = this.#keys.get(id)
    return bytes === undefined ? null : crypto.subtle.importKey("raw", bytes, ALGORITHM, false, [usage])
  }
}

/** Reads a list of keys: `id:key` separated by commas, the key being 32 bytes in base64url. The first one will seal. */
export function readSealingKeys(list: string): ReadKeys {
  const keys = new Map<string, Uint8Array<ArrayBuffer>>()
  const entries = list.split(",").map((entry) => entry.trim())
  if (entries.length > MOST_KEYS) return { problem: `must hold at most ${MOST_KEYS} keys` }
  for (const [index, entry] of entries.entries()) {
    const [, id, text] = /^([A-Za-z0-9_-]{1,32}):([A-Za-z0-9_-]{43})=?$/.exec(entry) ?? []
    const bytes = fromBase64Url(text ?? "")
    if (id === undefined || bytes?.length !== KEY_BYTES) {
      return {
        problem: `must be a list of id:key, each key ${KEY_BYTES} bytes in base64url: entry ${index + 1} is not`,
      }
    }
    if (keys.has(id)) return { problem: `must not have two keys with one id: entry ${index + 1} does` }
    keys.set(id, bytes)
  }
  const [currentId = ""] = keys.keys()
  return { keys: new SealingKeys(currentId, keys) }
}

/** A fresh key as an entry of such a list. Its id tells the day it was made on, for those who rotate. */
export function newSealingKey(now: Date): string {
  return `${now.toISOString().slice(0, 10)}-${random(2).toHex()}:${toBase64Url(random(KEY_BYTES))}`
}

function random(bytes: number): Uint8Array {
  return crypto.getRandomValues(new Uint8Array(bytes))
}

function prefixOf(keyId: string): string {
  return `${VERSION}.${keyId}.`
}

function parameters(iv: Uint8Array<ArrayBuffer>, purpose: string) {
  return { name: ALGORITHM, iv, additionalData: utf8(purpose) }
}

function toBase64Url(bytes: Uint8Array): string {
  return bytes.toBase64({ alphabet: "base64url", omitPadding: true })
}

function fromBase64Url(text: string): Uint8Array<ArrayBuffer> | null {
  try {
    return Uint8Array.fromBase64(text, { alphabet: "base64url" })
  } catch {
    return null
  }
}
