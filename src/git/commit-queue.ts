/** Commits that a walk still has to look at, the newest first; of two with the same time the one that came first. */
import type { HistoryCommit } from "./walk.ts"

/** A commit in the queue. `number`: how many were put in before it. */
interface Entry {
  commit: HistoryCommit
  number: number
}

/** A binary heap: a walk with many open ends takes a step in logarithmic time. */
export class CommitQueue {
  readonly #heap: Entry[] = []
  #pushed = 0

  /** Adds a commit. */
  push(commit: HistoryCommit): void {
    const entry = { commit, number: this.#pushed++ }
    let at = this.#heap.length
    this.#heap.push(entry)
    while (at > 0) {
      const above = Math.floor((at - 1) / 2)
      const parent = this.#heap[above]
      if (parent === undefined || !isBefore(entry, parent)) break
      this.#heap[at] = parent
      at = above
    }
    this.#heap[at] = entry
  }

  /** Takes the newest commit; undefined when there is none. */
  pop(): HistoryCommit | undefined {
    const [first] = this.#heap
    const last = this.#heap.pop()
    if (last !== undefined && this.#heap.length > 0) this.#sink(last)
    return first?.commit
  }

  /** Puts an entry at the top, and moves it down to its place. */
  #sink(entry: Entry): void {
    let at = 0
    for (;;) {
      const below = this.#newerChild(at)
      const child = this.#heap[below]
      if (child === undefined || !isBefore(child, entry)) break
      this.#heap[at] = child
      at = below
    }
    this.#heap[at] = entry
  }

  #newerChild(at: number): number {
    const left = 2 * at + 1
    const [first, second] = [this.#heap[left], this.#heap[left + 1]]
    return first !== undefined && second !== undefined && isBefore(second, first) ? left + 1 : left
  }
}

function isBefore(a: Entry, b: Entry): boolean {
  return a.commit.time === b.commit.time ? a.number < b.number : a.commit.time > b.commit.time
}
