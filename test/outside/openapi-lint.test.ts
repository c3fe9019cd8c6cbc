/** The documents meet the rules of a public linter: those of its strict set, and all others but for a few. */
import { createConfig, lintFromString, type RawUniversalConfig } from "@redocly/openapi-core"
import { expect, inject, test } from "vitest"
import { call } from "./client.ts"
import { documentsOf } from "./documents.ts"

const edge = inject("edge")
const documents = [...(await documentsOf(edge, "eu")), ...(await documentsOf(edge, "global"))]

const settings: RawUniversalConfig = {
  extends: ["all"],
  telemetry: "off",
  rules: {
    // Keptn's API and Konnect's, path for path: what they are called is not ours to choose.
    "boolean-parameter-prefixes": "off",
    "path-segment-plural": "off",
    "paths-kebab-case": "off",
    // Keptn's clients read `code` and `message`; only the identity API has problem documents.
    "operation-4xx-problem-details-rfc7807": "off",
    // Lines of JSON, the bytes of files, git's own types and zip archives are meant. That no other slips in, the examples see to.
    "request-mime-type": "off",
    "response-mime-type": "off",
    // An empty text is one: whether it makes sense, the operation says.
    "required-string-property-missing-min-length": "off",
    // Of members that exclude each other one has an example, because the battery sends one made of all. It sees to those of answers, too.
    "scalar-property-missing-example": "off",
    // Tags stand in the order in which a reader wants them.
    "tags-alphabetical": "off",
    // A local run is served on localhost, and its documents say so.
    "no-server-example.com": "off",
  },
}

test.each(documents)("%s has no problem", async (_, source) => {
  const problems = await lintFromString({ source, config: await createConfig(settings) })
  expect(
    problems.map(({ ruleId, message, location: [place] }) => `${ruleId}: ${message} at ${place?.pointer}`),
  ).toEqual([])
})

test("what breaks a rule is a problem", async () => {
  const { body } = await call(edge, "eu", "GET", "/api/openapi/statistics-service.json")
  const source = body.replace('"operationId":"getStatistics",', "")
  const problems = await lintFromString({ source, config: await createConfig(settings) })
  expect(problems.map(({ ruleId }) => ruleId)).toEqual(["operation-operationId"])
})
