/** What clients do in a random history. Names are short here; each run has its own in their place (`perform.ts`). */
/** A project's own files, those of a stage, or those of a service of a stage. */
export interface Where {
  project: string
  stage: string | null
  service: string | null
}

/** A condition about one file: it is this content, or there is none. */
export type OnFile = { is: string } | "absent" | null

/**
 * One request. `Commit` is how commits are named: by number among those that the client has seen when it is drawn, by id when it was
 * sent. The `commit` of a write is a condition: that of a read, what is read.
 */
export type Operation<Commit> =
  | { kind: "create-project" | "delete-project" | "read-project"; project: string }
  | { kind: "create-service" | "delete-service" | "read-service"; project: string; service: string }
  | { kind: "write"; where: Where; files: Record<string, string>; commit: Commit | null }
  | { kind: "put"; where: Where; path: string; content: string; condition: OnFile }
  | { kind: "delete"; where: Where; path: string; condition: OnFile }
  | { kind: "read"; where: Where; path: string; commit: Commit | null }
  | { kind: "list"; where: Where }
  | { kind: "send-event"; project: string; service: string; context: string }
  | { kind: "read-events"; context: string }
  | { kind: "create-secret" | "update-secret"; name: string; key: string }
  | { kind: "delete-secret" | "read-secret"; name: string }

/** The projects that come and go. */
export const PROJECTS = ["a", "b"] as const
/** The stages of every project. */
export const STAGES = ["dev", "prod"] as const
/** The services that come and go. */
export const SERVICES = ["carts"] as const
/** What files hold. */
export const CONTENTS = ["one", "two", ""] as const
/** What events belong to. */
export const CONTEXTS = ["context-1", "context-2"] as const
/** The secrets that come and go. */
export const SECRETS = ["secret"] as const

/** Reads that show what there is of a project, and everything that belongs to none. */
export function observations(project: string): Operation<number>[] {
  const places = [
    { project, stage: null, service: null },
    ...STAGES.flatMap((stage) => [null, ...SERVICES].map((service) => ({ project, stage, service }))),
  ]
  return [
    { kind: "read-project", project },
    ...SERVICES.map((service) => ({ kind: "read-service" as const, project, service })),
    ...places.map((where) => ({ kind: "list" as const, where })),
    ...CONTEXTS.map((context) => ({ kind: "read-events" as const, context })),
    ...SECRETS.map((name) => ({ kind: "read-secret" as const, name })),
  ]
}

/** Reads of some files as of the commits that were seen last. */
export function oldVersions(project: string): Operation<number>[] {
  const where = { project, stage: "dev", service: null }
  return [0, 1, 2, 3, 4, 5].flatMap((commit) =>
    ["x", "carts/x"].map((path) => ({ kind: "read" as const, where, path, commit })),
  )
}
