/** Many writers of one branch at once, beside as many writes one after another; and those who read another project meanwhile. */
import { randomUUID } from "node:crypto"
import { withEdges } from "./edges.ts"
import { askOnce, askTimes, type Question } from "./load.ts"
import type { Part } from "./part.ts"
import { FILE, filePath, get, newFile, newProject } from "./questions.ts"
import { median } from "./results.ts"

/** The project that is read. */
const READ = "read"
const WRITERS = { steady: 200, quick: 20 }
/** So many reads tell how long one takes while nobody writes. */
const READS = { steady: 200, quick: 20 }

/** How long the writes took, and each of the reads meanwhile, in ms. */
interface Round {
  writing: number
  reading: readonly number[]
}

/** Measures and reports. */
export const measureWriters: Part = async ({ pace, isQuick }, report) => {
  const writers = isQuick ? WRITERS.quick : WRITERS.steady
  const workers = [{ name: "own", source: "built" as const }]
  await withEdges({ workers }, async ({ token, port: portOf }) => {
    const port = portOf("own")
    for (const question of [newProject(token, READ), newFile(token, READ)]) await askOnce(port, question)
    // Each time to a new project: a stage of many files is slower to write to.
    const write = async (connections: number) => {
      const project = `written-${randomUUID()}`
      await askOnce(port, newProject(token, project))
      return writeWhileReading(port, token, () => newFile(token, `${project}/stage/dev`, `${randomUUID()}.yaml`), {
        writers,
        connections,
      })
    }
    await write(writers)
    const rounds: { together: Round; apart: Round; idle: number }[] = []
    for (let round = 0; round < pace.rounds; round++) {
      const idle = median(await timesOf(port, token, isQuick ? READS.quick : READS.steady)) ?? 0
      rounds.push({ idle, apart: await write(1), together: await write(writers) })
    }
    const table = report.table(`${writers} writers of one stage at once`, { heading: "ratio", digits: 2 }, [
      { heading: "ms" },
      { heading: "beside", unit: " ms" },
    ])
    table.add({
      name: "all of them, of as many one after another",
      values: rounds.map(({ together, apart }) => together.writing / apart.writing),
      goal: { most: 1.5 },
      others: [
        median(rounds.map(({ together }) => together.writing)),
        median(rounds.map(({ apart }) => apart.writing)),
      ],
    })
    table.add({
      name: "the median read of another project, of an idle edge's",
      values: rounds.map(({ together, idle }) => (median(together.reading) ?? 0) / idle),
      goal: { most: 3 },
      others: [
        median(rounds.map(({ together }) => median(together.reading) ?? 0)),
        median(rounds.map(({ idle }) => idle)),
      ],
    })
  })
}

/** Writes on so many connections, and reads in another project, one read after the other, until that is done. */
async function writeWhileReading(
  port: number,
  token: string,
  write: () => Question,
  { writers, connections }: { writers: number; connections: number },
): Promise<Round> {
  const started = performance.now()
  const end = { isReached: false }
  const reading = readUntil(port, token, end)
  await askTimes(port, write, writers, connections)
  const writing = performance.now() - started
  end.isReached = true
  return { writing, reading: await reading }
}

async function readUntil(port: number, token: string, end: { isReached: boolean }): Promise<number[]> {
  const times: number[] = []
  while (!end.isReached) times.push(...(await timesOf(port, token, 1)))
  return times
}

/** How long each of so many reads takes, one after the other, in ms. */
async function timesOf(port: number, token: string, reads: number): Promise<number[]> {
  const times: number[] = []
  const question: Question = get(filePath(READ, FILE), token)
  for (let read = 0; read < reads; read++) {
    const started = performance.now()
    await askOnce(port, question)
    times.push(performance.now() - started)
  }
  return times
}
