/** The trace that the access log and other observers are told of. */
import { assert, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as HttpMiddleware from "effect/http/HttpMiddleware"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as PagiApp from "../../src/PagiApp.ts"
import { respond } from "./support/Applications.ts"
import { accepting, endSessions, fakeSessions } from "./support/FakeWebSocket.ts"
import { finish, type Harness, makeHarness, turn } from "./support/Harness.ts"
import { RecordingTracer } from "./support/RecordingTracer.ts"
import type { Client, Version } from "./support/Version.ts"

const traceId = "0af7651916cd43dd8448eb211c80319c"
const caller = { fields: [["traceparent", `00-${traceId}-b7ad6b7169203331-01`]] } as const

const program = Effect.gen(function* () {
  const request = yield* HttpServerRequest.HttpServerRequest
  if (request.url === "/never") return yield* Effect.interruptible(Effect.never)
  if (request.url !== "/session") return yield* Effect.withSpan(Effect.succeed(HttpServerResponse.text("ok")), "inner")
  const { pull } = yield* (yield* request.upgrade).reader
  yield* Effect.ignore(pull)
  return HttpServerResponse.empty()
}).pipe(Effect.scoped)

/** Answers without running the program. */
const refusing = HttpMiddleware.make(() => Effect.succeed(HttpServerResponse.empty({ status: 401 })))

const events = PagiApp.make({
  http: ({ path }, _receive, send: Parameters<typeof respond>[0]) =>
    path === "/never" ? Effect.never : respond(send, "ok"),
  websocket: accepting
})

const applications: Readonly<Record<string, PagiApp.Application<unknown>>> = {
  "the server's": events,
  "that of a program of Effect's": PagiApp.fromHttpEffect(program)
}

/** The traces of the exchanges that have ended, by path. */
const traces = ({ log }: Harness) => Object.fromEntries(log.map(({ request, traceId }) => [request?.target, traceId]))

const ended = (harness: Harness, count: number): Effect.Effect<void> =>
  Effect.gen(function* () {
    while (harness.log.length < count) yield* turn
  })

export const testTraceIds = (version: Version): void => {
  for (const [name, application] of Object.entries(applications)) {
    it.effect(`is that of the exchange's span: ${name}`, () =>
      Effect.gen(function* () {
        const recording = new RecordingTracer()
        const harness = yield* recording.provide(makeHarness(version, application, { webSocket: fakeSessions().make }))
        const clients: Array<Client> = []
        const connect = () => {
          const client = harness.connect()
          clients.push(client)
          return client
        }
        connect().request({ path: "/none" })
        yield* ended(harness, 1)
        connect().request({ path: "/caller", ...caller })
        yield* ended(harness, 2)
        const left = connect()
        left.request({ path: "/never" })
        const session = connect()
        session.handshake({ path: "/session" })
        yield* turn
        left.transport.fail()
        yield* endSessions(harness, ...clients.filter((client) => client !== left))
        const spans = recording.spans.filter(({ kind }) => kind === "server")
        const spanOf = (path: string) =>
          spans.find((span) => String(span.attributes.get("url.path")) === path)?.traceId ?? assert.fail(path)
        const paths = ["/none", "/caller", "/never", "/session"]
        assert.strictEqual(spanOf("/caller"), traceId)
        assert.deepStrictEqual(traces(harness), Object.fromEntries(paths.map((path) => [path, spanOf(path)])))
        assert.strictEqual(new Set(paths.map(spanOf)).size, 4)
      })
    )
  }

  it.effect("is that of a span whose program a middleware has answered for", () =>
    Effect.gen(function* () {
      const recording = new RecordingTracer()
      const harness = yield* recording.provide(makeHarness(version, PagiApp.fromHttpEffect(program, refusing)))
      const client = harness.connect()
      client.request()
      yield* ended(harness, 1)
      assert.deepStrictEqual(traces(harness), { "/": recording.span("GET").traceId })
      assert.deepStrictEqual(
        harness.log.map(({ status }) => status),
        [401]
      )
      yield* finish(harness, client)
    })
  )

  for (const [name, application] of Object.entries(applications)) {
    it.effect(`is the caller's where no span is made, instead of ${name}`, () =>
      Effect.gen(function* () {
        const recording = new RecordingTracer()
        const harness = yield* recording
          .provide(Effect.withSpan(makeHarness(version, application), "start"))
          .pipe(Effect.provideService(HttpMiddleware.TracerDisabledWhen, () => true))
        const [client, refused] = [harness.connect(), harness.connect({ secure: true, expectedHost: "b" })]
        client.request({ path: "/caller", ...caller })
        yield* ended(harness, 1)
        client.request({ path: "/none" })
        yield* ended(harness, 2)
        refused.request({ path: "/refused", ...caller })
        yield* ended(harness, 3)
        assert.deepStrictEqual(traces(harness), { "/caller": traceId, "/none": undefined, "/refused": traceId })
        yield* finish(harness, client, refused)
      })
    )

    it.effect(`is none without a tracer, instead of ${name}`, () =>
      Effect.gen(function* () {
        const harness = yield* makeHarness(version, application)
        const client = harness.connect()
        client.request({ path: "/caller", ...caller })
        yield* ended(harness, 1)
        assert.deepStrictEqual(traces(harness), { "/caller": undefined })
        yield* finish(harness, client)
      })
    )
  }
}
