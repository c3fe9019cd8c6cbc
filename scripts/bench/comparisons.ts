/** What is asked of the Worker, and of the floor in its place. */
import { type Ask, CONNECTIONS, type Question } from "./load.ts"
import {
  event,
  eventsPath,
  FILE,
  file,
  filePath,
  filesPath,
  get,
  hundredFiles,
  METADATA_PATH,
  newFile,
  newProject,
  PROJECT_LIST,
  projectPath,
  refused,
  unknownToken,
} from "./questions.ts"

/** The projects that are read, and that get events. */
const READ = "read"
const TOLD = "told"
const EVENTS = 40
/** So many commits of a hundred files are under way at once. */
const HEAVY_CONNECTIONS = 4

/** What is compared; `goal` is the part of the floor's requests per second that shall be reached. */
export interface Comparison {
  name: string
  goal?: number
  own: Ask
  floor: Ask
  /** The Worker that is asked: another one remembers no tokens. */
  worker?: "cold"
  /** What takes long is asked on fewer connections, for longer. */
  isHeavy?: true
}

/** What the questions depend on: the administrator's token and its hash, and the port of the origin behind the proxy. */
interface Surroundings {
  token: string
  hash: string
  origin: number
}

/** What every request passes. */
export function gatewayComparisons({ token, hash, origin }: Surroundings): Comparison[] {
  const metadata = get(METADATA_PATH, token)
  return [
    { name: "metadata, beside hello", goal: 0.75, own: metadata, floor: get("/hello", "") },
    { name: "metadata, beside hello and a log line", own: metadata, floor: get("/hello-logged", "") },
    { name: "metadata, a cold token", worker: "cold", own: metadata, floor: get(`/looked-up/${hash}`, "") },
    {
      name: "a malformed token",
      own: refused(METADATA_PATH, () => "kpat_malformed"),
      floor: refused("/refused", () => ""),
    },
    {
      name: "an unknown token",
      own: refused(METADATA_PATH, unknownToken),
      floor: refused("/refused-after-look", () => ""),
    },
    { name: "GET of 1 KiB through the proxy", own: get("/origin/small", token), floor: get(`/fetch/${origin}`, "") },
  ]
}

/** Reads. */
export function readComparisons({ token }: Surroundings): Comparison[] {
  const goal = 0.85
  return [
    { name: "one project", goal, own: get(projectPath(READ), token), floor: get(`/project/${READ}`, "") },
    { name: "a page of projects", goal, own: get(PROJECT_LIST, token), floor: get("/projects", "") },
    { name: "one file", goal, own: get(filePath(READ), token), floor: get(`/file/${READ}/${FILE}`, "") },
    {
      name: "a list of files",
      goal,
      own: get(`${filesPath(READ)}?pageSize=20`, token),
      floor: get(`/files/${READ}`, ""),
    },
    {
      name: "a page of events",
      goal,
      own: get(eventsPath(`project=${READ}`), token),
      floor: get(`/events/${READ}`, ""),
    },
  ]
}

/** Writes. Files are written on each connection to another project, since a branch has one writer at a time. */
export function writeComparisons({ token }: Surroundings): Comparison[] {
  const goal = 0.7
  return [
    {
      name: "write an event",
      goal,
      own: () => event(token, "/api/v1/event", TOLD),
      floor: () => event("", `/event/${TOLD}`, TOLD),
    },
    {
      name: "write a file",
      goal,
      own: (connection) => file(token, filePath(`own-${connection}`)),
      floor: (connection) => file("", `/file/floor-${connection}/${FILE}`),
    },
    {
      name: "write a hundred files",
      goal,
      isHeavy: true,
      own: (connection) => hundredFiles(token, filesPath(`many-own-${connection}`)),
      floor: (connection) => hundredFiles("", `/files/many-floor-${connection}`),
    },
  ]
}

/** How many ask, and for how long where others are asked for `measuredMs`. */
export function loadOf({ isHeavy }: Comparison, measuredMs: number): { measuredMs: number; connections?: number } {
  return isHeavy ? { connections: HEAVY_CONNECTIONS, measuredMs: measuredMs * 4 } : { measuredMs }
}

/** Makes what is read, and what is written to. */
export function preparations(token: string): Question[] {
  const written = Array.from({ length: CONNECTIONS }, (_, connection) => [`own-${connection}`, `floor-${connection}`])
  const heavy = Array.from({ length: HEAVY_CONNECTIONS }, (_, connection) => [
    `many-own-${connection}`,
    `many-floor-${connection}`,
  ])
  return [
    ...[READ, TOLD, ...written.flat(), ...heavy.flat()].map((name) => newProject(token, name)),
    // A file has to be there before one of its name can be replaced.
    ...[READ, ...written.flat()].map((name) => newFile(token, name)),
    ...Array.from({ length: 25 }, (_, number) => newFile(token, READ, `folder/${number}.yaml`)),
    ...heavy.flat().map((name) => hundredFiles(token, filesPath(name))),
    ...Array.from({ length: EVENTS }, () => event(token, "/api/v1/event", READ)),
  ]
}
