import { toBytes } from "@pagi/core/bytes/ByteString"
import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import { Connection } from "../../src/protocol/Connection.ts"
import { bytes, fragment, integer, mutate, mutation, oneOf, split, wireRequest } from "../support/Generators.ts"
import { converse, date, limits, TextSink } from "../support/Machine.ts"

const cuts = Arbitrary.array(integer(0, 100_000), { maxLength: 12 })
const requests = Arbitrary.array(wireRequest, { minLength: 1, maxLength: 4 })

describe("Connection properties", () => {
  it.prop("decode(encode(x)) = x", [requests], ([sent]) => {
    const events = converse(sent.map((request) => request.wire))
    const bodies = events.filter((event) => event.type === "body").map((event) => ("text" in event ? event.text : ""))
    const ends = events.filter((event) => event.type === "end")
    assert.deepStrictEqual(
      bodies,
      sent.map((request) => request.body).filter((body) => body !== "")
    )
    assert.strictEqual(events.filter((event) => event.type === "request").length, sent.length)
    assert.deepStrictEqual(
      ends
        .flatMap((end) => ("trailers" in end ? [end["trailers"]] : []))
        .filter((trailers) => Array.isArray(trailers) && trailers.length > 0),
      sent.map((request) => request.trailers).filter((trailers) => trailers.length > 0)
    )
    assert.deepStrictEqual(events.at(-1), { type: "closed" })
  })

  it.prop(
    "any split of a valid stream gives the same events",
    [requests, cuts],
    ([sent, places]) => {
      const text = sent.map((request) => request.wire).join("")
      const whole = converse([text])
      assert.deepStrictEqual(converse(split(text, places)), whole)
    },
    { arbitrary: { runs: 1000, size: 50 }, timeout: 20_000 }
  )

  it.prop(
    "byte by byte gives the same events",
    [requests],
    ([sent]) => {
      const text = sent.map((request) => request.wire).join("")
      assert.deepStrictEqual(converse([...text]), converse([text]))
    },
    { arbitrary: { runs: 100, size: 50 }, timeout: 20_000 }
  )

  it.prop(
    "random bytes neither throw nor hang",
    [bytes(60), cuts],
    ([text, places]) => {
      assert.isBelow(converse(split(text, places)).length, 100)
    },
    { arbitrary: { runs: 10_000, size: 60 }, timeout: 60_000 }
  )

  it.prop(
    "random runs of grammar fragments neither throw nor hang",
    [Arbitrary.array(fragment, { maxLength: 30 }), cuts],
    ([fragments, places]) => {
      assert.isBelow(converse(split(fragments.join(""), places)).length, 200)
    },
    { arbitrary: { runs: 10_000, size: 60 }, timeout: 60_000 }
  )

  it.prop(
    "mutations of valid requests neither throw nor hang, and are refused or understood alike in any split",
    [wireRequest, wireRequest, Arbitrary.array(mutation, { minLength: 1, maxLength: 3 }), cuts],
    ([first, second, mutations, places]) => {
      const text = mutations.reduce(mutate, first.wire + second.wire)
      const whole = converse([text])
      const parts = converse(split(text, places))
      assert.isBelow(whole.length, 100)
      const requestsOf = (events: typeof whole): unknown => events.filter((event) => event.type === "request")
      assert.deepStrictEqual(requestsOf(parts), requestsOf(whole))
      assert.strictEqual(
        parts.some((event) => event.type === "error"),
        whole.some((event) => event.type === "error")
      )
    },
    { arbitrary: { runs: 10_000, size: 500 }, timeout: 120_000 }
  )
})

const actions = {
  receive: (connection: Connection, _: TextSink, text: string) => connection.receive(toBytes(text)),
  receiveEnd: (connection: Connection) => connection.receiveEnd(),
  next: (connection: Connection) => connection.next(),
  skipBody: (connection: Connection) => connection.skipBody(),
  takeBuffered: (connection: Connection) => connection.takeBuffered(),
  sendContinue: (connection: Connection, sink: TextSink) => connection.sendContinue(sink),
  sendInformational: (connection: Connection, sink: TextSink, text: string) =>
    connection.sendInformational(sink, 103, [["x", text]]),
  start: (connection: Connection) => connection.startResponse(200, [], false, date),
  startWithLength: (connection: Connection) => connection.startResponse(200, [["content-length", "5"]], false, date),
  startWithTrailers: (connection: Connection) => connection.startResponse(200, [], true, date),
  startUpgrade: (connection: Connection) => connection.startResponse(101, [], false, date),
  flushHead: (connection: Connection, sink: TextSink) => connection.flushHead(sink),
  sendPiece: (connection: Connection, sink: TextSink, text: string) => connection.sendBody(sink, text, false),
  sendLast: (connection: Connection, sink: TextSink, text: string) => connection.sendBody(sink, toBytes(text), true),
  sendTrailers: (connection: Connection, sink: TextSink, text: string) => connection.sendTrailers(sink, [["x", text]]),
  closeAfterResponse: (connection: Connection) => connection.closeAfterResponse(),
  nextCycle: (connection: Connection) => connection.nextCycle()
}

const action = Arbitrary.all([
  oneOf<keyof typeof actions>(
    "receive",
    "receiveEnd",
    "next",
    "next",
    "next",
    "skipBody",
    "takeBuffered",
    "sendContinue",
    "sendInformational",
    "start",
    "startWithLength",
    "startWithTrailers",
    "startUpgrade",
    "flushHead",
    "sendPiece",
    "sendLast",
    "sendTrailers",
    "closeAfterResponse",
    "nextCycle"
  ),
  oneOf(
    "",
    "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
    "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nTransfer-Encoding: chunked\r\n\r\n",
    "5\r\nhello\r\n",
    "0\r\n\r\n",
    "\r\n",
    "x"
  )
])

describe("every state × input", () => {
  it.prop(
    "no order of calls throws, writes for a refusal, or gets out of a final state",
    [Arbitrary.array(action, { maxLength: 40 })],
    ([calls]) => {
      const connection = new Connection(limits)
      const sink = new TextSink()
      let hasClosed = false
      for (const [name, text] of calls) {
        const before = sink.text.length
        const result = actions[name](connection, sink, text)
        if (typeof result === "string") assert.strictEqual(sink.text.length, before)
        if (name !== "next" || typeof result !== "object" || !("type" in result)) continue
        if (hasClosed) assert.strictEqual(result.type, "closed")
        hasClosed ||= result.type === "closed" || result.type === "error"
      }
      if (hasClosed) assert.isFalse(connection.keepAlive)
      assert.isTrue(connection.responseStarted || !connection.responseComplete)
    },
    { arbitrary: { runs: 5000, size: 40 }, timeout: 60_000 }
  )
})
