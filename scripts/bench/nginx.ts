/** nginx as the reverse proxy to compare with. */
import { spawn, spawnSync } from "node:child_process"
import { once } from "node:events"
import { writeFileSync } from "node:fs"
import { createServer } from "node:net"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
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
export async function startNginx(folder: string, origin: number): Promise<RunningProcess> {
  const port = await freePort()
  writeFileSync(join(folder, "nginx.conf"), configuration(port, origin))
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
function configuration(port: number, origin: number): string {
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
      upstream origin { server 127.0.0.1:${origin}; keepalive 64; keepalive_requests 1000000; }
      server {
        listen 127.0.0.1:${port} backlog=4096;
        location / {
          proxy_pass http://origin;
          proxy_http_version 1.1;
          proxy_set_header Connection "";
          proxy_buffering off;
          proxy_request_buffering off;
        }
      }
    }`
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1")
  await once(server, "listening")
  const address = server.address()
  server.close()
  await once(server, "close")
  if (typeof address !== "object" || address === null) throw new Error("no port is free")
  return address.port
}

async function isReady(port: number): Promise<boolean> {
  return fetch(`http://127.0.0.1:${port}/small`).then(
    (response) => response.ok,
    () => false,
  )
}
