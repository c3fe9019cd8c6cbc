import { defineConfig } from "drizzle-kit"

export default defineConfig({
  dialect: "sqlite",
  schema: ["./src/partition/schema.ts", "./src/lib/idempotency-keys.ts", "./src/lib/job-runs.ts"],
  // scripts/check-migrations.ts generates into a copy.
  out: process.env["MIGRATIONS"] ?? "./migrations/partition",
})
