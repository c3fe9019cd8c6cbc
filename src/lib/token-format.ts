/**
 * The form of our own tokens: `kpat_` (personal) or `spat_` (system account), 30 random base62 characters and six
 * characters of checksum. The checksum refuses typing errors and garbage without asking storage, and lets secret scanners
 * confirm a leak offline. Pure but for the random source.
 */
import { crc32 } from "node:zlib"

const ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
const RANDOM_LENGTH = 30
const CHECKSUM_LENGTH = 6

/** `kpat` acts for a user, `spat` for a system account. */
export type TokenPrefix = "kpat" | "spat"

/** What `classifyToken` says of a credential: of our form and sound, of our form but broken, or some other (imported) one. */
export type TokenForm = "ours" | "broken" | "opaque"

/** A new random token. */
export function createToken(prefix: TokenPrefix): string {
  const body = `${prefix}_${randomBase62(RANDOM_LENGTH)}`
  return body + checksum(body)
}

/** Tells what kind of credential `token` is, from its form alone. */
export function classifyToken(token: string): TokenForm {
  if (!/^[ks]pat_/.test(token)) return "opaque"
  const body = token.slice(0, -CHECKSUM_LENGTH)
  const wellFormed = /^[ks]pat_[0-9A-Za-z]{36}$/.test(token)
  return wellFormed && checksum(body) === token.slice(-CHECKSUM_LENGTH) ? "ours" : "broken"
}

/** What may be shown of a token after its creation, enough to recognize it: `kpat_Ab12…9xYz`. */
export function tokenHint(token: string): string {
  return `${token.slice(0, 9)}…${token.slice(-4)}`
}

function randomBase62(length: number): string {
  let text = ""
  while (text.length < length) {
    for (const byte of crypto.getRandomValues(new Uint8Array(length))) {
      // 248 is the largest multiple of 62 below 256: higher bytes would favour the first letters.
      if (byte < 248 && text.length < length) text += ALPHABET[byte % 62]
    }
  }
  return text
}

function checksum(body: string): string {
  let rest = crc32(body)
  let text = ""
  for (let digit = 0; digit < CHECKSUM_LENGTH; digit++) {
    text = (ALPHABET[rest % 62] ?? "") + text
    rest = Math.floor(rest / 62)
  }
  return text
}
