/** The git credentials of a project: checked as Keptn checks them, and parted into what is answered and what is kept secret. Pure. */
import type { z } from "@hono/zod-openapi"
import { fromBase64 } from "../../lib/bytes.ts"
import type { GitRemote } from "../../partition/schema.ts"
import type { gitCredentialsSchema } from "./schemas.ts"

/** Credentials as they are sent. */
export type SentCredentials = z.infer<typeof gitCredentialsSchema>

/** What is answered of credentials, and all that is secret in them, as JSON. */
export interface ReadCredentials {
  remote: GitRemote
  secret: string
}

/** Reads credentials; answers the sentence that says what is wrong with them otherwise. */
export function readGitCredentials(sent: SentCredentials): ReadCredentials | { problem: string } {
  const { remoteURL, user, https, ssh } = sent
  const protocol = URL.canParse(remoteURL ?? "") ? new URL(remoteURL ?? "").protocol : ""
  if (!remoteURL || !["http:", "https:", "ssh:"].includes(protocol)) {
    const text = "only http, https or ssh protocols are supported in gitRemoteURL"
    return { problem: `provided gitRemoteURL is not valid: ${text}` }
  }
  if (https && ssh) return { problem: "SSH and HTTPS authorization cannot be used together" }
  if (protocol === "ssh:" && !ssh?.privateKey) return { problem: "a remote with ssh needs ssh.privateKey" }
  if (protocol !== "ssh:" && !https?.token) return { problem: "a remote with http or https needs https.token" }
  if (ssh?.privateKey && fromBase64(ssh.privateKey) === null) return { problem: "could not decode privateKey content" }
  if (https?.certificate && fromBase64(https.certificate) === null) {
    return { problem: "could not decode PEM Certificate content" }
  }
  const { proxy } = https ?? {}
  const secret = {
    // As they were sent: a password may stand in either.
    remoteURL,
    proxyURL: proxy?.url,
    token: https?.token,
    certificate: https?.certificate,
    proxyPassword: proxy?.password,
    privateKey: ssh?.privateKey,
    privateKeyPass: ssh?.privateKeyPass,
  }
  return {
    remote: {
      remoteURL: withoutCredentials(remoteURL),
      ...(user && { user }),
      ...(https && {
        https: {
          insecureSkipTLS: https.insecureSkipTLS ?? false,
          ...(proxy && {
            proxy: {
              url: proxyWithoutPassword(proxy.url ?? ""),
              scheme: proxy.scheme ?? "",
              ...(proxy.user && { user: proxy.user }),
            },
          }),
        },
      }),
    },
    secret: JSON.stringify(secret),
  }
}

/** `user:password@host:port` without the password, which may hold anything; it need not be a URL. */
function proxyWithoutPassword(url: string): string {
  const authority = url.indexOf("://") + 1
  const colon = url.indexOf(":", authority)
  const at = url.lastIndexOf("@")
  return colon >= 0 && at > colon ? url.slice(0, colon) + url.slice(at) : url
}

/**
 * A password in the URL is a secret, too, and so may be the name before it: git hosts take a token in its place. With ssh the name is that of
 * the host's account, without which there is no connection.
 */
function withoutCredentials(remoteURL: string): string {
  const url = new URL(remoteURL)
  const name = url.protocol === "ssh:" ? url.username : ""
  if (url.username === name && url.password === "") return remoteURL
  url.username = name
  url.password = ""
  return url.href
}
