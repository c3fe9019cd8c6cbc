/** What an import package does to a project. */
import { describe, expect, it } from "vitest"
import { findEvents } from "../../support/events.ts"
import { listMessages } from "../../support/history.ts"
import { commitFiles, failure, fetchFile, listFiles, newProject, newService } from "../../support/keptn.ts"
import { importPackage, postPackage } from "../../support/packages.ts"
import { tokenWith } from "../../support/people.ts"
import { getProject } from "../../support/projects.ts"

const CREATE = "keptn-api-v1-create-service"

async function servicesOf(project: string): Promise<string[][]> {
  const { stages } = await getProject(project)
  return stages.map((stage) => stage.services.map(({ serviceName }) => serviceName))
}

function service(id: string, payload: string): string {
  return `  - {id: ${id}, type: api, action: ${CREATE}, payload: ${payload}}\n`
}

function file(id: string, members: string): string {
  return `  - {id: ${id}, type: resource, resource: f, ${members}}\n`
}

describe("a package", () => {
  it("creates services, and stores files, with what its templates say", async () => {
    const project = await newProject("dev", "prod")
    const { tasks } = await importPackage(project, {
      "manifest.yaml": `
apiVersion: v1beta1
tasks:
  - id: create_service
    name: Create the service
    type: api
    action: ${CREATE}
    payload: api/create-service.json
    context:
      service: carts
      replicas: 3
  - id: webhook
    type: resource
    resource: files/webhook.yaml
    resourceUri: webhook/webhook.yaml
    stage: dev
    service: carts
    context:
      event: "sh.keptn.event.evaluation.triggered"
      project: "[[ .Inputs.project ]]"
      service: "[[ .Tasks.create_service.Context.service ]]-[[ .Tasks.create_service.Context.replicas ]]"
      answer: "<[[ .Tasks.create_service.Response.message ]]>"
  - id: everywhere
    type: resource
    resource: ./files/plain.txt
    resourceUri: /plain.txt
`,
      "api/create-service.json": '{"serviceName": "[[ .Context.service ]]"}',
      "files/webhook.yaml":
        "[[ .Project ]] [[ .Task.ID ]] [[ .Task.RemoteURI ]] [[ .Context.project ]] [[ .Context.event ]] [[ .Context.service ]] [[ .Context.answer ]] {{ .secret }}",
      "files/plain.txt": "as it is: ä ]] {{ }}\n",
      "unused.bin": new Uint8Array([0, 255]),
    })
    expect(await servicesOf(project)).toEqual([["carts"], ["carts"]])
    const webhook = await fetchFile({ project, stage: "dev", service: "carts" }, "webhook%2Fwebhook.yaml")
    expect(webhook.text).toBe(
      `${project} webhook webhook/webhook.yaml ${project} sh.keptn.event.evaluation.triggered carts-3 <> {{ .secret }}`,
    )
    const dev = await fetchFile({ project, stage: "dev" }, "plain.txt")
    const prod = await fetchFile({ project, stage: "prod" }, "plain.txt")
    expect([dev.text, prod.text]).toEqual(["as it is: ä ]] {{ }}\n", "as it is: ä ]] {{ }}\n"])
    // One commit in each stage, whatever the number of its files.
    expect((await listMessages(project, "stage=dev")).slice(0, 2)).toEqual([
      "Import 2 resources",
      "Create service carts",
    ])
    expect((await listMessages(project, "stage=prod")).slice(0, 2)).toEqual([
      "Import plain.txt",
      "Create service carts",
    ])
    expect(tasks).toEqual([
      {
        task: {
          Project: project,
          Task: {
            Action: CREATE,
            PayloadFile: "api/create-service.json",
            ID: "create_service",
            Type: "api",
            Name: "Create the service",
            Context: { service: "carts", replicas: "3" },
          },
          Context: { service: "carts", replicas: "3" },
        },
        response: { message: "" },
      },
      {
        task: expect.objectContaining({
          Project: project,
          Task: expect.objectContaining({ File: "files/webhook.yaml", Stage: "dev", Service: "carts", Name: "" }),
          Context: {
            event: "sh.keptn.event.evaluation.triggered",
            project,
            service: "carts-3",
            answer: "<>",
          },
        }),
        response: { commitID: webhook.version, metadata: { upstreamURL: "", version: webhook.version } },
      },
      {
        task: expect.objectContaining({ Context: {} }),
        response: { commitID: prod.version, metadata: { upstreamURL: "", version: prod.version } },
      },
    ])
  })

  it("publishes the events of a service that it creates", async () => {
    const project = await newProject("dev")
    await importPackage(project, {
      "manifest.yaml": `tasks: [{id: a, type: api, action: ${CREATE}, payload: p}]`,
      p: '{"serviceName":"carts"}',
    })
    const { events } = await findEvents(`project=${project}`)
    const types = events.map(({ type }) => type).filter((type) => type.includes("service.create"))
    expect(types.toSorted()).toEqual([
      "sh.keptn.event.service.create.finished",
      "sh.keptn.event.service.create.started",
    ])
  })

  it.each(["", "tasks:", "tasks: []", "apiVersion: v1beta1", "apiVersion: anything\ntasks: []\nother: 1"])(
    "may do nothing: %j",
    async (manifest) => {
      const project = await newProject("dev")
      const files = { "manifest.yaml": manifest === "" ? "tasks: []" : manifest }
      expect(await importPackage(project, files)).toEqual({ outcome: "success", tasks: [] })
    },
  )

  it("may be imported again, when it only stores files: nothing changes", async () => {
    const project = await newProject("dev")
    const files = {
      "manifest.yaml": "tasks: [{id: a, type: resource, resource: f, resourceUri: f, context: }]",
      f: "content",
    }
    const first = await importPackage(project, files)
    expect(await importPackage(project, files)).toEqual(first)
  })

  it("stores a file that is no text byte for byte, also with brackets in it", async () => {
    const project = await newProject("dev")
    const bytes = new Uint8Array([255, 254, 91, 91, 32, 46, 120, 0, 93, 93, 195])
    await importPackage(project, {
      "manifest.yaml": "tasks: [{id: a, type: resource, resource: f, resourceUri: f.bin}]",
      f: bytes,
    })
    expect((await fetchFile({ project, stage: "dev" }, "f.bin")).bytes).toEqual(bytes)
  })

  it("keeps a byte order mark and an empty file", async () => {
    const project = await newProject("dev")
    await importPackage(project, {
      "manifest.yaml":
        "tasks: [{id: a, type: resource, resource: f, resourceUri: f}, {id: b, type: resource, resource: e, resourceUri: e}]",
      f: "\uFEFFx",
      e: "",
    })
    expect((await fetchFile({ project, stage: "dev" }, "f")).bytes).toEqual(new TextEncoder().encode("\uFEFFx"))
    expect((await fetchFile({ project, stage: "dev" }, "e")).bytes).toEqual(new Uint8Array())
  })

  it("may name two tasks the same: the later one is meant from then on, and the later file stays", async () => {
    const project = await newProject("dev")
    const { tasks } = await importPackage(project, {
      "manifest.yaml": `
tasks:
  - {id: a, type: resource, resource: f, resourceUri: f, context: {x: one}}
  - {id: a, type: resource, resource: f, resourceUri: f, context: {x: two}}
  - {id: __proto__, type: resource, resource: f, resourceUri: g, context: {x: "[[ .Tasks.a.Context.x ]]"}}
  - {id: c, type: resource, resource: f, resourceUri: h, context: {x: "[[ .Tasks.__proto__.Context.x ]]!"}}
`,
      f: "[[.Context.x]]",
    })
    expect(tasks.map(({ task }) => task.Context["x"])).toEqual(["one", "two", "two", "two!"])
    const place = { project, stage: "dev" }
    expect((await fetchFile(place, "f")).text).toBe("two")
    expect((await fetchFile(place, "h")).text).toBe("two!")
  })

  it("writes to a service that stands", async () => {
    const project = await newProject("dev")
    await newService(project, "carts")
    await importPackage(project, {
      "manifest.yaml": "tasks: [{id: a, type: resource, resource: f, resourceUri: f, service: carts}]",
      f: "x",
    })
    expect((await listFiles({ project, stage: "dev", service: "carts" })).uris).toContain("/f")
  })
})

describe("a package that cannot be imported as a whole does nothing", () => {
  const cases: [string, string, string][] = [
    ["a stage that is not there", file("bad", "resourceUri: f, stage: nowhere"), "task bad: stage 'nowhere' not found"],
    ["the default branch as a stage", file("bad", "resourceUri: f, stage: main"), "task bad: stage 'main' not found"],
    [
      "a service that is not there",
      file("bad", "resourceUri: f, service: cards"),
      "task bad: service 'cards' not found in stage 'dev'",
    ],
    ["a path that leads out", file("bad", 'resourceUri: "../f"'), "task bad: invalid resource uri '../f'"],
    ["git's own folder", file("bad", "resourceUri: .git/config"), "task bad: invalid resource uri '.git/config'"],
    [
      "a payload that is no JSON",
      service("bad", "text"),
      "task bad: payload text is not valid JSON once it is rendered",
    ],
    [
      "a payload without a name",
      service("bad", "empty.json"),
      "task bad: Invalid request format: must provide a service name",
    ],
    [
      "a payload that is no object",
      service("bad", "null.json"),
      "task bad: Invalid request format: the payload: Invalid input: expected object, received null",
    ],
    ["a service that is created before", service("bad", "good.json"), "task bad: service already exists"],
    [
      "a field that is not there",
      file("bad", 'resourceUri: f, context: {x: "[[ .Inputs.nothing ]]"}'),
      'task bad: there is no .Inputs.nothing: nothing is called "nothing"',
    ],
    [
      "the answer of a file, which is not known yet",
      file("file", "resourceUri: f") +
        file("bad", 'resourceUri: g, context: {x: "[[ .Tasks.file.Response.commitID ]]"}'),
      'task bad: there is no .Tasks.file.Response.commitID: nothing is called "commitID"',
    ],
    [
      "a task that comes later",
      file("bad", 'resourceUri: g, context: {x: "[[ .Tasks.last.Context.a ]]"}') + file("last", "resourceUri: f"),
      'task bad: there is no .Tasks.last.Context.a: nothing is called "last"',
    ],
  ]

  it.each(cases)("%s", async (_, tasks, message) => {
    const project = await newProject("dev")
    const response = await postPackage(project, {
      "manifest.yaml": `tasks:\n${service("good", "good.json")}${tasks}`,
      "good.json": '{"serviceName":"carts"}',
      "empty.json": "{}",
      "null.json": "null",
      text: "text",
      f: "f",
    })
    expect(await failure(response)).toEqual({
      status: 400,
      code: 400,
      message: `Error processing import archive: ${message}`,
    })
    expect(await servicesOf(project)).toEqual([[]])
  })

  it("a file where a folder stands, which only the stage knows", async () => {
    const project = await newProject("dev", "prod")
    await commitFiles({ project, stage: "prod" }, { "f/inner": "x" })
    const response = await postPackage(project, {
      "manifest.yaml": `tasks:\n${service("a", "good.json")}${file("b", "resourceUri: f")}`,
      "good.json": '{"serviceName":"carts"}',
      f: "f",
    })
    expect(await failure(response)).toEqual({
      status: 400,
      code: 400,
      message:
        "Error processing import archive: b (stage prod): 'f' is a folder, so it cannot be written as a file; " +
        "done: nothing; not done: a, b (stage dev), b (stage prod)",
    })
    expect(await servicesOf(project)).toEqual([[], []])
    expect((await listFiles({ project, stage: "dev" })).uris).not.toContain("/f")
  })

  it("files that stand in each other's way", async () => {
    const project = await newProject("dev")
    const response = await postPackage(project, {
      "manifest.yaml": `tasks:\n${file("a", "resourceUri: x")}${file("b", "resourceUri: x/y")}`,
      f: "f",
    })
    expect((await failure(response)).status).toBe(400)
    expect((await listFiles({ project, stage: "dev" })).uris).toEqual(["/metadata.yaml"])
  })

  it("a service whose name a file has", async () => {
    const project = await newProject("dev")
    await commitFiles({ project, stage: "dev" }, { carts: "x" })
    const response = await postPackage(project, {
      "manifest.yaml": `tasks:\n${service("a", "good.json")}${file("b", "resourceUri: f")}`,
      "good.json": '{"serviceName":"carts"}',
      f: "f",
    })
    const { status, message } = await failure(response)
    expect(status).toBe(400)
    expect(message).toBe(
      "Error processing import archive: a: service carts: file-in-the-way; done: nothing; not done: a, b (stage dev)",
    )
    expect((await listFiles({ project, stage: "dev" })).uris).not.toContain("/f")
  })

  it("what doubles itself until it is too large", async () => {
    const project = await newProject("dev")
    const tasks = Array.from({ length: 60 }, (_, n) => {
      const before = n === 0 ? "x" : `[[ .Tasks.t${n - 1}.Context.x ]][[ .Tasks.t${n - 1}.Context.x ]]`
      return file(`t${n}`, `resourceUri: f, context: {x: "${before}"}`)
    })
    const response = await postPackage(project, { "manifest.yaml": `tasks:\n${tasks.join("")}`, f: "f" })
    const { status, message } = await failure(response)
    expect(status).toBe(400)
    expect(message).toContain("the files and values of the package become too large")
  })
})

describe("who may import", () => {
  const files = { "manifest.yaml": "tasks: []" }

  it.each([
    ["Contributor", 200],
    ["Admin", 200],
    ["Viewer", 403],
    ["Integration", 403],
  ])("%s of the project: %i", async (roleName, status) => {
    const project = await newProject("dev")
    const token = await tokenWith({ roleName, entityId: project })
    expect((await postPackage(project, files, { token })).status).toBe(status)
  })

  it("nobody into a project that is not there, or not seen: 404 with the same text", async () => {
    const project = await newProject("dev")
    const token = await tokenWith({ roleName: "Admin", entityId: "mine" })
    for (const [name, request] of [
      ["nowhere", {}],
      [project, { token }],
    ] as const) {
      expect(await failure(await postPackage(name, files, request))).toEqual({
        status: 404,
        code: 404,
        message: `project ${name} does not exist`,
      })
    }
  })
})
