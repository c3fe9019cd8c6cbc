/** The shapes of the resource-service API. */
import { z } from "@hono/zod-openapi"
import { offsetPageMembers } from "../../gateway/paging.ts"

const commitId = z.string().openapi({ example: "0c5ba7f4d7e6b2c0cbd2fd9d0df0b1e60b0f0d36" })

const content = z.string().openapi({
  format: "byte",
  description: "The file, in standard base64",
  example: "LS0tCnNwZWNfdmVyc2lvbjogJzEuMCcK",
})

const metadata = z
  .object({
    upstreamURL: z.string().openapi({ example: "", description: "The project's git remote; empty when it has none" }),
    version: commitId.openapi({ description: "The git commit that was read or written" }),
  })
  .openapi("ResourceMetadata")

/** go-utils leaves the content of an empty file out. */
const sentContent = content
  .default("")
  .openapi({ type: "string", description: "The file, in standard base64. Absent, it is an empty file" })

/** The body of a write of many files. */
export const writeListSchema = z
  .object({
    resources: z
      .array(
        z.object({
          resourceURI: z.string().openapi({ example: "slo.yaml", description: "The path of the file in its scope" }),
          resourceContent: sentContent,
        }),
      )
      .min(1, "must hold at least one resource")
      // Each file is a request to R2, of which a Worker has 10,000.
      .max(1000, "must hold at most 1,000 resources"),
  })
  .openapi("Resources")

/** The body of a write of one file, whose name the path has; a name in the body is ignored, as in Keptn. */
export const writeOneSchema = z.object({ resourceContent: sentContent }).openapi("ResourceContent")

/** A file as it is, where nothing wraps it. No validator sees it: it is streamed. */
export const rawContent = z.never().openapi({ type: "string", format: "binary" })

/** The answer to a write. What Keptn up to 0.17 answered stands beside it, for the clients of that time. */
export const writeResultSchema = z
  .object({
    commitID: commitId,
    metadata,
    version: commitId.optional().openapi({ description: "The same commit; under `/api/configuration-service` only" }),
    branch: z.string().optional().openapi({ description: "Its branch; likewise" }),
    upstreamURL: z.string().optional().openapi({ description: "Always empty; likewise" }),
  })
  .openapi("WriteResult")

/** One file with its content. */
export const resourceSchema = z
  .object({
    resourceURI: z
      .string()
      .openapi({ example: "slo.yaml", description: "The name as it stood in the path of the request" }),
    resourceContent: content,
    metadata,
  })
  .openapi("Resource")

/** A page of the files of a scope, without their content. */
export const resourceListSchema = z
  .object({
    resources: z.array(
      z.object({
        resourceURI: z
          .string()
          .openapi({ example: "/slo.yaml", description: "The path in the scope, with a leading slash" }),
        metadata,
      }),
    ),
    ...offsetPageMembers,
  })
  .openapi("ResourceList")

/** The query of a read. `""`, as old clients send it, counts as absent. */
export const readQuery = z.object({
  gitCommitID: z
    .string()
    .optional()
    .transform((id) => (id === undefined || id === "" || id === '""' ? null : id))
    .openapi({
      type: "string",
      description:
        "Read the file as of this commit of the project: its id or the first digits of it, in upper or lower case, `HEAD`, or the name of a branch",
    }),
})
