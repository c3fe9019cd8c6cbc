/** How writers on one branch make way for each other. */

/** How often a write is tried again on a new head before it is given up. */
export const WRITE_ATTEMPTS = 64

/** Waits a random time that grows with each attempt, so that writers who collided do not collide again. */
export function pauseBeforeRetry(attempt: number): Promise<void> {
  return scheduler.wait(Math.random() * Math.min(10 * attempt, 200))
}
