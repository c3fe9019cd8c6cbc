/** One run: traffic, kills, samples, and at the end everything that was acknowledged. */
import { mkdirSync } from "node:fs"
import { join } from "node:path"
import { setTimeout as pause } from "node:timers/promises"
import { Client, Fault } from "./client.ts"
import { freePort } from "../start/port.ts"
import { Edge } from "./edge.ts"
import { findGit } from "./git.ts"
import { Measures } from "./measures.ts"
import { Project, type World, type Writer } from "./model.ts"
import type { Options } from "./options.ts"
import { create, verify } from "./projects.ts"
import { Random } from "./random.ts"
import { mebibytes, print, printReport } from "./report.ts"
import { createAccount, verifyWriter } from "./tokens.ts"
import { write } from "./traffic.ts"

const PROJECTS_PER_REGION = 4
const PROGRESS_MS = 10_000
const SAMPLE_MS = 500
/** With so many, the rest says no more. */
const MOST_FAULTS = 20

/** Runs until the time is over or `stop` is aborted, and prints the report. Answers whether all was well. */
export async function run(options: Options, folder: string, stop: AbortController): Promise<boolean> {
  const edge = new Edge(join(folder, "state"), await freePort())
  await edge.start()
  try {
    return await new Run(options, folder, edge, stop).finish()
  } finally {
    await edge.stop()
  }
}

class Run {
  readonly #options: Options
  readonly #folder: string
  readonly #edge: Edge
  readonly #stop: AbortController
  readonly #measures: Measures
  readonly #faults: Error[] = []
  #faultCount = 0

  constructor(options: Options, folder: string, edge: Edge, stop: AbortController) {
    this.#options = options
    this.#folder = folder
    this.#edge = edge
    this.#stop = stop
    this.#measures = new Measures(options.minutes * 60_000)
  }

  /** Answers whether all was well. */
  async finish(): Promise<boolean> {
    const world = await this.#makeWorld()
    const writers = await this.#makeWriters(world.client)
    print(`${writers.length} writers begin`)
    const end = setTimeout(() => this.#stop.abort(), this.#options.minutes * 60_000)
    const [mayGoOn, onFault] = [() => !this.#stop.signal.aborted, (fault: Error) => this.#note(fault)]
    await Promise.all([
      ...writers.map((writer) => write(world, writer, mayGoOn, onFault)),
      this.#killAgainAndAgain(),
      this.#sample(),
      this.#tellProgress(),
    ])
    clearTimeout(end)
    this.#measures.close()
    await this.#readBack(world, writers)
    printReport(this.#edge, this.#measures, this.#faults, this.#faultCount)
    return this.#faultCount === 0 && !this.#measures.isMemoryGrowing() && !this.#measures.isSlowing()
  }

  async #makeWorld(): Promise<World> {
    const client = new Client(this.#edge, this.#measures)
    const projects = (["eu", "us"] as const).flatMap((region) =>
      Array.from({ length: PROJECTS_PER_REGION }, (_, index) => new Project(region, `soak-${index}`)),
    )
    await Promise.all(projects.map((project) => project.alone(() => create(client, project))))
    const clones = join(this.#folder, "clones")
    mkdirSync(clones)
    const hasGit = await findGit()
    if (!hasGit) print("git is not installed: nothing is cloned or pushed")
    return { client, projects, clones, hasGit }
  }

  async #makeWriters(client: Client): Promise<Writer[]> {
    const indexes = Array.from({ length: this.#options.writers }, (_, index) => index)
    return Promise.all(
      indexes.map(async (index) => {
        let serials = 0
        return {
          index,
          random: new Random(`${this.#options.seed} writer ${index}`),
          account: await createAccount(client, `soak-${index}`),
          tokens: [],
          secrets: new Map<string, string>(),
          serial: () => `${this.#options.seed}-${index}-${serials++}`,
        }
      }),
    )
  }

  #note(fault: Error): void {
    this.#faultCount++
    if (this.#faults.length < MOST_FAULTS) this.#faults.push(fault)
    else this.#stop.abort()
  }

  async #killAgainAndAgain(): Promise<void> {
    const { killEvery, seed } = this.#options
    if (killEvery === null) return
    const random = new Random(`${seed} kills`)
    while (await this.#waits(killEvery * 1000 * (0.5 + random.next()))) {
      try {
        await this.#edge.kill()
      } catch (error) {
        this.#note(new Fault(`killed, it does not start again: ${error}`))
        this.#stop.abort()
      }
    }
  }

  async #sample(): Promise<void> {
    while (await this.#waits(SAMPLE_MS)) this.#measures.addMemory(this.#edge.memoryKib())
  }

  async #tellProgress(): Promise<void> {
    const started = performance.now()
    let before = 0
    while (await this.#waits(PROGRESS_MS)) {
      const { checked } = this.#measures
      const [seconds, rate] = [
        Math.round((performance.now() - started) / 1000),
        (checked - before) / (PROGRESS_MS / 1000),
      ]
      before = checked
      const memory = mebibytes(this.#edge.memoryKib())
      print(
        `${seconds} s: ${checked} answers checked (${Math.round(rate)}/s), ${this.#edge.kills} kills, ${this.#faultCount} faults, memory ${memory}`,
      )
    }
  }

  /** Waits; answers false as soon as the run is to end. */
  async #waits(ms: number): Promise<boolean> {
    const { signal } = this.#stop
    await pause(ms, undefined, { signal }).catch(() => undefined)
    return !signal.aborted
  }

  /** Compares everything that is stored with everything that was acknowledged. */
  async #readBack({ client, projects }: World, writers: readonly Writer[]): Promise<void> {
    print("reading back everything that was acknowledged")
    const live = projects.filter(({ isLive }) => isLive)
    for (const project of live) await this.#guard(() => verify(client, project))
    for (const writer of writers) await this.#guard(() => verifyWriter(client, writer))
  }

  async #guard(work: () => Promise<void>): Promise<void> {
    try {
      await work()
    } catch (error) {
      this.#note(error instanceof Error ? error : new Fault(String(error)))
    }
  }
}
