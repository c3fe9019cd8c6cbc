import { defineConfig } from "drizzle-kit"

export default defineConfig({ dialect: "sqlite", schema: "./src/partition/schema.ts", out: "./migrations/partition" })
