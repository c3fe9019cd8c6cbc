/** What lists that several resources have can be asked for. */

export const userFields = {
  filters: { id: "uuid", email: "text", full_name: "text", active: "boolean" },
  sorts: ["created_at", "email", "full_name", "id"],
} as const

export const accountFields = {
  filters: { id: "uuid", name: "text", description: "text", konnect_managed: "boolean" },
  sorts: ["created_at", "name", "id"],
} as const

export const teamFields = {
  filters: { id: "uuid", name: "text", system_team: "boolean", labels: "labels" },
  sorts: ["created_at", "name", "id"],
} as const
