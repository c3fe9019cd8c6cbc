/** Who a commit is by. */
import type { Principal } from "./principal.ts"

/** The signature of what `principal` does at `now` (ms since 1970). The address is one that no mail can be sent to. */
export function authorOf(principal: Principal, now: number): { name: string; email: string; time: number } {
  return { name: principal.name, email: `${principal.id}@noreply.quarterdeck.invalid`, time: Math.floor(now / 1000) }
}
