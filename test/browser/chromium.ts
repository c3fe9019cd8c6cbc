/** The Chromium of this machine. */
import { existsSync } from "node:fs"

const PLACES = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"]

/** The program to start: the one that CHROMIUM names, or one in a usual place; null when there is none. */
export function findChromium(): string | null {
  const places = [process.env["CHROMIUM"] ?? [], PLACES].flat()
  return places.find((place) => existsSync(place)) ?? null
}
