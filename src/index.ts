/** The Worker. */
import { createEdge, type Edge } from "./app.ts"
import { ConfigError, loadConfig } from "./config.ts"

/** One edge per isolate; `env` does not change within it. */
let edge: Edge | null = null

function edgeOf(env: Env): Edge {
  edge ??= createEdge(loadConfig({ ...env }))
  return edge
}

export default {
  async fetch(request, env, context): Promise<Response> {
    try {
      return await edgeOf(env).fetch(request, context)
    } catch (error) {
      // Only a deployment with a wrong configuration gets here: the gateway answers for everything else.
      if (!(error instanceof ConfigError)) throw error
      console.error(JSON.stringify({ event: "configuration", error: error.message }))
      return Response.json({ code: 503, message: error.message }, { status: 503 })
    }
  },

  async scheduled(_controller, env): Promise<void> {
    await edgeOf(env).runJobs()
  },
} satisfies ExportedHandler<Env>
