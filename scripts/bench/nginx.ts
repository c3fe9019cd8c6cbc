/** nginx as the reverse proxy to compare with. */
import { spawn, spawnSync } from "node:child_process"
import { once } from "node:events"
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { freePort } from "../start/port.ts"
import type { RunningProcess } from "./process.ts"

/** Ends nginx when standard input ends: when the benchmark is gone, however it went. */
const TETHER = `nginx -p "$1" -c nginx.conf -e stderr & read -r _; kill $!; wait`

/** How often to look whether it has started. */
const ATTEMPTS = 100

/** Whether there is an nginx on this machine. */
export function hasNginx(): boolean {
  return spawnSync("sh", ["-c", "command -v nginx"]).status === 0
}

/** Starts nginx in front of the origin on port `origin`, with its files in `folder`. */
export function startNginx(folder: string, origin: number): Promise<RunningProcess> {
  return start(folder, upstream("origin", origin), location("/", "origin"))
}

/** Starts nginx as the gateway that Keptn has: it asks the server on port `auth` about each request before it goes to `backend`. */
export function startKeptnGateway(folder: string, auth: number, backend: number): Promise<RunningProcess> {
  const question = `internal; proxy_pass_request_body off; proxy_set_header Content-Length "";`
  return start(
    folder,
    [upstream("auth", auth), upstream("backend", backend)].join("\n"),
    [location("= /auth", "auth", question), location("/", "backend", "auth_request /auth;")].join("\n"),
  )
}

async function start(folder: string, upstreams: string, locations: string): Promise<RunningProcess> {
  const port = await freePort()
  writeFileSync(join(folder, "nginx.conf"), configuration(port, upstreams, locations))
  const child = spawn("sh", ["-c", TETHER, "sh", folder], { stdio: ["pipe", "ignore", "inherit"] })
  const stop = async () => {
    const ended = once(child, "exit")
    child.stdin.end()
    await ended
  }
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    if (await isReady(port)) return { port, id: child.pid, stop }
    await sleep(50)
  }
  await stop()
  throw new Error("nginx did not start")
}

/** It passes bytes on as they come, as the edge does. Plain HTTP/1.1 on connections that are kept, without a log. */
function configuration(port: number, upstreams: string, locations: string): string {
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map((name) => `${name}_temp_path ${name};`)
  return `
    daemon off;
    worker_processes 1;
    pid nginx.pid;
    error_log stderr error;
    events { worker_connections 8192; }
    http {
      access_log off;
      client_max_body_size 0;
      keepalive_requests 1000000;
      ${temporary.join(" ")}
      ${upstreams}
      server {
        listen 127.0.0.1:${port} backlog=4096;
        ${locations}
      }
    }`
}

function upstream(name: string, port: number): string {
  return `upstream ${name} { server 127.0.0.1:${port}; keepalive 64; keepalive_requests 1000000; }`
}

function location(path: string, server: string, more = ""): string {
  return `location ${path} {
    ${more}
    proxy_pass http://${server};
    proxy_http_version 1.1;
    proxy_set_header Connection "";
    proxy_buffering off;
    proxy_request_buffering off;
  }`
}

async function isReady(port: number): Promise<boolean> {
  // Without a token it may well refuse: any answer will do.
  return fetch(`http://127.0.0.1:${port}/small`).then(
    () => true,
    () => false,
  )
}
