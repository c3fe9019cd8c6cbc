/** By which headers no caller can pass for somebody else, in whatever spelling, and which ones pass. */
import { describe, expect, it } from "vitest"
import { adminToken } from "../support/client.ts"
import { edgeBefore, ORIGIN_SECRET, originThat } from "../support/origin.ts"

const edge = edgeBefore({
  prefix: "/up",
  role: "none",
  credential: { header: "x-origin-key", secret: "ORIGIN_SECRET" },
})

/** The headers that an origin gets of a request with these. */
async function arrived(headers: Record<string, string>): Promise<Headers> {
  const requests = originThat(() => new Response())
  expect((await edge("/up/x", { headers })).status).toBe(200)
  return requests[0]?.headers ?? new Headers()
}

/** The names of `text`, each in the spellings that servers after CGI take for the same. */
function spellings(text: string): string[] {
  const names = text.trim().split(/\s+/)
  return names.flatMap((name) => [
    name,
    name.toUpperCase(),
    name.replaceAll("-", "_"),
    name.replace("-", ".").replaceAll("-", "_"),
  ])
}

const FORGED = `
  Forwarded Forwarded-For X-Forwarded X-Forwarded-For X-Forwarded-Host X-Forwarded-Proto X-Forwarded-User X-Forwarded-Email X-Forwarded-Groups
  X-Forwarded-Preferred-Username X-Forwarded-Client-Cert X-Forwarded-Access-Token X-Forward-For X-Forwarded-Server X-Forwarded-Prefix
  X-Real-IP X-Client-IP Client-IP True-Client-IP X-Cluster-Client-IP Fastly-Client-IP Fly-Client-IP X-Remote-IP X-Remote-Addr X-Originating-IP
  X-ProxyUser-Ip X-Azure-ClientIP X-Azure-SocketIP X-Envoy-External-Address X-Envoy-Original-Path
  CF-Connecting-IP CF-IPCountry CF-Ray CF-Visitor CF-Worker CF-Access-Jwt-Assertion CF-Access-Authenticated-User-Email
  Remote-User Remote-Groups Remote-Name Remote-Email Remote-Addr X-Remote-User X-Remote-Group X-Remote-Extra-Scopes
  X-WEBAUTH-USER X-WEBAUTH-NAME X-WEBAUTH-ROLE X-WEBAUTH-EMAIL WebAuth-User X-Auth-User X-Auth-Request-User X-Auth-Request-Email
  X-Auth-Request-Groups X-Auth-Request-Access-Token X-Auth-Username X-Authenticated-User X-Authenticated-Userid X-Authenticated-Groups
  Auth-User X-Authentik-Username X-Consumer-ID X-Consumer-Username X-Consumer-Groups X-Credential-Identifier X-Anonymous-Consumer
  X-User X-User-Id X-Username X-UserName X-User-Email X-User-Roles X-Userinfo User User-Id X-Email X-Roles X-Role X-Groups X-Scopes X-Permissions
  X-SSL-Cert X-SSL-Client-Cert X-SSL-Client-Verify X-SSL-Client-S-DN SSL-Client-Cert SSL-Client-Verify SSL-Client-S-DN-CN X-Client-Cert
  X-Client-Certificate X-Client-DN X-Client-Verify Client-Cert Client-Cert-Chain X-ARR-ClientCert X-TLS-Client-Cert X-Amzn-Mtls-Clientcert
  X-Original-URL X-Original-URI X-Original-Host X-Original-Method X-Original-User X-Original-Forwarded-For X-Rewrite-URL X-Rewrite-URI
  X-HTTP-Method X-HTTP-Method-Override X-Method-Override X-Host X-HTTP-Host-Override X-Scheme X-URL-Scheme X-Script-Name Script-Name X-Request-URI
  Front-End-Https Proxy Proxy-User X-Proxy-User X-Goog-Authenticated-User-Email X-Goog-IAP-JWT-Assertion X-MS-Client-Principal
  X-MS-Client-Principal-Name X-MS-Token-AAD-Id-Token X-Amzn-Oidc-Identity X-Amzn-Oidc-Data X-Jwt-Payload X-Endpoint-API-UserInfo
  Impersonate-User Impersonate-Group X-Impersonate-User Sudo X-Sudo X-Redmine-Switch-User ES-Security-Runas-User X-On-Behalf-Of X-Act-As-User
  Tailscale-User-Login X-Pomerium-Claim-Email OIDC-Claim-Sub X-Vouch-User IV-User IV-Groups IV-Creds SM-User SMUSER Shib-Identity-Provider eppn
  X-Trino-User X-Hasura-Role X-Hasura-User-Id X-Scope-OrgID X-Tenant-Id WL-Proxy-Client-IP X-Identity X-Principal X-Account-Id X-Uid X-Login X-Admin
  X-Internal X-Internal-User X-Trusted-Proxy X-Principal-Id X-Request-Id X-Token Cookie Cookie2 Authorization Proxy-Authorization X-Origin-Key
`

describe("a header by which a caller could pass for somebody else", () => {
  it("does not arrive, however it is spelled; what is ours arrives alone", async () => {
    // Cloudflare sets this one itself; the platform joins those of the same name.
    const forged = spellings(FORGED).filter((name) => !/^(x-token|authorization|cf-connecting-ip)$/i.test(name))
    const headers = await arrived({
      ...Object.fromEntries(forged.map((name) => [name, "forged"])),
      "cf-connecting-ip": "203.0.113.7",
      x_token: "forged",
      $WSRU: "forged",
    })
    expect([...headers].filter(([, value]) => value.includes("forged"))).toEqual([])
    expect(headers.get("x-origin-key")).toBe(ORIGIN_SECRET)
    for (const name of ["x-forwarded-for", "x-real-ip"]) expect(headers.get(name)).toBe("203.0.113.7")
    expect(headers.get("x-principal-id")).toMatch(/^[\da-f-]{36}$/)
    expect(headers.get("x-forwarded-host")).toBe("eu.api.localhost")
    const names = [...headers.keys()]
    expect(new Set(names.map((name) => name.replaceAll(/[^a-z0-9]/g, "-"))).size).toBe(names.length)
  })
})

it("passes what speaks of the message, of the client program or of the caller's own keys", async () => {
  const sent = Object.fromEntries(
    `Accept Accept-Language Content-Type Content-MD5 User-Agent If-Match If-None-Match Range Origin Referer Access-Control-Request-Method
     Access-Control-Request-Headers Sec-Fetch-User Sec-Fetch-Mode X-Api-Key Api-Key X-CSRF-Token X-Requested-With Idempotency-Key Traceparent
     Tracestate Baggage B3 X-B3-TraceId X-Correlation-Id Ce-Type Ce-Subject X-GitHub-Event X-Hub-Signature-256 X-Gitlab-Token X-Amz-Date
     X-Prometheus-Remote-Write-Version X-Custom X_Custom Last-Event-ID Prefer Priority DNT Cache-Control Pragma X-Access-Token X-Vault-Token`
      .trim()
      .split(/\s+/)
      .map((name) => [name, `of ${name}`]),
  )
  const headers = await arrived(sent)
  for (const [name, value] of Object.entries(sent)) expect(headers.get(name), name).toBe(value)
})

describe("the token of the caller", () => {
  it.each([
    ["twice in x-token", { "x-token": `${adminToken}, ${adminToken}` }],
    [
      "twice in x-token, and in a Basic credential",
      { "x-token": `${adminToken}, ${adminToken}`, authorization: `Basic ${btoa(`u:${adminToken}`)}` },
    ],
    [
      "in the second of two credentials",
      { "x-token": adminToken, authorization: `Digest a=b, Basic ${btoa(`u:${adminToken}`)}` },
    ],
    ["in the second of two, as Bearer", { "x-token": adminToken, authorization: `Digest a=b, Bearer ${adminToken}` }],
  ])("%s does not arrive", async (_, headers) => {
    const requests = originThat(() => new Response())
    expect((await edge("/up/x", { token: null, headers })).status).toBe(200)
    const names = [...(requests[0]?.headers.keys() ?? [])]
    expect(names).not.toContain("x-token")
    expect(names).not.toContain("authorization")
  })
})
