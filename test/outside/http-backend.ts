/** Git's own HTTP server (`git http-backend`) on a bare repository: what it sends is what clients are made for. */
import { spawn } from "node:child_process"

/** A request for one of its programs. */
export interface BackendRequest {
  method: "GET" | "POST"
  /** Such as `/name.git/info/refs?service=git-receive-pack`. */
  path: string
  body?: Uint8Array
  /** The `Content-Type` of the body. */
  type?: string
  /** The `Git-Protocol` header. */
  protocol?: string
}

/** Asks git's server for a bare repository in `folder`, which the path begins with; `config` are options as `git -c` takes them. Returns the body of its answer. */
export async function askBackend(
  folder: string,
  request: BackendRequest,
  config: readonly string[] = [],
): Promise<Buffer> {
  const [path = "", query = ""] = request.path.split("?")
  const body = request.body ?? new Uint8Array()
  const options = [...config, "http.receivepack=true"].flatMap((option) => ["-c", option])
  const variables: Record<string, string> = {
    HOME: folder,
    GIT_CONFIG_NOSYSTEM: "1",
    GIT_CONFIG_GLOBAL: "/dev/null",
    GIT_PROJECT_ROOT: folder,
    GIT_HTTP_EXPORT_ALL: "1",
    PATH_INFO: path,
    QUERY_STRING: query,
    REQUEST_METHOD: request.method,
    CONTENT_TYPE: request.type ?? "",
    CONTENT_LENGTH: String(body.length),
    LC_ALL: "C",
    ...(request.protocol !== undefined && { GIT_PROTOCOL: request.protocol }),
  }
  const child = spawn("git", [...options, "http-backend"], { env: { ...process.env, ...variables } })
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>()
  const out: Buffer[] = []
  child.stdout.on("data", (part: Buffer) => out.push(part))
  child.on("error", reject)
  child.on("close", () => resolve(Buffer.concat(out)))
  child.stdin.on("error", () => undefined)
  child.stdin.end(body)
  const answer = await promise
  const end = answer.indexOf("\r\n\r\n")
  const head = answer.subarray(0, end).toString("latin1")
  if (end < 0 || /^Status: (?!200)/m.test(head)) throw new Error(`git http-backend: ${head}`)
  return answer.subarray(end + 4)
}
