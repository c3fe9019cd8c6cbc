/** The names of one run, which no other run has. */
export class Names {
  readonly #run: number
  readonly #contexts = new Map<string, string>()

  constructor(run: number) {
    this.#run = run
  }

  /** The name that stands for a project or a secret. */
  full(name: string): string {
    return `run-${this.#run}-${name}`
  }

  /** The id that stands for a context. */
  context(name: string): string {
    const id = this.#contexts.get(name) ?? crypto.randomUUID()
    this.#contexts.set(name, id)
    return id
  }

  /** The context that an id stands for. */
  contextOf(id: string): string {
    return [...this.#contexts].find(([, known]) => known === id)?.[0] ?? id
  }

  /** A text without what is particular to the run, and without the stage that was looked at first. */
  short(text: string): string {
    return text.replaceAll(`run-${this.#run}-`, "").replace(/^stage '[^']+' has/, "a stage has")
  }
}
