import { toBytes } from "@pagi/core/bytes/ByteString"
import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Schema from "effect/Schema"
import { Connection } from "../../src/protocol/Connection.ts"
import { readResponse } from "../support/ClientConnection.ts"
import { bytes, oneOf } from "../support/Generators.ts"
import { date, drain, limits, lines, TextSink } from "../support/Machine.ts"

const boolean = Arbitrary.schema(Schema.Boolean)

const exchange = Arbitrary.all({
  method: oneOf("GET", "HEAD", "POST"),
  httpVersion: oneOf<"1.0" | "1.1">("1.0", "1.1"),
  keepAlive: boolean,
  requestBody: bytes(20),
  informational: boolean,
  status: oneOf(200, 201, 204, 205, 299, 304, 404, 500),
  pieces: Arbitrary.array(bytes(30), { maxLength: 4 }),
  asBytes: boolean,
  length: oneOf("declared", "unknown"),
  isFlushed: boolean,
  trailers: boolean,
  close: boolean
})
type Exchange = typeof exchange extends Arbitrary.Arbitrary<infer A> ? A : never

const writeRequest = ({ method, httpVersion, keepAlive, requestBody }: Exchange): string =>
  lines(
    `${method} / HTTP/${httpVersion}`,
    "Host: a",
    `Connection: ${keepAlive ? "keep-alive" : "close"}`,
    `Content-Length: ${requestBody.length}`
  ) + requestBody

const respond = (connection: Connection, sink: TextSink, { pieces, ...response }: Exchange): void => {
  const length = pieces.join("").length
  const headers: Array<[string, string]> = [["X-Test", "a"]]
  if (response.length === "declared") headers.push(["Content-Length", String(length)])
  if (response.close) headers.push(["Connection", "close"])
  if (response.informational) assert.isUndefined(connection.sendInformational(sink, 103, []))
  assert.isUndefined(connection.startResponse(response.status, headers, response.trailers, date))
  if (response.isFlushed) connection.flushHead(sink)
  const data = (piece: string): string | Uint8Array => (response.asBytes ? toBytes(piece) : piece)
  for (const piece of pieces.slice(0, -1)) assert.isUndefined(connection.sendBody(sink, data(piece), false))
  const last = data(pieces.at(-1) ?? "")
  if (response.trailers) assert.isUndefined(connection.sendBody(sink, last, false))
  const problem = response.trailers
    ? connection.sendTrailers(sink, [["X-Sum", "1"]])
    : connection.sendBody(sink, last, true)
  assert.isUndefined(problem)
  assert.isTrue(connection.responseComplete)
}

const checkAgreement = (sent: Exchange, text: string, serverPersists: boolean): void => {
  const [response, rest] = readResponse(text, sent, !serverPersists)
  const hasContent = sent.method !== "HEAD" && sent.status !== 204 && sent.status !== 205 && sent.status !== 304
  const isChunked = response.headers.some(([name]) => name === "transfer-encoding")
  assert.strictEqual(response.status, sent.status)
  assert.strictEqual(response.body, hasContent ? sent.pieces.join("") : "")
  assert.deepStrictEqual(response.trailers, sent.trailers && isChunked ? [["x-sum", "1"]] : [])
  assert.deepStrictEqual(response.informational, sent.informational && sent.httpVersion === "1.1" ? [103] : [])
  assert.strictEqual(response.persistent, serverPersists)
  assert.strictEqual(rest, "")
}

describe("a client and a server", () => {
  it.prop(
    "agree on every response and on when the connection ends",
    [Arbitrary.array(exchange, { minLength: 1, maxLength: 4 })],
    ([exchanges]) => {
      const connection = new Connection(limits)
      connection.receive(toBytes(exchanges.map(writeRequest).join("")))
      for (const sent of exchanges) {
        const events = drain(connection)
        assert.strictEqual(events[0]?.type, "request")
        const sink = new TextSink()
        respond(connection, sink, sent)
        const persists = connection.keepAlive
        checkAgreement(sent, sink.text, persists)
        connection.nextCycle()
        if (!persists) {
          assert.deepStrictEqual(drain(connection), [{ type: "closed" }])
          return
        }
      }
    },
    { arbitrary: { runs: 3000, size: 30 }, timeout: 60_000 }
  )
})
