/** What the edge must know: what it acknowledged, project by project. A path, a service and a token belong to one writer, which so knows what stands there. */
import type { Client, Region } from "./client.ts"
import type { Content, Random } from "./random.ts"

/** A path as it stood in a commit; without content, it stood not. */
export interface Version {
  commit: string
  content: Content | null
}

/** A path that a writer has. */
export interface File {
  /** The part of the address between project and resource: none, a stage, or a service of one. */
  scope: string
  path: string
  now: Content | null
  /** The last ones, the newest last. */
  versions: Version[]
}

/** An event that was acknowledged. */
export interface SentEvent {
  serial: string
  context: string
  size: number
}

/** What one writer has in a project. */
export class Share {
  readonly files = new Map<string, File>()
  readonly events: SentEvent[] = []
  /** Whether its service is there. */
  hasService = false
}

const KEPT_VERSIONS = 3
/** After so many changes a project has to go, so that a run of hours stays small. */
const MOST_CHANGES = 1_500

/** A name in a region, at which projects come and go. */
export class Project {
  readonly region: Region
  readonly name: string
  /** How many changes were made; a new project starts again. */
  changes = 0
  #shares = new Map<number, Share>()
  #state: "gone" | "live" | "claimed" = "gone"
  #users = 0
  #unused: (() => void) | null = null

  constructor(region: Region, name: string) {
    this.region = region
    this.name = name
  }

  get isLive(): boolean {
    return this.#state === "live"
  }

  get isGone(): boolean {
    return this.#state === "gone"
  }

  get isFull(): boolean {
    return this.changes >= MOST_CHANGES
  }

  /** What each writer has here. */
  get shares(): ReadonlyMap<number, Share> {
    return this.#shares
  }

  shareOf(writer: number): Share {
    const share = this.#shares.get(writer) ?? new Share()
    this.#shares.set(writer, share)
    return share
  }

  /** Lets a writer work beside others. */
  async shared<T>(work: () => Promise<T>): Promise<T> {
    this.#users++
    try {
      return await work()
    } finally {
      this.#users--
      if (this.#users === 0) this.#unused?.()
    }
  }

  /** Lets a writer work alone; `work` answers whether the project is there then. */
  async alone(work: () => Promise<boolean>): Promise<void> {
    this.#state = "claimed"
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#unused = resolve
    if (this.#users > 0) await promise
    // Should the work fail, nobody knows what is there: the project is left as it is.
    this.#state = (await work()) ? "live" : "gone"
  }

  /** Forgets what was in it. */
  forget(): void {
    this.#shares = new Map()
    this.changes = 0
  }
}

/** A token of a writer's account. */
export interface Token {
  id: string
  text: string
  isAlive: boolean
}

/** One of those that send traffic. */
export interface Writer {
  index: number
  random: Random
  /** Its system account. */
  account: string
  tokens: Token[]
  /** The names of the keys of its secrets, by region and name. */
  secrets: Map<string, string>
  /** A text that no other call answers. */
  serial: () => string
}

/** Everything there is. */
export interface World {
  client: Client
  projects: readonly Project[]
  clones: string
  hasGit: boolean
}

/** What a writer does is done with this. */
export interface Turn {
  world: World
  client: Client
  writer: Writer
  random: Random
  project: Project
  share: Share
}

/** Notes what stands at a path since a commit. */
export function noteVersion(file: File, commit: string, content: Content | null): void {
  file.now = content
  file.versions = [...file.versions, { commit, content }].slice(-KEPT_VERSIONS)
}

/** The name of a writer's service. */
export function serviceOf(writer: number): string {
  return `service-${writer}`
}

/** The path of a file in the tree of its branch. */
export function treePath({ scope, path }: File): string {
  const [, service] = /\/service\/(.+)$/.exec(scope) ?? []
  return service === undefined ? path : `${service}/${path}`
}

export function branchScope(scope: string): string {
  return scope.replace(/\/service\/.+$/, "")
}
