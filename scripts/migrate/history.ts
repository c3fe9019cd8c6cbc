/**
 * Brings the history of a git remote over. Branches of the target take only what continues them, so what comes is merged: a commit
 * whose tree is that of the source and whose parents are the heads of both.
 */
import { mkdirSync, rmSync } from "node:fs"
import type { ProjectState } from "./state.ts"
import { authorized, Git, type GitEnvironment, GitFailure, withoutPasswords } from "./git.ts"
import type { Progress } from "./progress.ts"
import type { SourceProject } from "./source.ts"

/** A branch of the target and the one of the source that it continues. */
interface BranchPair {
  source: string
  target: string
}

/** What became of it: how many commits came over by branch, or why there is no history to be had. */
export type HistoryOutcome = { copied: ReadonlyMap<string, number> } | { unavailable: string }

/** What one push may hold; the target's own limits are a little above. */
const LIMITS = {
  commits: 900,
  objects: 18_000,
  bytes: 60 * 1024 * 1024,
  unpacked: 100 * 1024 * 1024,
  treeBytes: 6 * 1024 * 1024,
}
/** How often a push is tried again because somebody wrote to the branch meanwhile. */
const RACES = 5
const MAIN = "main"
const SHIPYARD = "shipyard.yaml"

/** Brings the history of `remote` into the repository of the target. */
export async function copyHistory(
  project: SourceProject,
  remote: string,
  target: { repository: string; token: string },
  state: ProjectState,
  progress: Progress,
): Promise<HistoryOutcome> {
  const folder = state.path("history.git")
  mkdirSync(folder, { recursive: true })
  const git = new Git(folder)
  await git.run(["init", "--quiet", "--bare"])
  progress.step("asks the git remote")
  const pairs = await pairBranches(git, project, remote)
  if ("unavailable" in pairs) return pairs
  progress.step("fetches the history")
  await git.run(["fetch", "--quiet", "--prune", "--no-tags", "--", remote, "+refs/heads/*:refs/source/*"])
  const copier = new HistoryCopier(git, folder, project, target)
  const copied = new Map<string, number>()
  for (const [index, pair] of pairs.pairs.entries()) {
    progress.step("pushes the history", index, pairs.pairs.length)
    const count = await copier.copy(pair)
    if (count > 0) copied.set(pair.target, count)
  }
  return { copied }
}

/** Which branch of the remote continues which of the target. */
async function pairBranches(
  git: Git,
  { stages }: SourceProject,
  remote: string,
): Promise<{ pairs: BranchPair[] } | { unavailable: string }> {
  const listed = await git.run(["ls-remote", "--symref", "--", remote]).catch((error: unknown) => {
    if (!(error instanceof GitFailure)) throw error
    return error
  })
  if (listed instanceof GitFailure) {
    return { unavailable: `its git remote cannot be reached (${withoutPasswords(listed.message)})` }
  }
  const branches = new Set([...listed.matchAll(/\trefs\/heads\/(.+)$/gm)].map(([, name = ""]) => name))
  const head = /^ref: refs\/heads\/(.+)\tHEAD$/m.exec(listed)?.[1]
  const names = new Set(stages.map(({ name }) => name))
  const main = [head, MAIN, "master"].find((name) => name !== undefined && branches.has(name) && !names.has(name))
  if (main === undefined) return { unavailable: "its git remote has no default branch" }
  const missing = stages.find(({ name }) => !branches.has(name))
  if (missing) return { unavailable: `its git remote has no branch for the stage ${missing.name}` }
  return {
    pairs: [{ source: main, target: MAIN }, ...stages.map(({ name }) => ({ source: name, target: name }))],
  }
}

class HistoryCopier {
  readonly #git: Git
  readonly #folder: string
  readonly #project: SourceProject
  readonly #repository: string
  readonly #env: GitEnvironment

  constructor(git: Git, folder: string, project: SourceProject, target: { repository: string; token: string }) {
    this.#git = git
    this.#folder = folder
    this.#project = project
    this.#repository = target.repository
    this.#env = authorized(target.repository, target.token)
  }

  /** Brings one branch over, in as many pushes as it takes. Answers how many commits of the source came. */
  async copy({ source, target }: BranchPair): Promise<number> {
    const head = await this.#git.run(["rev-parse", `refs/source/${source}`])
    let came = 0
    let scale = 1
    for (let races = 0; ;) {
      const base = await this.#fetchHead(target)
      if (await this.#git.asks(["merge-base", "--is-ancestor", head, base])) return came
      const next = await this.#nextStep(base, head, scale)
      const count = Number(await this.#git.run(["rev-list", "--count", next, `^${base}`]))
      const problem = await this.#push(await this.#merge(next, base, target), target)
      if (problem === null) came += count
      else if (/fetch first|non-fast-forward|stale|written meanwhile|try again/i.test(problem) && races < RACES) races++
      else if (count > 1 && scale > 1 / 1024) scale /= 4
      else throw new Error(`the target refuses the history of the branch ${target}: ${problem}`)
    }
  }

  /** The head of a branch of the target, which is fetched. */
  async #fetchHead(branch: string): Promise<string> {
    const refs = `+refs/heads/${branch}:refs/target/${branch}`
    await this.#git.run(["fetch", "--quiet", "--no-tags", this.#repository, refs], { env: this.#env })
    return this.#git.run(["rev-parse", `refs/target/${branch}`])
  }

  /**
   * The commit to be merged next: the head of the source, or one before it where all together are too much for a push. Those on the
   * line of first parents are taken first, because they are states that the branch was in.
   */
  async #nextStep(base: string, head: string, scale: number): Promise<string> {
    if (await this.#fits(head, base, scale)) return head
    for (const order of [["--first-parent"], ["--topo-order"]]) {
      const list = await this.#git.run(["rev-list", "--reverse", ...order, head, `^${base}`])
      const commits = list.split("\n")
      for (let index = commits.length >> 1; ; index >>= 1) {
        const commit = commits[index]
        if (commit !== undefined && (await this.#fits(commit, base, scale))) return commit
        if (index === 0) break
      }
    }
    // Not even one commit fits: the target says why.
    return (await this.#git.run(["rev-list", "--reverse", "--topo-order", head, `^${base}`])).split("\n")[0] ?? head
  }

  async #fits(commit: string, base: string, scale: number): Promise<boolean> {
    const commits = Number(await this.#git.run(["rev-list", "--count", commit, `^${base}`]))
    if (commits > Math.max(1, LIMITS.commits * scale)) return false
    const objects = await this.#git.run(["rev-list", "--objects", "--no-object-names", commit, `^${base}`])
    const sizes = await this.#git.run(["cat-file", "--batch-check=%(objecttype) %(objectsize) %(objectsize:disk)"], {
      input: `${objects}\n`,
    })
    const lines = sizes.split("\n").map((line) => line.split(" "))
    const treeBytes = lines.reduce((sum, [type, size]) => sum + (type === "blob" ? 0 : Number(size)), 0)
    const bytes = lines.reduce((sum, [, , onDisk]) => sum + Number(onDisk), 0)
    const unpacked = lines.reduce((sum, [, size]) => sum + Number(size), 0)
    return (
      lines.length <= LIMITS.objects * scale &&
      bytes <= LIMITS.bytes * scale &&
      unpacked <= LIMITS.unpacked * scale &&
      treeBytes <= LIMITS.treeBytes * scale
    )
  }

  async #merge(commit: string, base: string, branch: string): Promise<string> {
    const tree = await this.#treeOf(commit, base, branch)
    const message = `Merge the history of ${branch} from Keptn`
    return this.#git.run(["commit-tree", tree, "-p", base, "-p", commit, "-m", message])
  }

  /**
   * The tree of the source, with what the target alone has and needs: the files that make a project and its services, and charts, which
   * Keptn keeps unpacked.
   */
  async #treeOf(commit: string, base: string, branch: string): Promise<string> {
    const env = { GIT_INDEX_FILE: `${this.#folder}/migrate.index` }
    rmSync(env.GIT_INDEX_FILE, { force: true })
    await this.#git.run(["read-tree", commit], { env })
    const [theirs, ours] = [await this.#entries(commit), await this.#entries(base)]
    const kept = [...ours].filter(([path]) => !theirs.has(path) && this.#isNeeded(path, branch, theirs))
    const lines = kept.map(([path, entry]) => `${entry}\t${path}\0`)
    if (branch === MAIN) lines.push(await this.#shipyardEntry())
    await this.#git.run(["update-index", "-z", "--index-info"], { env, input: lines.join("") })
    return this.#git.run(["write-tree"], { env })
  }

  /** The files of a commit: by path, their mode and id. */
  async #entries(commit: string): Promise<Map<string, string>> {
    const listed = await this.#git.run(["ls-tree", "-r", "-z", "--full-tree", commit])
    return new Map(
      listed
        .split("\0")
        .filter((line) => line !== "")
        .map((line) => {
          const [facts = "", path = ""] = line.split("\t", 2)
          const [mode, , id] = facts.split(" ")
          return [path, `${mode} ${id}`]
        }),
    )
  }

  #isNeeded(path: string, branch: string, theirs: ReadonlyMap<string, string>): boolean {
    if (path === "metadata.yaml") return true
    const services = this.#project.stages.find(({ name }) => name === branch)?.services ?? []
    if (services.some((service) => path === `${service}/metadata.yaml`)) return true
    return /(^|\/)helm\/[^/]+\.tgz$/.test(path) && theirs.has(path.replace(/\.tgz$/, "/Chart.yaml"))
  }

  /** The shipyard as a text: Keptn 1.4.5 has one that was changed in base64. */
  async #shipyardEntry(): Promise<string> {
    const id = await this.#git.run(["hash-object", "-w", "--stdin"], { input: this.#project.shipyard })
    return `100644 ${id}\t${SHIPYARD}\0`
  }

  /** Pushes a commit; answers why the target refuses it, or null. */
  async #push(commit: string, branch: string): Promise<string | null> {
    // The target takes no large file as a delta.
    const args = ["-c", "core.bigFileThreshold=8m", "push", "--quiet", this.#repository]
    try {
      await this.#git.run([...args, `${commit}:refs/heads/${branch}`], { env: this.#env })
      return null
    } catch (error) {
      if (error instanceof GitFailure) return error.message
      throw error
    }
  }
}
