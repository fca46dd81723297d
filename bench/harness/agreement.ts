import { Agent, type ClientRequest, type IncomingMessage, request } from "node:http"
import { Agent as SecureAgent, request as requestSecurely } from "node:https"
import { buffer } from "node:stream/consumers"
import type { CandidateName } from "../candidates.ts"
import type { HttpRow } from "../rows/row.ts"
import { contentType } from "../servers/support/contract.ts"
import { within } from "./children.ts"
import { BenchmarkProblem } from "./problem.ts"

interface Answer {
  readonly response: IncomingMessage
  readonly body: Buffer
  readonly reusedConnection: boolean
}

const ask = (port: number, row: HttpRow, agent: Agent): Promise<Answer> =>
  new Promise((resolve, reject) => {
    const { bodyBytes, closeAfterEach, json, method, path } = row.load
    const type = json === undefined ? "application/octet-stream" : "application/json"
    const headers = {
      ...(closeAfterEach ? { connection: "close" } : {}),
      ...(bodyBytes > 0 ? { "content-type": type, "content-length": bodyBytes } : {})
    }
    const options = { host: "127.0.0.1", port, method, path, headers, agent, rejectUnauthorized: false }
    const outgoing: ClientRequest = row.load.tls ? requestSecurely(options) : request(options)
    outgoing.on("error", reject)
    outgoing.on("response", (response) => {
      buffer(response).then((body) => resolve({ response, body, reusedConnection: outgoing.reusedSocket }), reject)
    })
    outgoing.end(json ?? (bodyBytes > 0 ? Buffer.alloc(bodyBytes, "b") : undefined))
  })

const describeBody = (body: Buffer): string =>
  body.length <= 64 ? JSON.stringify(body.toString("latin1")) : `${body.length} bytes`

const disagreements = (row: HttpRow, answer: Answer): ReadonlyArray<string> => {
  const { body, response } = answer
  const expectedBody = Buffer.from(row.expectedBody, "latin1")
  const expected: ReadonlyArray<readonly [string, string | number | undefined, string | number | undefined]> = [
    ["status", response.statusCode, 200],
    ["content-type", response.headers["content-type"], row.contentType ?? contentType],
    ["content-length", response.headers["content-length"], row.streamed ? undefined : String(expectedBody.length)],
    ["transfer-encoding", response.headers["transfer-encoding"], row.streamed ? "chunked" : undefined],
    ...(row.load.closeAfterEach ? [["connection", response.headers.connection?.toLowerCase(), "close"] as const] : [])
  ]
  return [
    ...expected.flatMap(([name, actual, wanted]) =>
      actual === wanted ? [] : [`${name} is ${actual ?? "absent"}, not ${wanted ?? "absent"}`]
    ),
    ...(response.headers.date === undefined ? ["there is no Date header"] : []),
    ...(body.equals(expectedBody) ? [] : [`the body is ${describeBody(body)}, not ${describeBody(expectedBody)}`])
  ]
}

/** Two requests in turn: both answers exactly as the row expects, and the connection kept or closed with it. */
export const checkHttpAgreement = async (name: CandidateName, port: number, row: HttpRow): Promise<void> => {
  const connections = { keepAlive: true, maxSockets: 1 }
  const agent = row.load.tls ? new SecureAgent(connections) : new Agent(connections)
  const answer = () =>
    within(5000, ask(port, row, agent)).catch((error: Error) => {
      throw new BenchmarkProblem(`${row.name}: a request to ${name} failed: ${error.message}`)
    })
  try {
    const answers = [await answer(), await answer()]
    const problems = answers.flatMap((given) =>
      given === undefined ? ["no answer in 5 s"] : disagreements(row, given)
    )
    const wasKept = answers[1]?.reusedConnection === true
    if (wasKept === row.load.closeAfterEach) problems.push(`the connection was ${wasKept ? "kept" : "closed"}`)
    if (problems.length === 0) return
    throw new BenchmarkProblem(`${row.name}: ${name} does not answer like the others: ${problems.join("; ")}`)
  } finally {
    agent.destroy()
  }
}
