/** Digests. Pure. */
import { createHash, type Hash } from "node:crypto"
import { toHex } from "./bytes.ts"

const encoder = new TextEncoder()

/** SHA-256 of the UTF-8 bytes of `text`, in hexadecimal. */
export async function sha256Hex(text: string): Promise<string> {
  return toHex(new Uint8Array(await crypto.subtle.digest("SHA-256", encoder.encode(text))))
}

/** SHA-1 of `bytes`, in hexadecimal: git's object ids. */
export async function sha1Hex(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  return toHex(new Uint8Array(await crypto.subtle.digest("SHA-1", bytes)))
}

/** A SHA-1 or SHA-256 of bytes that come one part after the other. */
export function startDigest(algorithm: "sha1" | "sha256"): Hash {
  return createHash(algorithm)
}
