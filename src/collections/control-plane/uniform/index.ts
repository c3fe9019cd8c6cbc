/** The registration of integrations. */
import type { RegionalCollection } from "../../regional.ts"
import * as handlers from "./handlers.ts"
import * as routes from "./routes.ts"

/** Wires the routes to their handlers. `lifetime` is how long an integration is known without a heartbeat, in milliseconds. */
export function mountUniform(app: RegionalCollection, lifetime: number): void {
  app.openapi(routes.listIntegrations, handlers.listIntegrations(lifetime))
  app.openapi(routes.registerIntegration, handlers.registerIntegration(lifetime))
  app.openapi(routes.pingIntegration, handlers.pingIntegration(lifetime))
  app.openapi(routes.unregisterIntegration, handlers.unregisterIntegration(lifetime))
  app.openapi(routes.listSubscriptions, handlers.listSubscriptions(lifetime))
  app.openapi(routes.createSubscription, handlers.createSubscription(lifetime))
  app.openapi(routes.getSubscription, handlers.getSubscription(lifetime))
  app.openapi(routes.putSubscription, handlers.putSubscription(lifetime))
  app.openapi(routes.deleteSubscription, handlers.deleteSubscription)
}
