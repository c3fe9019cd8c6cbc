/** The history of a project in `eu`, as its API answers it. */
import { z } from "zod"
import { send, type TestRequest } from "./client.ts"
import { answer } from "./keptn.ts"

const objectIdSchema = z.string().regex(/^[0-9a-f]{40}$/)
const personSchema = z.strictObject({ name: z.string(), email: z.string(), time: z.iso.datetime() })
const commitMembers = {
  id: objectIdSchema,
  parents: z.array(objectIdSchema),
  author: personSchema,
  committer: personSchema,
  message: z.string(),
  truncated: z.boolean(),
}
const pageSchema = z.strictObject({
  commits: z.array(z.strictObject({ ...commitMembers, changedPaths: z.array(z.string()) })),
  nextPageKey: z.string().regex(/^\d+$/),
})
const changeSchema = z.strictObject({
  path: z.string(),
  status: z.enum(["added", "modified", "removed"]),
  before: objectIdSchema.optional(),
  after: objectIdSchema.optional(),
})
const commitSchema = z.strictObject({
  ...commitMembers,
  branches: z.array(z.string()),
  changes: z.array(changeSchema),
})

export type CommitPage = z.infer<typeof pageSchema>
export type ShownCommit = z.infer<typeof commitSchema>

/** Where a commit is looked for; without a stage on the project's own branch. */
export interface BranchName {
  project: string
  stage?: string
}

function historyPath(project: string): string {
  return `/api/resource-service/v1/project/${project}/commit`
}

function onBranch({ stage }: BranchName): string {
  return stage === undefined ? "" : `?stage=${stage}`
}

/** Asks for a page of commits; `query` without its question mark. */
export function askCommits(project: string, query = "", request: TestRequest = {}): Promise<Response> {
  return send("eu", `${historyPath(project)}?${query}`, request)
}

/** A page of commits. */
export async function listCommits(project: string, query = ""): Promise<CommitPage> {
  return answer(await askCommits(project, query), pageSchema)
}

/** The messages of a page of commits. */
export async function listMessages(project: string, query = ""): Promise<string[]> {
  return (await listCommits(project, query)).commits.map(({ message }) => message)
}

/** Asks for one commit. */
export function askCommit(branch: BranchName, id: string, request: TestRequest = {}): Promise<Response> {
  return send("eu", `${historyPath(branch.project)}/${id}${onBranch(branch)}`, request)
}

/** One commit. */
export async function readCommit(branch: BranchName, id: string): Promise<ShownCommit> {
  return answer(await askCommit(branch, id), commitSchema)
}

/** Reverts a commit on a branch. */
export function revertCommit(branch: BranchName, id: string, request: TestRequest = {}): Promise<Response> {
  const path = `${historyPath(branch.project)}/${id}/revert${onBranch(branch)}`
  return send("eu", path, { method: "POST", ...request })
}
