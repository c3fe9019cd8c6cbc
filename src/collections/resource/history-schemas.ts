/** The shapes of the history of a project. */
import { z } from "@hono/zod-openapi"
import { offsetPageQuery } from "../../gateway/paging.ts"

const objectId = z.string().openapi({ example: "0c5ba7f4d7e6b2c0cbd2fd9d0df0b1e60b0f0d36" })

const person = z
  .object({
    name: z.string().openapi({ example: "Ada Lovelace" }),
    email: z.string().openapi({ example: "ada@example.com" }),
    time: z.string().openapi({
      format: "date-time",
      example: "2026-11-20T12:00:00.000Z",
      description: "A date beyond the years 0000 to 9999, which old commits may have, is answered as the nearest one",
    }),
  })
  .openapi("CommitPerson")

const commitMembers = {
  id: objectId,
  parents: z
    .array(objectId)
    .openapi({ description: "The commits it follows: none for the first one, several for a merge" }),
  author: person,
  committer: person,
  message: z.string().openapi({ example: "Write slo.yaml" }),
  truncated: z.boolean().openapi({ example: false, description: "Whether it changed more files than are listed" }),
}

/** A page of commits, each with the files it changed. */
export const commitListSchema = z
  .object({
    commits: z.array(
      z.object({
        ...commitMembers,
        changedPaths: z
          .array(z.string().openapi({ example: "carts/slo.yaml" }))
          .openapi({ description: "Paths in the branch: those of a service begin with its name" }),
      }),
    ),
    nextPageKey: z
      .string()
      .openapi({ example: "0", description: "Where the next page starts; `0` when there is none" }),
  })
  .openapi("CommitList")

/** One commit with what it changed. */
export const commitSchema = z
  .object({
    ...commitMembers,
    branches: z.array(z.string().openapi({ example: "main" })).openapi({ description: "The branches that hold it" }),
    changes: z.array(
      z.object({
        path: z.string().openapi({ example: "carts/slo.yaml", description: "The path in the branch" }),
        status: z.enum(["added", "modified", "removed"]).openapi({ example: "modified" }),
        before: objectId.optional().openapi({ description: "The git blob it was; absent when it was not there" }),
        after: objectId.optional().openapi({ description: "The git blob it is; absent when it is gone" }),
      }),
    ),
  })
  .openapi("Commit")

const stage = z
  .string()
  .optional()
  .openapi({ example: "dev", description: "The stage whose branch is meant; absent for the project's own" })

/** Which branch a commit is looked for on. */
export const commitQuery = z.object({ stage })

/** Which commits are listed. */
export const commitListQuery = offsetPageQuery.extend({
  stage,
  service: z.string().optional().openapi({ description: "Commits that changed this service; needs `stage`" }),
  path: z.string().optional().openapi({
    example: "slo.yaml",
    description: "Commits that changed this file or folder of the scope",
  }),
})
