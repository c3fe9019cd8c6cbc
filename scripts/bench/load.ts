/** Requests, over and over: by autocannon, in this process, on connections that each wait for an answer before they ask again. */
import { type IncomingMessage, request as send } from "node:http"
import { text } from "node:stream/consumers"
import autocannon from "autocannon"

/** How many requests are under way at once. */
export const CONNECTIONS = 16
/** How often autocannon looks whether its time is over, in ms. */
const LOOK_MS = 5
/** After so many seconds without an answer a request has failed. */
const PATIENCE_SECONDS = 60

/** What is asked. What is not said is that of a GET to the region `eu` that is answered with 200. */
export interface Question {
  path: string
  token: string
  method?: "GET" | "POST" | "PUT"
  region?: string
  headers?: Record<string, string>
  body?: string
  status?: number
}

/** One question for all, or a new one each time, on a connection that is told by its number from 0 on. */
export type Ask = Question | ((connection: number) => Question)

/** What came of it. */
export interface Answered {
  count: number
  /** A second. */
  rate: number
}

/**
 * Asks so many times at `port`, and waits for every answer: what is broken off would go on in the server. Throws at the first answer
 * that is not as it should be: what is wrong may well be quick.
 */
export async function askTimes(port: number, ask: Ask, times: number, connections = CONNECTIONS): Promise<Answered> {
  const amount = Math.max(Math.round(times), connections)
  let wrong: string | null = null
  let connection = 0
  let [count, last] = [0, 0]
  const { promise, resolve, reject } = Promise.withResolvers<autocannon.Result>()
  const receive = (problem: string | null) => {
    count++
    last = performance.now()
    if (problem !== null) complain(problem)
  }
  const complain = (problem: string) => {
    wrong ??= problem
    instance.stop()
  }
  const started = performance.now()
  const instance = autocannon(
    {
      url: `http://127.0.0.1:${port}`,
      connections,
      amount,
      sampleInt: LOOK_MS,
      timeout: PATIENCE_SECONDS,
      setupClient: (client) => client.setRequests([requestOf(ask, connection++, port, receive)]),
    },
    (error: unknown, result) => (error ? reject(error) : resolve(result)),
  )
  instance.on("reqError", (error) => complain(String(error)))
  const { errors, requests } = await promise
  if (wrong !== null) throw new Error(wrong)
  if (errors > 0 || requests.total !== amount) throw new Error(`of ${amount} requests ${requests.total} were answered`)
  return { count, rate: count / ((last - started) / 1000) }
}

/** Asks ever more until it takes so long: answers the last rate. */
export async function warmUp(port: number, ask: Ask, milliseconds: number, connections?: number): Promise<Answered> {
  const end = performance.now() + milliseconds
  let answered = await askTimes(port, ask, 1, connections)
  while (performance.now() < end) answered = await askTimes(port, ask, answered.count * 2, connections)
  return answered
}

/** Only what differs each time is put together each time. */
function requestOf(
  ask: Ask,
  connection: number,
  port: number,
  receive: (problem: string | null) => void,
): autocannon.Request {
  let asked = typeof ask === "function" ? ask(connection) : ask
  const onResponse = (status: number, body: string) => {
    receive(status === (asked.status ?? 200) ? null : `${asked.path} answered ${status}: ${body}`)
  }
  if (typeof ask !== "function") return { ...inHttp(ask, port), onResponse }
  const setupRequest = (request: autocannon.Request) => {
    asked = ask(connection)
    return { ...request, ...inHttp(asked, port) }
  }
  return { setupRequest, onResponse }
}

function inHttp(question: Question, port: number) {
  const { path, method = "GET", body } = question
  return { path, method, headers: headersOf(question, port), ...(body !== undefined && { body }) }
}

/** An answer, with the rows that D1 read for it where the edge tells. */
export interface Answer {
  body: string
  rows: number | null
}

/** Asks once. Throws when the answer is not as it should be. Not by `fetch`, which chooses the host itself. */
export async function askOnce(port: number, question: Question): Promise<Answer> {
  const { path, method = "GET", body = "", status = 200 } = question
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>()
  const headers = { ...headersOf(question, port), "content-length": Buffer.byteLength(body) }
  send({ agent: false, host: "127.0.0.1", port, path, method, headers }, resolve).on("error", reject).end(body)
  const response = await promise
  const answer = await text(response)
  if (response.statusCode !== status) throw new Error(`${path} answered ${response.statusCode}: ${answer}`)
  const rows = /rows;desc="(\d+)"/.exec(String(response.headers["server-timing"]))?.[1]
  return { body: answer, rows: rows === undefined ? null : Number(rows) }
}

function headersOf({ token, body, headers, region = "eu" }: Question, port: number): Record<string, string> {
  return {
    host: `${region}.api.localhost:${port}`,
    "x-token": token,
    ...(body !== undefined && { "content-type": "application/json" }),
    ...headers,
  }
}
