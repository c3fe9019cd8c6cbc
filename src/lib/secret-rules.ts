/** What a secret may be, as Kubernetes, where Keptn keeps its secrets, has it. Pure. */
import { utf8 } from "./bytes.ts"

/** The scope of a secret that is created without one. */
export const DEFAULT_SCOPE = "keptn-default"

/** The scopes of Keptn, in the order in which they are listed. They are fixed: here nothing runs that is given secrets by them. */
export const SCOPES: readonly string[] = [
  "dynatrace-service",
  DEFAULT_SCOPE,
  "keptn-prometheus-service",
  "keptn-webhook-service",
]

const LONGEST = 253
const LABEL = "[a-z0-9]([-a-z0-9]*[a-z0-9])?"
const SUBDOMAIN = new RegExp(`^${LABEL}(\\.${LABEL})*$`)

/** Keys are stored readable in the row of the secret, which D1 limits to 2 MB together with the sealed values. */
const MOST_KEYS = 1000
const LARGEST_DATA = 1_000_000

/** A secret that breaks a rule: the sentence that says which, and whether it is too large. */
export interface SecretProblem {
  text: string
  tooLarge: boolean
}

/** Why a secret cannot be stored, or null. The rules go in Keptn's order. */
export function secretProblem(
  name: string,
  scope: string,
  data: Readonly<Record<string, string>>,
): SecretProblem | null {
  const text = scopeProblem(name, scope) ?? nameProblem(name) ?? keysProblem(Object.keys(data))
  if (text !== null) return { text, tooLarge: false }
  const size = utf8(JSON.stringify(data)).length
  if (size <= LARGEST_DATA) return null
  return { text: `data is larger than ${LARGEST_DATA} bytes as JSON`, tooLarge: true }
}

/** Why a secret cannot be in this scope, or null. */
export function scopeProblem(name: string, scope: string): string | null {
  return SCOPES.includes(scope) ? null : `unable to check defined scope ${scope} for secret ${name}: scope not found`
}

function nameProblem(name: string): string | null {
  if (name.length > LONGEST) return TOO_LONG
  return SUBDOMAIN.test(name)
    ? null
    : `name '${name}' must consist of lower-case letters, digits, '-' and '.', each part between dots starting and ending with a letter or a digit`
}

const TOO_LONG = `name and key values must be no more than ${LONGEST} characters`

function keysProblem(keys: readonly string[]): string | null {
  if (keys.some((key) => key.length > LONGEST)) return TOO_LONG
  if (keys.length > MOST_KEYS) return `data has more than ${MOST_KEYS} keys`
  const wrong = keys.find((key) => !/^[-._a-zA-Z0-9]+$/.test(key) || key === "." || key.startsWith(".."))
  if (wrong === undefined) return null
  return `key '${wrong}' must consist of letters, digits, '-', '_' and '.', and not start with two dots`
}
