/** The reads whose cost must not grow with what is stored. */
import { z } from "zod"
import type { Amounts } from "./edges.ts"
import { FILLED, NEVER, NEWEST, OFTEN } from "./filled.ts"
import type { Question } from "./load.ts"
import { eventsPath, filePath, get, historyPath, METADATA_PATH, PROJECTS, projectPath } from "./questions.ts"

/** What is stored, and read. */
export interface Family {
  of: keyof Amounts
  title: string
  reads: (store: Store) => readonly Read[]
}

/** A store that is asked; `early` is an early commit, "" where there is none. */
export interface Store {
  size: number
  token: string
  early: string
}

interface Read {
  name: string
  question: Question
  /** Whether it is asked of a Worker that remembers no tokens. */
  isCold?: true
}

const commitsShape = z.object({ commits: z.tuple([z.object({ id: z.string() })]) })

/** What asks for the first of `count` commits that a store was filled with. */
export function earlyCommit(token: string, count: number): Question {
  return get(historyPath(FILLED, `pageSize=1&nextPageKey=${count - 1}`), token)
}

/** The id in the answer to that. */
export function commitIn(body: string): string {
  return commitsShape.parse(JSON.parse(body)).commits[0].id
}

/** All of them. */
export const FAMILIES: readonly Family[] = [
  {
    of: "events",
    title: "events stored",
    reads: ({ token, size }) => [
      { name: "the newest events of a project", question: get(eventsPath(`project=${FILLED}`), token) },
      {
        name: "those of one type",
        question: get(eventsPath(`project=${FILLED}&type=sh.keptn.event.test.finished`), token),
      },
      {
        name: "events deep in the past",
        question: get(
          eventsPath(`project=${FILLED}&nextPageKey=after-${NEWEST - (size / 2) * 1000}-${size / 2}`),
          token,
        ),
      },
      { name: "the events of a context", question: get(eventsPath("keptnContext=context-5"), token) },
      { name: "an event by its id", question: get(eventsPath("eventID=id-50"), token) },
    ],
  },
  {
    of: "commits",
    title: "commits of a branch",
    reads: ({ token, early }) => [
      { name: "a file that never changes, at the head", question: get(filePath(FILLED, NEVER), token) },
      { name: "a file that always changes, at the head", question: get(filePath(FILLED, OFTEN), token) },
      {
        name: "the first at an early commit",
        question: get(`${filePath(FILLED, NEVER)}?gitCommitID=${early}`, token),
      },
      {
        name: "the second at an early commit",
        question: get(`${filePath(FILLED, OFTEN)}?gitCommitID=${early}`, token),
      },
      { name: "a page of the history", question: get(historyPath(FILLED), token) },
    ],
  },
  {
    of: "people",
    title: "projects, users and tokens",
    reads: ({ token }) => [
      { name: "one project", question: get(projectPath("p-5"), token) },
      { name: "a page of projects (it counts them)", question: get(`${PROJECTS}?pageSize=10`, token) },
      { name: "metadata, a cold token", question: get(METADATA_PATH, token), isCold: true },
      {
        name: "a page of users (it counts them)",
        question: { ...get("/v3/users?page%5Bsize%5D=10", token), region: "global" },
      },
      {
        name: "the tokens of a user",
        question: { ...get("/v3/users/10000000-0000-4000-8000-000000000005/access-tokens", token), region: "global" },
      },
    ],
  },
]
