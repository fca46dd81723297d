import { readFileSync } from "node:fs"
import { type ClientHttp2Session, connect, type IncomingHttpHeaders, type IncomingHttpStatusHeader } from "node:http2"
import { buffer } from "node:stream/consumers"
import type { CandidateName } from "../candidates.ts"
import { certificate } from "../harness/certificate.ts"
import { within } from "../harness/children.ts"
import { BenchmarkProblem } from "../harness/problem.ts"
import type { Http2Row } from "../rows/row.ts"
import { contentType } from "../servers/support/contract.ts"

const limitMilliseconds = 5000

interface Answer {
  readonly headers: IncomingHttpHeaders & IncomingHttpStatusHeader
  readonly body: Buffer
}

const ask = async (session: ClientHttp2Session, { bodyBytes, method, path }: Http2Row["load"]): Promise<Answer> => {
  const stream = session.request({
    ":method": method,
    ":path": path,
    ...(bodyBytes > 0 ? { "content-type": "application/octet-stream", "content-length": bodyBytes } : {})
  })
  const { promise, resolve } = Promise.withResolvers<Answer["headers"]>()
  stream.once("response", resolve)
  stream.end(bodyBytes > 0 ? Buffer.alloc(bodyBytes, "b") : undefined)
  // A stream without a response ends in an error, or without one in a body that is wrong.
  const body = await buffer(stream)
  return { headers: await Promise.race([promise, {}]), body }
}

const describeBody = (body: Buffer): string =>
  body.length <= 64 ? JSON.stringify(body.toString("latin1")) : `${body.length} bytes`

const disagreements = (row: Http2Row, { body, headers }: Answer): ReadonlyArray<string> => {
  const expectedBody = Buffer.from(row.expectedBody, "latin1")
  const length = headers["content-length"]
  const mayLackLength = row.streamed && length === undefined
  const expected: ReadonlyArray<readonly [string, string | number | undefined, string | number]> = [
    ["status", headers[":status"], 200],
    ["content-type", headers["content-type"], contentType],
    ...(mayLackLength ? [] : [["content-length", length, String(expectedBody.length)] as const])
  ]
  return [
    ...expected.flatMap(([name, actual, wanted]) =>
      actual === wanted ? [] : [`${name} is ${actual ?? "absent"}, not ${wanted}`]
    ),
    ...(headers.date === undefined ? ["there is no Date header"] : []),
    ...(body.equals(expectedBody) ? [] : [`the body is ${describeBody(body)}, not ${describeBody(expectedBody)}`])
  ]
}

const openSession = (port: number, isSecure: boolean): Promise<ClientHttp2Session> =>
  new Promise((resolve, reject) => {
    const session = isSecure
      ? connect(`https://127.0.0.1:${port}`, { ca: readFileSync(certificate.cert) })
      : connect(`http://127.0.0.1:${port}`)
    session.once("error", reject)
    session.once("connect", () => resolve(session))
  })

/** Node's client; then the one that makes the load is not the only one that the servers get along with. */
const converse = async (port: number, row: Http2Row): Promise<ReadonlyArray<string>> => {
  const session = await openSession(port, row.load.tls)
  try {
    const inTurn = [await ask(session, row.load), await ask(session, row.load)]
    const together = await Promise.all([ask(session, row.load), ask(session, row.load)])
    return [...inTurn, ...together].flatMap((answer) => disagreements(row, answer))
  } finally {
    session.destroy()
  }
}

/** Two requests in turn and two together on one connection: all answers exactly as the row expects. */
export const checkHttp2Agreement = async (name: CandidateName, port: number, row: Http2Row): Promise<void> => {
  const problems = await within(limitMilliseconds, converse(port, row)).catch((error: unknown) => [String(error)])
  if (problems?.length === 0) return
  const all = problems?.join("; ") ?? `no answer in ${limitMilliseconds / 1000} s`
  throw new BenchmarkProblem(`${row.name}: ${name} does not answer like the others: ${all}`)
}
