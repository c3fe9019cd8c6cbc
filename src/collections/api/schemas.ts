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

/** Where the event went. */
export const eventContextSchema = z
  .object({ keptnContext: z.uuid().openapi({ example: "08735340-6f9e-4b32-97ff-3b6c292bc509" }) })
  .openapi("EventContext")

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
