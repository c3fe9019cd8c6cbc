/** The contract of git's smart HTTP protocol: what `git clone`, `git fetch` and `git push` ask for. */
import { createRoute, z } from "@hono/zod-openapi"
import { requires } from "../../gateway/authorize.ts"
import { ApiError } from "../../gateway/errors.ts"
import { gitErrors } from "../../gateway/responses.ts"

/** The two programs of a git server, by what a client does with them. */
export const SERVICES = { fetch: "git-upload-pack", push: "git-receive-pack" } as const

const projectName = z.string().openapi({
  param: { name: "projectName", in: "path" },
  example: "sockshop",
  description: "The project; git's usual `.git` behind it is optional",
})
const params = z.object({ projectName })

/** A project that is not there, or that the caller may not see. */
export function repositoryNotFound(project: string): ApiError {
  return new ApiError("not_found", `there is no project '${project}' in this region`)
}

const ofProject = { notFound: repositoryNotFound, param: "projectName", on: "project" } as const

/** What git sends and gets. No validator sees it: it is streamed. */
const gitData = z.never().openapi({ type: "string", format: "binary" })

const git = (...types: string[]) => ({
  content: Object.fromEntries(types.map((type) => [`application/x-${type}`, { schema: gitData }])),
})

export const infoRefs = createRoute({
  ...requires({ ...ofProject, action: "read" }),
  method: "get",
  path: "/git/{projectName}/info/refs",
  operationId: "gitInfoRefs",
  tags: ["git"],
  summary: "What branches there are",
  description:
    "The start of every conversation with git. `git clone https://{host}/git/{projectName}.git` and give the token as the password; " +
    "any user name will do. The project's default branch and one branch per stage can be fetched, in protocol versions 0 and 2. " +
    "For a push the role is required that the push itself requires.",
  request: {
    params,
    query: z.object({
      service: z.enum([SERVICES.fetch, SERVICES.push]).openapi({
        example: SERVICES.fetch,
        description: "What the client is about to do; the old protocol without it is not served",
      }),
    }),
  },
  responses: {
    200: {
      description: "The branches and what the server can do",
      ...git("git-upload-pack-advertisement", "git-receive-pack-advertisement"),
    },
    ...gitErrors("invalid_request", "permission_denied", "not_found"),
  },
})

export const uploadPack = createRoute({
  ...requires({ ...ofProject, action: "read" }),
  method: "post",
  path: "/git/{projectName}/git-upload-pack",
  operationId: "gitUploadPack",
  tags: ["git"],
  summary: "Fetch",
  description:
    "What `git fetch` and `git clone` send: negotiates what is missing, and answers with a pack of it, of at most 500,000 objects. " +
    "Every line is as git's own server sends it. The request is at most 8 MiB, decompressed. Changes nothing.",
  request: { params, body: { required: true, ...git("git-upload-pack-request") } },
  responses: {
    200: { description: "What git expects", ...git("git-upload-pack-result") },
    ...gitErrors("invalid_request", "not_found", "payload_too_large", "unsupported_media_type"),
  },
})

export const receivePack = createRoute({
  ...requires({ ...ofProject, action: "contribute" }),
  method: "post",
  path: "/git/{projectName}/git-receive-pack",
  operationId: "gitReceivePack",
  tags: ["git"],
  summary: "Push",
  description:
    "What `git push` sends. Commits are taken as they are, as long as they continue the branch (fast-forward), and can be read by the " +
    "API at once. All branches of a push move together, but for those that are refused, which the answer names; with `--atomic` all or none. " +
    "Branches come from the shipyard: others cannot be made, and none can be deleted. Tags are not kept. At most 128 MiB unpacked, 20,000 objects, and " +
    "1,000 commits for a branch.",
  request: { params, body: { required: true, ...git("git-receive-pack-request") } },
  responses: {
    200: { description: "What became of each branch", ...git("git-receive-pack-result") },
    ...gitErrors("invalid_request", "permission_denied", "not_found", "payload_too_large", "unsupported_media_type"),
  },
})
