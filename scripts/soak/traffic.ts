/** What writers do, and how often. */
import { Fault } from "./client.ts"
import { countOwn, exportOwn, findOne, pages, send } from "./events.ts"
import * as files from "./files.ts"
import { cloneAndPush } from "./git.ts"
import type { Project, Turn, World, Writer } from "./model.ts"
import { create, look, retire, toggleService } from "./projects.ts"
import { handleSecrets, handleTokens, sendWrongToken } from "./tokens.ts"

/** How often each is done, beside the others. */
const ACTIVITIES: readonly [number, (turn: Turn) => Promise<void>][] = [
  [120, files.writeOne],
  [3, files.writeLarge],
  [60, files.writeMany],
  [25, files.removeOne],
  [15, files.writeRefused],
  [160, files.readOne],
  [100, files.readOld],
  [50, files.readConditionally],
  [40, files.list],
  [15, files.listConditionally],
  [100, send],
  [50, findOne],
  [15, pages],
  [10, exportOwn],
  [10, countOwn],
  [40, look],
  [10, toggleService],
  [3, cloneAndPush],
  [30, handleTokens],
  [5, sendWrongToken],
  [25, handleSecrets],
]
const ALL = ACTIVITIES.reduce((sum, [weight]) => sum + weight, 0)
/** Now and then a project goes before it is full. */
const EARLY_END = 1 / 1_000

/** Sends traffic until it is told to stop; what went wrong is handed on. */
export async function write(
  world: World,
  writer: Writer,
  mayGoOn: () => boolean,
  onFault: (fault: Error) => void,
): Promise<void> {
  while (mayGoOn()) {
    try {
      await oneTurn(world, writer)
    } catch (error) {
      onFault(error instanceof Error ? error : new Fault(String(error)))
    }
  }
}

async function oneTurn(world: World, writer: Writer): Promise<void> {
  const { random } = writer
  const project = random.pick(world.projects)
  if (project === undefined) throw new Fault("there is no project")
  if (project.isGone) return project.alone(() => create(world.client, project))
  if (!project.isLive) return elsewhere(world, writer)
  if (project.isFull || random.chance(EARLY_END)) return project.alone(() => retire(world.client, project))
  await project.shared(() => act(world, writer, project))
}

/** A writer whose project is just being created or deleted works at another; when there is none, it waits for a moment. */
async function elsewhere(world: World, writer: Writer): Promise<void> {
  const project = writer.random.pick(world.projects.filter(({ isLive }) => isLive))
  if (project !== undefined) return project.shared(() => act(world, writer, project))
  await new Promise((resolve) => setTimeout(resolve, 50))
}

async function act(world: World, writer: Writer, project: Project): Promise<void> {
  const { client } = world
  const turn = { world, client, writer, random: writer.random, project, share: project.shareOf(writer.index) }
  const activity = pickActivity(writer)
  if (activity !== cloneAndPush || world.hasGit) await activity(turn)
}

function pickActivity({ random }: Writer): (turn: Turn) => Promise<void> {
  let left = random.below(ALL)
  for (const [weight, activity] of ACTIVITIES) {
    if (left < weight) return activity
    left -= weight
  }
  return files.readOne
}
