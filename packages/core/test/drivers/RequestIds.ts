/** The ids of exchanges, on a server that gives them. */
import { assert, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as References from "effect/References"
import { get } from "../../src/http/HeaderBlock.ts"
import type { Input } from "../../src/options/ServerOptions.ts"
import { recorded, respond } from "./support/Applications.ts"
import * as Streams from "./support/EventStreams.ts"
import { accept, endSessions, handshake, receiveAll, serveSessions } from "./support/FakeWebSocket.ts"
import { ask, finish, makeHarness } from "./support/Harness.ts"
import { attributesOf, RecordingTracer } from "./support/RecordingTracer.ts"
import { type ClientExchange, valuesOf, type Version } from "./support/Version.ts"

const options: Input = { requestId: "make", sendRequestId: true }
const fields = [
  ["x-request-id", "of-the-client"],
  ["x-other", "1"],
  ["x-request-id", "another"]
] as const

const idsOf = ({ response }: ClientExchange): ReadonlyArray<string | undefined> =>
  valuesOf(response.headers, "x-request-id")

/** Answers with what log lines would say of the exchange. */
const { application, scopes } = recorded<unknown>((scope, _receive, send) => {
  switch (scope.path) {
    case "/fail":
      return Effect.fail("broken")
    case "/own":
      return respond(send, "own", [["X-Request-ID", "of-the-application"]])
    default:
      return Effect.flatMap(References.CurrentLogAnnotations, (annotations) =>
        respond(send, JSON.stringify(annotations))
      )
  }
})

export const testRequestIds = (version: Version): void => {
  it.effect("is in the scope, in its fields, in log lines, in the record and in the response", () =>
    Effect.gen(function* () {
      const harness = yield* Effect.provideService(
        makeHarness(version, application, { options }),
        References.CurrentLogAnnotations,
        { from: "the program" }
      )
      const first = yield* ask(harness, { fields })
      const second = yield* ask(harness)
      const [id, other] = scopes.splice(0).map(({ headers, requestId }) => {
        assert.deepStrictEqual(
          headers.filter(([name]) => name === "x-request-id").map(([, value]) => value),
          [requestId]
        )
        return requestId
      })
      assert.match(id ?? "", /^[0-9a-z]{12}-1$/)
      assert.notStrictEqual(other, id)
      assert.deepStrictEqual(idsOf(first.exchange), [id])
      assert.deepStrictEqual(idsOf(second.exchange), [other])
      assert.deepStrictEqual(JSON.parse(first.exchange.response.body), { from: "the program", requestId: id })
      assert.deepStrictEqual(
        harness.log.map(({ request, requestId }) => [requestId, get(request?.headers ?? [], "x-request-id")]),
        [
          [id, id],
          [other, other]
        ]
      )
      yield* finish(harness, first.client, second.client)
    })
  )

  it.effect("is in the server's own answers, also to what is no request", () =>
    Effect.gen(function* () {
      const harness = yield* makeHarness(version, application, { options: { ...options, maxBodySize: 5 } })
      const failed = yield* ask(harness, { path: "/fail" })
      const invalid = yield* ask(harness, { path: "/%00" })
      const tooLarge = yield* ask(harness, { method: "POST", fields: [["content-length", "6"]], more: true })
      const asked = [failed, invalid, tooLarge]
      scopes.splice(0)
      const ids = harness.log.map(({ requestId }) => requestId)
      assert.strictEqual(new Set(ids).size, 3)
      assert.deepStrictEqual(
        asked.map(({ exchange }) => exchange.response.status),
        [500, 400, 413]
      )
      assert.deepStrictEqual(
        asked.map(({ exchange }) => idsOf(exchange)),
        ids.map((id) => [id])
      )
    })
  )

  it.effect("leaves the one of the application alone", () =>
    Effect.gen(function* () {
      const harness = yield* makeHarness(version, application, { options })
      const { client, exchange } = yield* ask(harness, { path: "/own" })
      assert.deepStrictEqual(idsOf(exchange), ["of-the-application"])
      scopes.splice(0)
      yield* finish(harness, client)
    })
  )

  it.effect("is in the span", () =>
    Effect.gen(function* () {
      const recording = new RecordingTracer()
      const harness = yield* recording.provide(makeHarness(version, application, { options }))
      const { client } = yield* ask(harness)
      const [scope] = scopes.splice(0)
      const [span] = recording.spans
      assert.isDefined(span)
      assert.strictEqual(attributesOf(span)["http.request.id"], scope?.requestId)
      assert.deepInclude(harness.log[0], { requestId: scope?.requestId, traceId: span.traceId })
      yield* finish(harness, client)
    })
  )

  it.effect("is that of an event stream", () =>
    Effect.gen(function* () {
      const { application, scopes } = Streams.watching()
      const harness = yield* makeHarness(version, application, { options })
      const { client, exchange } = yield* ask(harness, Streams.getStream)
      assert.isString(scopes[0]?.requestId)
      assert.deepStrictEqual(idsOf(exchange), [scopes[0]?.requestId])
      yield* finish(harness, client)
    })
  )

  it.effect("is that of a WebSocket, from its handshake on", () =>
    Effect.gen(function* () {
      const { harness, scopes } = yield* serveSessions(
        version,
        (_scope, receive, send) => Effect.andThen(send(accept), receiveAll(receive)),
        options
      )
      const { client, exchange } = yield* handshake(harness)
      assert.isString(scopes[0]?.requestId)
      assert.deepStrictEqual(idsOf(exchange), [scopes[0]?.requestId])
      yield* endSessions(harness, client)
      assert.strictEqual(harness.log[0]?.requestId, scopes[0]?.requestId)
    })
  )

  it.effect("stays with the server unless it is to be sent", () =>
    Effect.gen(function* () {
      const harness = yield* makeHarness(version, application, { options: { requestId: "make" } })
      const asked = [yield* ask(harness), yield* ask(harness, { path: "/fail" })]
      assert.isString(scopes.splice(0)[0]?.requestId)
      assert.deepStrictEqual(
        asked.map(({ exchange }) => idsOf(exchange)),
        [[], []]
      )
    })
  )

  it.effect("is nowhere by default, where the fields of a request are those that came", () =>
    Effect.gen(function* () {
      const harness = yield* makeHarness(version, application)
      const { client, exchange } = yield* ask(harness, { fields })
      const [scope] = scopes.splice(0)
      assert.isDefined(scope)
      assert.isFalse("requestId" in scope)
      assert.deepStrictEqual(scope.headers.slice(1), [...fields])
      assert.deepStrictEqual(idsOf(exchange), [])
      assert.strictEqual(exchange.response.body, "{}")
      assert.isUndefined(harness.log[0]?.requestId)
      yield* finish(harness, client)
    })
  )
}
