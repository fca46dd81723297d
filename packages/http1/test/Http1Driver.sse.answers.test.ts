import { assert, describe, it } from "@effect/vitest"
import type { SseSendEvent } from "@pagi/core/Event"
import * as PagiApp from "@pagi/core/PagiApp"
import type { SendError } from "@pagi/core/SendError"
import * as Effect from "effect/Effect"
import { echo } from "@pagi/core/test/drivers/support/Applications"
import { converse, finish, makeHarness, turn } from "./support/DriverHarness.ts"
import { close, event, getStream, readStream, type Send, sending, start, streaming } from "./support/EventStreams.ts"
import { get, lines } from "./support/Machine.ts"

describe("declining", () => {
  it.effect("with an ordinary response, which gets the framing of one", () =>
    Effect.gen(function* () {
      const application = streaming(
        sending(
          { type: "sse.http.response.start", status: 403, headers: [["content-type", "text/plain"]] },
          { type: "sse.http.response.body", body: "no" }
        )
      )
      const harness = yield* makeHarness(application)
      const transport = yield* converse(harness, getStream() + get())
      const [response, rest] = readStream(transport.text)
      assert.deepStrictEqual([response.status, response.body], [403, "no"])
      const fields = response.headers.map(([name, value]) => (name === "date" ? name : `${name}: ${value}`))
      assert.deepStrictEqual(fields.toSorted(), ["content-length: 2", "content-type: text/plain", "date"])
      assert.strictEqual(readStream(rest)[0].body, "ordinary")
      yield* finish(harness, transport)
    })
  )

  it.effect("whichever family is sent first wins", () =>
    Effect.gen(function* () {
      const errors: Array<SendError> = []
      const refused = (send: Send, ...events: ReadonlyArray<SseSendEvent>) =>
        Effect.forEach(events, (event) => Effect.map(Effect.flip(send(event)), (error) => errors.push(error)))
      const responseStart: SseSendEvent = { type: "sse.http.response.start", status: 404 }
      const body: SseSendEvent = { type: "sse.http.response.body", body: "gone" }
      const application = streaming((scope, _receive, send) =>
        Effect.gen(function* () {
          if (scope.path === "/stream") {
            yield* send(start)
            yield* refused(send, responseStart, body, start)
            yield* send(event("still a stream"))
          } else {
            yield* send(responseStart)
            yield* refused(send, start, event("x"), { type: "sse.comment", comment: "x" }, close, responseStart)
            yield* send(body)
            yield* refused(send, body, start)
          }
        })
      )
      const harness = yield* makeHarness(application)
      const stream = lines("GET /stream HTTP/1.1", "Host: a", "Accept: text/event-stream")
      const transport = yield* converse(harness, stream + getStream())
      const [first, rest] = readStream(transport.text)
      const [second] = readStream(rest)
      assert.strictEqual(first.body, "data: still a stream\n\n")
      assert.deepStrictEqual([second.status, second.body], [404, "gone"])
      assert.strictEqual(errors.length, 10)
      assert.deepStrictEqual([...new Set(errors.map((error) => error.reason._tag))], ["EventOutOfOrder"])
      yield* finish(harness, transport)
    })
  )
})

describe("the connection", () => {
  it.effect("serves on after a stream that was closed, and pipelined requests wait for its end", () =>
    Effect.gen(function* () {
      const application = PagiApp.make({ http: echo, sse: sending(start, event("a"), close, close) })
      const harness = yield* makeHarness(application)
      const transport = yield* converse(harness, getStream() + get() + getStream() + get())
      let rest = transport.text
      const bodies: Array<string> = []
      while (rest !== "") {
        const [response, next] = readStream(rest)
        assert.isTrue(response.persistent)
        bodies.push(response.body)
        rest = next
      }
      assert.deepStrictEqual(bodies, ["data: a\n\n", "GET / ", "data: a\n\n", "GET / "])
      assert.strictEqual(transport.ending, "open")
      assert.deepStrictEqual(
        harness.log.map((record) => record.outcome),
        ["complete", "complete", "complete", "complete"]
      )
      yield* finish(harness, transport)
    })
  )

  it.effect("closes after a stream when the client asks for it", () =>
    Effect.gen(function* () {
      const harness = yield* makeHarness(streaming(sending(start, event("a"), close)))
      const transport = yield* converse(harness, getStream("Connection: close"))
      assert.isTrue(transport.text.endsWith("data: a\n\n\r\n0\r\n\r\n"))
      assert.strictEqual(transport.ending, "closed")
      yield* finish(harness)
    })
  )

  it.effect("a fiber that outlives its stream does not write into the next response", () =>
    Effect.gen(function* () {
      const sends: Array<Send> = []
      const application = PagiApp.make({
        http: () => Effect.never,
        sse: (_scope, _receive, send: Send) => {
          sends.push(send)
          return Effect.andThen(send(start), send({ type: "sse.keepalive", interval: 0.1 }))
        }
      })
      const harness = yield* makeHarness(application)
      const transport = yield* converse(harness, getStream() + get())
      const [response, rest] = readStream(transport.text)
      assert.deepStrictEqual([response.body, rest], ["", ""])
      for (const send of sends) {
        const error = yield* Effect.flip(send(event("stray")))
        assert.strictEqual(error.message, "sse.send: the event stream is closed")
      }
      yield* turn
      assert.notInclude(transport.text, "stray")
      transport.fail()
      yield* turn
    })
  )
})
