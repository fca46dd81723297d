/** Requests for event streams that have content, or get another answer, and what comes behind a stream. */
import { assert, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type { SseSendEvent } from "../../src/contract/Event.ts"
import * as PagiApp from "../../src/contract/PagiApp.ts"
import type { SendError } from "../../src/contract/SendError.ts"
import { echo, textOf } from "./support/Applications.ts"
import {
  close,
  disconnected,
  event,
  getStream,
  type Receive,
  type Send,
  sending,
  start,
  streaming
} from "./support/EventStreams.ts"
import { ask, assertCost, finish, makeHarness, outcomes, turn } from "./support/Harness.ts"
import type { Fields, RequestOptions, Version } from "./support/Version.ts"

const postStream = (...fields: Fields): RequestOptions => ({
  method: "POST",
  more: true,
  fields: [...getStream.fields, ...fields]
})

export const testStreamContent = (version: Version): void => {
  /** Sends back what it receives, piece by piece. */
  const echoing = streaming((_scope, receive: Receive, send) =>
    Effect.gen(function* () {
      yield* send(start)
      for (let more = true; more;) {
        const piece = yield* receive
        if (piece.type === "sse.disconnect") return
        more = piece.more
        yield* send(event(`${textOf(piece.body)}${more ? "…" : ""}`))
      }
    })
  )

  it.effect("arrives in sse.request, whether its length is known or not", () =>
    Effect.gen(function* () {
      for (const request of [postStream(["content-length", "5"]), postStream()]) {
        const harness = yield* makeHarness(version, echoing)
        const { client, exchange } = yield* ask(harness, request)
        exchange.send("he")
        exchange.end("llo")
        yield* turn
        const data = [...exchange.response.body.matchAll(/^data: (.*)$/gm)].map((line) => line[1])
        assert.strictEqual(data.join("").replaceAll(/[^a-z]/g, ""), "hello")
        assert.strictEqual(exchange.response.state, "complete")
        yield* finish(harness, client)
      }
    })
  )

  it.effect("is one empty piece for a GET", () =>
    Effect.gen(function* () {
      const harness = yield* makeHarness(version, echoing)
      const { client, exchange } = yield* ask(harness, getStream)
      assert.strictEqual(exchange.response.body, "data: \n\n")
      yield* finish(harness, client)
    })
  )

  it.effect("may go on during the stream; 100 Continue comes with the first receive", () =>
    Effect.gen(function* () {
      const application = streaming((_scope, receive, send) =>
        Effect.gen(function* () {
          yield* receive
          yield* send(start)
          yield* send(event("got it"))
          yield* receive
          yield* send(event("got that too"))
        })
      )
      const harness = yield* makeHarness(version, application)
      const request = postStream(["content-length", "2"], ["expect", "100-continue"])
      const { client, exchange } = yield* ask(harness, request)
      assert.deepStrictEqual(exchange.response.informational, [{ status: 100, headers: [] }])
      exchange.send("a")
      yield* turn
      assert.deepInclude(exchange.response, { body: "data: got it\n\n", state: "pending" })
      exchange.end("b")
      yield* turn
      assert.deepInclude(exchange.response, { body: "data: got it\n\ndata: got that too\n\n", state: "complete" })
      yield* finish(harness, client)
    })
  )

  it.effect("that is malformed breaks the stream off", () =>
    Effect.gen(function* () {
      const harness = yield* makeHarness(version, echoing)
      const { client, exchange } = yield* ask(harness, postStream())
      exchange.violate()
      yield* turn
      assert.strictEqual(exchange.response.state, "broken")
      assertCost(harness, client)
      yield* finish(harness, client)
      assert.deepStrictEqual(harness.errors, [])
    })
  )
}

export const testDeclinedStreams = (version: Version): void => {
  it.effect("get an ordinary response, with the framing of one", () =>
    Effect.gen(function* () {
      const application = streaming(
        sending(
          { type: "sse.http.response.start", status: 403, headers: [["content-type", "text/plain"]] },
          { type: "sse.http.response.body", body: "no" }
        )
      )
      const harness = yield* makeHarness(version, application)
      const { client, exchange } = yield* ask(harness, getStream)
      assert.deepInclude(exchange.response, { status: 403, body: "no", state: "complete" })
      assert.deepStrictEqual(exchange.response.headers.filter(([name]) => name !== "date").toSorted(), [
        ["content-length", "2"],
        ["content-type", "text/plain"]
      ])
      const next = client.request()
      yield* turn
      assert.strictEqual(next.response.body, "ordinary")
      yield* finish(harness, client)
    })
  )

  it.effect("are those whose application sends an event of a response first: the first family wins", () =>
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
      const harness = yield* makeHarness(version, application)
      const { client, exchange } = yield* ask(harness, { ...getStream, path: "/stream" })
      const declined = client.request(getStream)
      yield* turn
      assert.strictEqual(exchange.response.body, "data: still a stream\n\n")
      assert.deepInclude(declined.response, { status: 404, body: "gone" })
      assert.strictEqual(errors.length, 10)
      assert.deepStrictEqual([...new Set(errors.map((error) => error.reason._tag))], ["EventOutOfOrder"])
      yield* finish(harness, client)
    })
  )
}

export const testBehindStreams = (version: Version): void => {
  it.effect("the connection serves on when the application has closed them", () =>
    Effect.gen(function* () {
      const application = PagiApp.make({ http: echo, sse: sending(start, event("a"), close, close) })
      const harness = yield* makeHarness(version, application)
      const client = harness.connect()
      const exchanges = client.transport.together(() =>
        [getStream, {}, getStream, {}].map((request) => client.request(request))
      )
      yield* turn
      assert.deepStrictEqual(
        exchanges.map(({ response }) => response.body),
        ["data: a\n\n", "GET / ", "data: a\n\n", "GET / "]
      )
      assert.isTrue(client.mayAskAgain)
      assert.deepStrictEqual(
        outcomes(harness),
        exchanges.map(() => "200 complete")
      )
      yield* finish(harness, client)
    })
  )

  it.effect("a fiber that outlives them does not write into the next response", () =>
    Effect.gen(function* () {
      const sends: Array<Send> = []
      const application = PagiApp.make({
        http: () => Effect.never,
        sse: (_scope, _receive, send: Send) => {
          sends.push(send)
          return Effect.andThen(send(start), send({ type: "sse.keepalive", interval: 0.1 }))
        }
      })
      const harness = yield* makeHarness(version, application, { options: { disconnectGrace: 0 } })
      const { client, exchange } = yield* ask(harness, getStream)
      const next = client.request()
      yield* turn
      assert.deepInclude(exchange.response, { body: "", state: "complete" })
      for (const send of sends) {
        const error = yield* Effect.flip(send(event("stray")))
        assert.strictEqual(error.message, "sse.send: the event stream is closed")
      }
      yield* turn
      assert.deepInclude(next.response, { status: undefined, body: "" })
      client.transport.fail()
      yield* turn
      yield* finish(harness)
    })
  )

  it.effect("receive tells those that run on that the stream is over", () =>
    Effect.gen(function* () {
      const reasons: Array<string> = []
      const application = streaming((_scope, receive, send) =>
        Effect.gen(function* () {
          yield* send(start)
          yield* send(close)
          reasons.push(yield* disconnected(receive))
        })
      )
      const harness = yield* makeHarness(version, application)
      const { client } = yield* ask(harness, getStream)
      assert.deepStrictEqual(reasons, ["closed"])
      yield* finish(harness, client)
    })
  )
}
