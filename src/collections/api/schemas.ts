/** The shapes of the api-service API. */
import { z } from "@hono/zod-openapi"

const optionalText = z.string().nullish()

/** A CloudEvent as Keptn clients send it. What is absent or null here is filled in; other members are dropped, as in Keptn. */
export const sentEventSchema = z
  .object({
    // In this order: only the first failing field is reported.
    data: z.record(z.string(), z.unknown()).openapi({
      description: "`project`, `stage` and `service`, and whatever the event is about",
      example: {
        project: "sockshop",
        stage: "dev",
        service: "carts",
        configurationChange: { values: { image: "carts:1.0" } },
      },
    }),
    source: z.string().openapi({ example: "https://github.com/keptn/keptn/cli#configuration-change" }),
    type: z.string().min(1).openapi({ example: "sh.keptn.event.dev.delivery.triggered" }),
    time: optionalText.openapi({
      type: "string",
      format: "date-time",
      description: "Checked, and replaced by the time of arrival",
    }),
    shkeptncontext: optionalText.openapi({
      type: "string",
      description: "The context to continue; a new one when absent",
      example: "08735340-6f9e-4b32-97ff-3b6c292bc509",
    }),
    triggeredid: optionalText.openapi({ type: "string" }),
    gitcommitid: optionalText.openapi({ type: "string" }),
    extensions: z.unknown().optional(),
  })
  .openapi("KeptnContextExtendedCE")

/** The most events that one request may bring: they are stored in one go. */
const LARGEST_BATCH = 100

/** A batch as CloudEvents has it. Its events are checked one by one. */
export const sentBatchSchema = z.array(z.unknown()).max(LARGEST_BATCH)

/** The same in the document, where the events are told of, too. */
export const documentedBatch = {
  type: "array" as const,
  maxItems: LARGEST_BATCH,
  items: { $ref: "#/components/schemas/KeptnContextExtendedCE" },
}

/** Where the event went. */
export const eventContextSchema = z
  .object({ keptnContext: z.uuid().openapi({ example: "08735340-6f9e-4b32-97ff-3b6c292bc509" }) })
  .openapi("EventContext")

/** Where the events of a batch went, in their order. */
export const eventContextsSchema = z
  .object({ keptnContexts: z.array(z.uuid()).openapi({ example: ["08735340-6f9e-4b32-97ff-3b6c292bc509"] }) })
  .openapi("EventContexts")

/** What the installation says of itself. The CLI dereferences `automaticprovisioning`: it must always be there. */
export const metadataSchema = z
  .object({
    namespace: z.string().openapi({ example: "keptn" }),
    keptnlabel: z.string().openapi({ example: "keptn" }),
    keptnversion: z.string().openapi({ example: "1.4.5", description: "The version of Keptn whose API this is" }),
    shipyardversion: z.string().openapi({ example: "0.2.0" }),
    bridgeversion: z.string().openapi({ example: "N/A" }),
    automaticprovisioning: z
      .boolean()
      .openapi({ example: true, description: "Projects can be created without a git remote" }),
  })
  .openapi("Metadata")

/** The part of an import's form that holds the archive. */
export const PACKAGE_FIELD = "configPackage"

/** A package with a manifest and one file. */
const EXAMPLE_PACKAGE =
  "UEsDBBQAAAAIAAAAIVTHDemcOgAAAFMAAAANAAAAbWFuaWZlc3QueWFtbCtJLM4utlKIrs5MsVIoSk1MyU3VUSipLEgF8YrzS4uSgXwYy0ohM7" +
  "cgv6hELzcFIRhalIkkXhvLBQBQSwMEFAAAAAAAAAAhVKwIKpUPAAAADwAAAAkAAABpbXBvcnQubWRbWyAuUHJvamVjdCBdXQpQSwECFAAUAAAA" +
  "CAAAACFUxw3pnDoAAABTAAAADQAAAAAAAAAAAAAAgAEAAAAAbWFuaWZlc3QueWFtbFBLAQIUABQAAAAAAAAAIVSsCCqVDwAAAA8AAAAJAAAAAA" +
  "AAAAAAAACAAWUAAABpbXBvcnQubWRQSwUGAAAAAAIAAgByAAAAmwAAAAAA"

/** The form of an import. The handler reads it: a schema of zod would be taken for the validator of every body. */
export const documentedPackage = {
  type: "object" as const,
  required: [PACKAGE_FIELD],
  properties: {
    [PACKAGE_FIELD]: {
      type: "string" as const,
      format: "binary",
      description: "The archive as a file. The example is one in base64",
      example: EXAMPLE_PACKAGE,
    },
  },
}

/** What an import did, task by task, in the names that Keptn has for it. */
export const importSummarySchema = z
  .object({
    outcome: z.literal("success").openapi({ example: "success" }),
    tasks: z.array(
      z.object({
        task: z.object({
          Project: z.string().openapi({ example: "sockshop" }),
          Task: z.record(z.string(), z.unknown()).openapi({
            description: "The task as the manifest has it",
            example: { id: "create", action: "keptn-api-v1-create-service", payload: "carts.json" },
          }),
          Context: z
            .record(z.string(), z.string())
            .openapi({ description: "Its context, rendered", example: { project: "sockshop" } }),
        }),
        response: z
          .record(z.string(), z.unknown())
          .openapi({ description: "What the API answers to the task", example: { message: "" } }),
      }),
    ),
  })
  .openapi("ImportSummary")
