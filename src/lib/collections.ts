/** The regional collections that an origin may serve in the place of this Worker, and where each of them is. */
export const COLLECTION_PATHS = {
  "api-service": "/api/v1",
  "control-plane": "/api/controlPlane",
  "resource-service": "/api/resource-service",
  "configuration-service": "/api/configuration-service",
  "mongodb-datastore": "/api/mongodb-datastore",
  "secret-service": "/api/secrets",
  "statistics-service": "/api/statistics",
} as const

/** The name of such a collection, which is also that of its OpenAPI document. */
export type CollectionName = keyof typeof COLLECTION_PATHS

/** Whether a text is the name of such a collection. */
export function isCollectionName(text: string): text is CollectionName {
  return Object.hasOwn(COLLECTION_PATHS, text)
}
