/** The settings of one upstream, as an operator writes them. docs/upstreams.md explains each. */
import { z } from "zod"
import { COLLECTION_PATHS, isCollectionName } from "../lib/collections.ts"
import type { Action } from "../lib/roles.ts"
import { foldedName } from "./identity-headers.ts"

const DEFAULT_METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
/** CONNECT and TRACE are no requests to pass on; the latter would also answer the origin's credential to the caller. */
const NEVER = new Set(["CONNECT", "TRACE", "TRACK"])
/** The roles of the setting, and what each lets its holder do. */
export const ROLES = {
  none: null,
  Viewer: "read",
  Integration: "integrate",
  Contributor: "contribute",
  Admin: "administer",
} as const satisfies Record<string, Action | null>

/** Headers that the gateway, or the connection, decides about. */
const NO_CREDENTIAL =
  /^(host|connection|content-length|transfer-encoding|te|trailer|upgrade|via|forwarded|x-forwarded-.*|x-request-id|x-principal-id)$/

const ORIGIN = "must be a URL such as https://keptn.example.com"
const DAY = 24 * 60 * 60
const HIGHEST = Number.MAX_SAFE_INTEGER

/** Reads the settings; its messages are for the operator. */
export const upstreamSchema = z.strictObject({
  collection: z
    .string("must be a text")
    .refine(isCollectionName, `must be one of ${Object.keys(COLLECTION_PATHS).join(", ")}`)
    .optional(),
  prefix: z
    .string("must be a text")
    .regex(
      /^(\/(?!\.{1,2}(\/|$))[\w.~-]+)+$/,
      "must be a path such as /bridge: letters, digits, . _ ~ -, no slash at its end",
    )
    .optional(),
  origin: z
    .string(ORIGIN)
    .refine((text) => URL.canParse(text), ORIGIN)
    .transform((text) => new URL(text))
    .superRefine((url, context) => {
      const problem = urlProblem(url)
      if (problem !== null) context.addIssue({ code: "custom", message: problem })
    }),
  allow_plain_http: flag(false),
  strip_prefix: flag(false),
  methods: z
    .array(
      z.string("must be a text").refine(isMethod, "must be a method that can be passed on, in capitals"),
      "must be a list",
    )
    .min(1, "must name at least one method")
    .default(DEFAULT_METHODS),
  role: z
    .enum(["none", "Viewer", "Integration", "Contributor", "Admin"], {
      error: `must be one of ${Object.keys(ROLES).join(", ")}`,
    })
    .optional(),
  first_byte_seconds: wholeNumber(1, DAY).default(30),
  total_seconds: wholeNumber(0, DAY).default(0),
  retry: flag(true),
  public: flag(false),
  max_request_bytes: wholeNumber(1, HIGHEST).optional(),
  max_response_bytes: wholeNumber(0, HIGHEST).default(0),
  max_header_bytes: wholeNumber(256, 131_072).default(32_768),
  circuit: z
    .strictObject(
      { failures: wholeNumber(1, 1000).default(5), seconds: wholeNumber(1, DAY).default(10) },
      "must be a table",
    )
    .prefault({}),
  credential: z
    .strictObject(
      {
        header: z
          .string("must be a text")
          .regex(/^[\w!#$%&'*+.^`|~-]+$/, "must be the name of a header")
          .toLowerCase()
          .refine(
            (name) => !NO_CREDENTIAL.test(foldedName(name)),
            "must be a header that the gateway does not set itself",
          ),
        secret: z.string("must be the name of a secret of this Worker"),
      },
      "must be a table",
    )
    .optional(),
  document: z
    .string("must be a path")
    .regex(/^\/(?!\/)[\x21-\x7e]*$/, "must be a path that begins with a slash")
    .optional(),
})

export type Settings = z.infer<typeof upstreamSchema>

/** What an origin may not have: the rest of each URL is what a request asks for. */
function urlProblem(url: URL): string | null {
  if (!["https:", "http:"].includes(url.protocol)) return "must begin with https://"
  if (url.username !== "" || url.password !== "") return "must hold no user name and no password: use credential"
  if (url.search !== "" || url.hash !== "") return "must hold no query and no fragment"
  return url.pathname.includes("%") || url.pathname.includes("//") ? "must have a plain path" : null
}

function isMethod(method: string): boolean {
  if (!/^[A-Z-]+$/.test(method) || NEVER.has(method)) return false
  try {
    // The platform knows the methods that it can send, and refuses all others.
    return new Request("https://origin.invalid", { method }).method === method
  } catch {
    return false
  }
}

function flag(fallback: boolean) {
  return z.boolean("must be true or false").default(fallback)
}

function wholeNumber(least: number, most: number) {
  const text = `must be a whole number from ${least}${most === HIGHEST ? "" : ` to ${most}`}`
  return z.number(text).int(text).min(least, text).max(most, text)
}
