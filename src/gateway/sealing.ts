/** What handlers are given to seal secrets with. */
import type { Seal, SealingKeys } from "../lib/sealing.ts"
import { ApiError } from "./errors.ts"

/** Seals with these keys. Without any, nothing secret can be stored, and whoever sends something secret is told so with 503. */
export function sealWith(keys: SealingKeys | null): Seal {
  return async (purpose, text) => {
    if (keys !== null) return keys.seal(purpose, text)
    throw new ApiError(
      "unavailable",
      "nothing secret can be stored: SECRET_KEYS is not set. Print a key with `npm run secrets -- new-key`, and set it " +
        "with `npx wrangler secret put SECRET_KEYS`",
    )
  }
}
