/**
 * Headers by which a caller could pass for somebody else. Which header an origin trusts is known to the origin alone, so what counts is what the
 * name speaks of: users, roles, certificates, addresses, other hosts and paths.
 */

/** Their words speak of something else: of the client program, of cross-origin checks, of the body, of an event (CloudEvents). */
const HARMLESS = /^(user-agent|(sec|access-control|accept|content|if|ce)-.*)$/

const WORDS = [
  // Who asks, and for whom.
  String.raw`user\w*|principal\w*|identity|impersonat\w*|consumer|creds|credentials?|subject|email|e-mail|mail|login|upn|eppn|smuser`,
  String.raw`actor|acting|behalf|delegat\w*|sudo|doas|runas|run-as|authenticated|webauth\w*|sso|oidc|saml|jwt|shib\w*|claims?|tenant\w*`,
  // What they may do.
  "groups?|roles?|scopes?|permissions?|privileges?|entitlements?",
  // What somebody before the origin has verified.
  String.raw`ssl\w*|m?tls\w*|\w*cert(s|ificates?)?|dn|client-verif\w*`,
  // Where the request came from, and what it was before somebody changed it.
  String.raw`forward\w*|proxy\w*|original\w*|originating|rewrite\w*|override|ip|\w+ip|addr|address|host|https|scheme|proto|method`,
].join("|")
/** Words that only say this at the beginning of a name: `X-Prometheus-Remote-Write-Version` speaks of nobody. */
const FIRST_WORDS = String.raw`remote\w*|auth\w*|internal|trusted|cf|fly|(is-)?admin$|uid$|sub$|account(-?(id|name))?$|(server-)?port$|(request-)?ur[il]$`

const SUSPECT = new RegExp(
  `(^|-)(${WORDS})(-|$)|^(x-)?(${FIRST_WORDS})(-|$)|^x-ms-token-|^x-envoy-|^ws[a-z]{2}$|^(x-)?(script-name|path-info)$`,
)

/**
 * The name of a header as servers after CGI read it, to whom `X_Forwarded_For` and `X-Forwarded-For` are one: in lower case, with a hyphen for
 * whatever is neither a letter nor a digit.
 */
export function foldedName(name: string): string {
  return name
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^-|-$/g, "")
}

/** Whether a header, whose name is folded, could tell an origin who asks or what was asked. */
export function isIdentityHeader(folded: string): boolean {
  return !HARMLESS.test(folded) && SUSPECT.test(folded)
}
