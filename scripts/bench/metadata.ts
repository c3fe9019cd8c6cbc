/** What `GET /api/v1/metadata` answers: what is compared with it answers as many bytes. */
export const METADATA = {
  namespace: "keptn",
  keptnlabel: "keptn",
  keptnversion: "1.4.5",
  shipyardversion: "0.2.0",
  bridgeversion: "N/A",
  automaticprovisioning: true,
}
