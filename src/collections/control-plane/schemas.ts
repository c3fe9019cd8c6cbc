/** The shapes of the control plane's API. */
import { z } from "@hono/zod-openapi"
import { offsetPageMembers } from "../../gateway/paging.ts"

const nanoseconds = z.string().openapi({ example: "1700000000000000000", description: "Nanoseconds since 1970" })

const optionalText = z.string().nullish().openapi({ type: "string" })

/** A shipyard with one stage, in base64. */
const SHIPYARD =
  "YXBpVmVyc2lvbjogc3BlYy5rZXB0bi5zaC8wLjIuMgpraW5kOiBTaGlweWFyZAptZXRhZGF0YToKICBuYW1lOiBzaGlweWFyZApzcGVjOgogIHN0YWdlczoKICAgIC0gbmFtZTogZGV2Cg=="

/** Where a project's history shall be copied to. Secrets are kept encrypted and never answered; nothing is contacted yet. */
export const gitCredentialsSchema = z
  .strictObject({
    remoteURL: optionalText,
    user: optionalText,
    https: z
      .strictObject({
        token: optionalText,
        certificate: optionalText,
        insecureSkipTLS: z.boolean().nullish().openapi({ type: "boolean" }),
        proxy: z
          .strictObject({ url: optionalText, scheme: optionalText, user: optionalText, password: optionalText })
          .nullish(),
      })
      .nullish(),
    ssh: z.strictObject({ privateKey: optionalText, privateKeyPass: optionalText }).nullish(),
  })
  .openapi("GitCredentials", {
    description: "The upstream is checked and kept, and not contacted yet. A project needs none: its history is here.",
    example: {
      remoteURL: "https://git.example.com/sockshop.git",
      user: "example-user",
      https: { token: "example-token", insecureSkipTLS: false },
    },
  })

/** The body of a project's creation. Other members are refused, so that a misspelt one is not lost. */
export const createProjectSchema = z
  .strictObject({
    name: z.string().nullish().openapi({ type: "string", example: "sockshop" }),
    shipyard: z.string().nullish().openapi({
      type: "string",
      format: "byte",
      description: "The shipyard file, in standard base64",
      example: SHIPYARD,
    }),
    gitCredentials: gitCredentialsSchema.nullish(),
  })
  .openapi("CreateProject", { example: { name: "sockshop", shipyard: SHIPYARD } })

/** The examples of a project's creation; documents show the first one unless asked. Nothing of the second one leads anywhere. */
export const createProjectExamples = {
  smallest: { summary: "A project with one stage", value: { name: "sockshop", shipyard: SHIPYARD } },
  withRemote: {
    summary: "A project with a git remote, whose address and token stand for yours",
    value: {
      name: "sockshop",
      shipyard: SHIPYARD,
      gitCredentials: {
        remoteURL: "https://git.example.com/sockshop.git",
        user: "example-user",
        https: { token: "example-token", insecureSkipTLS: false },
      },
    },
  },
}

/** The body of a project's change: what is absent stays as it is. */
export const updateProjectSchema = z
  .strictObject({
    name: z.string().nullish().openapi({ type: "string", example: "sockshop" }),
    shipyard: z.string().nullish().openapi({
      type: "string",
      format: "byte",
      description: "The shipyard file, in standard base64. It must have the stages that the project has",
    }),
    gitCredentials: gitCredentialsSchema.nullish(),
  })
  .openapi("UpdateProject", { example: { name: "sockshop", shipyard: SHIPYARD } })

/** The body of a service's creation. */
export const createServiceSchema = z
  .object({ serviceName: z.string().nullish().openapi({ type: "string", example: "carts" }) })
  .openapi("CreateService")

const eventReference = z
  .object({
    eventId: z.string().openapi({ example: "7f3a8c1e-1c5b-4a53-9a1e-0f2b3c4d5e6f" }),
    keptnContext: z.string().openapi({ example: "3f709bca-9b47-4c2b-8f6c-1d1c7a0f9f4e" }),
    time: nanoseconds,
  })
  .openapi("EventContext", { description: "An event about a service, the last one where there could be several" })

/** A service of one stage. */
export const serviceSchema = z
  .object({
    serviceName: z.string().openapi({ example: "carts" }),
    creationDate: nanoseconds,
    openRemediations: z.null().openapi({ example: null, description: "No remediation is open" }),
    deployedImage: z
      .string()
      .optional()
      .openapi({ example: "carts:0.13.1", description: "The image of the last deployment that finished" }),
    lastEventTypes: z
      .record(z.string(), eventReference)
      .optional()
      .openapi({ description: "The last event of each type about the service" }),
  })
  .openapi("ExpandedService")

/** A stage with its services. */
export const stageSchema = z
  .object({
    stageName: z.string().openapi({ example: "dev" }),
    services: z.array(serviceSchema),
    parentStages: z
      .array(z.string())
      .optional()
      .openapi({ example: ["dev"], description: "The stages whose finished sequences trigger one of this stage" }),
    // Without a description of its own: beside a reference, generators of clients make an `any` of it.
    lastEventContext: eventReference.optional(),
  })
  .openapi("ExpandedStage")

/** A project with its stages, in the order of its shipyard, and their services. */
export const projectSchema = z
  .object({
    projectName: z.string().openapi({ example: "sockshop" }),
    creationDate: nanoseconds,
    shipyard: z.string().openapi({
      description: "The text of the shipyard file",
      example: "apiVersion: spec.keptn.sh/0.2.2\nkind: Shipyard\nspec:\n  stages:\n    - name: dev\n",
    }),
    shipyardVersion: z.string().openapi({ example: "spec.keptn.sh/0.2.2" }),
    stages: z.array(stageSchema),
    isUpstreamAutoProvisioned: z
      .boolean()
      .openapi({ example: true, description: "Whether the project was made without git credentials" }),
    gitCredentials: z
      .object({
        remoteURL: z.string().openapi({ example: "https://github.com/example/sockshop.git" }),
        user: z.string().optional(),
        https: z
          .object({
            insecureSkipTLS: z.boolean(),
            proxy: z.object({ url: z.string(), scheme: z.string(), user: z.string().optional() }).optional(),
          })
          .optional(),
      })
      .optional()
      .openapi({ description: "Without tokens, passwords and keys" }),
    lastEventContext: eventReference.optional(),
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

export const serviceListSchema = z
  .object({ services: z.array(serviceSchema), ...offsetPageMembers })
  .openapi("ExpandedServices")

/** The body that triggers an evaluation: what is absent is the last five minutes. */
export const triggerEvaluationSchema = z
  .object({
    start: z.string().nullish().openapi({ type: "string", example: "2026-11-20T12:00:00.000Z" }),
    end: z.string().nullish().openapi({ type: "string", example: "2026-11-20T12:05:00.000Z" }),
    timeframe: z
      .string()
      .nullish()
      .openapi({ type: "string", description: "A duration as Go writes it: `5m`. Not with `end`" }),
    labels: z.record(z.string(), z.string()).nullish(),
    gitcommitid: z
      .string()
      .nullish()
      .openapi({ type: "string", description: "Evaluate with the files of this commit" }),
  })
  .openapi("TriggerEvaluation")

export const keptnContextSchema = z
  .object({ keptnContext: z.string().openapi({ example: "3f709bca-9b47-4c2b-8f6c-1d1c7a0f9f4e" }) })
  .openapi("KeptnContext")

/** Open triggered events: none yet, since nothing runs sequences. */
export const triggeredEventsSchema = z
  .object({ events: z.array(z.looseObject({})).openapi({ example: [] }), ...offsetPageMembers })
  .openapi("TriggeredEvents")
