/** The shapes of the control plane's API. */
import { z } from "@hono/zod-openapi"
import { offsetPageMembers } from "../../gateway/paging.ts"

const nanoseconds = z.string().openapi({ example: "1700000000000000000", description: "Nanoseconds since 1970" })

/** The body of a project's creation. Other members are refused, so that a misspelt one is not lost. */
export const createProjectSchema = z
  .strictObject({
    name: z.string().nullish().openapi({ type: "string", example: "sockshop" }),
    shipyard: z.string().nullish().openapi({
      type: "string",
      format: "byte",
      description: "The shipyard file, in standard base64",
      example:
        "YXBpVmVyc2lvbjogc3BlYy5rZXB0bi5zaC8wLjIuMgpraW5kOiBTaGlweWFyZAptZXRhZGF0YToKICBuYW1lOiBzaGlweWFyZApzcGVjOgogIHN0YWdlczoKICAgIC0gbmFtZTogZGV2Cg==",
    }),
    gitCredentials: z.unknown().optional().openapi({
      type: "object",
      description: "Not supported: projects keep their history here and need no remote. Leave it out.",
    }),
  })
  .openapi("CreateProject")

/** The body of a service's creation. */
export const createServiceSchema = z
  .object({ serviceName: z.string().nullish().openapi({ type: "string", example: "carts" }) })
  .openapi("CreateService")

const serviceSchema = z
  .object({
    serviceName: z.string().openapi({ example: "carts" }),
    creationDate: nanoseconds,
    openRemediations: z.null().openapi({ description: "No remediation is open" }),
  })
  .openapi("ExpandedService")

const stageSchema = z
  .object({
    stageName: z.string().openapi({ example: "dev" }),
    services: z.array(serviceSchema),
    parentStages: z
      .array(z.string())
      .optional()
      .openapi({ example: ["dev"], description: "The stages whose finished sequences trigger one of this stage" }),
  })
  .openapi("ExpandedStage")

/** A project with its stages, in the order of its shipyard, and their services. */
export const projectSchema = z
  .object({
    projectName: z.string().openapi({ example: "sockshop" }),
    creationDate: nanoseconds,
    shipyard: z.string().openapi({ description: "The text of the shipyard file" }),
    shipyardVersion: z.string().openapi({ example: "spec.keptn.sh/0.2.2" }),
    stages: z.array(stageSchema),
    isUpstreamAutoProvisioned: z.boolean().openapi({ example: true }),
  })
  .openapi("ExpandedProject")

export const projectListSchema = z
  .object({ projects: z.array(projectSchema), ...offsetPageMembers })
  .openapi("ExpandedProjects")

export const stageListSchema = z
  .object({ stages: z.array(stageSchema), ...offsetPageMembers })
  .openapi("ExpandedStages")

export const messageSchema = z
  .object({ message: z.string().openapi({ example: "Project sockshop was deleted" }) })
  .openapi("Message")
