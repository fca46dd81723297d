import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Headers from "effect/http/Headers"
import * as HttpMiddleware from "effect/http/HttpMiddleware"
import * as Logger from "effect/Logger"
import * as References from "effect/References"
import * as Tracer from "effect/Tracer"
import * as PagiApp from "../../src/contract/PagiApp.ts"
import type { HeaderBlock } from "../../src/http/HeaderBlock.ts"
import { kindOf } from "../../src/observe/ExchangeRecorder.ts"
import type { TracedConnection, TracedRequest } from "../../src/tracing/SpanAttributes.ts"
import type { RequestTracer } from "../../src/tracing/RequestTracer.ts"
import * as Tracing from "../../src/tracing/Tracing.ts"
import { attributesOf, eventNames, exitOf, parentOf, RecordingTracer } from "../drivers/support/RecordingTracer.ts"

const request: TracedRequest = {
  method: "GET",
  rawPath: "/users/1",
  queryString: "a=b",
  httpVersion: "1.1",
  headers: [["host", "example.com"]]
}
const connection: TracedConnection = { client: ["10.0.0.1", 1], server: ["10.0.0.2", 80], secure: true }

const application = PagiApp.make({ http: () => Effect.void }) as PagiApp.Application<unknown, never>

/** The tracer of a server whose application has these services. */
const makeTracer = (tracer: Tracer.Tracer, context: Context.Context<never> = Context.empty()) =>
  Effect.gen(function* () {
    const made = yield* Tracing.make({ application, context: Context.add(context, Tracer.Tracer, tracer) })
    assert.isDefined(made)
    return made
  })

const begin = (
  tracer: RequestTracer,
  parts: Partial<TracedRequest> = {},
  type: "http" | "sse" | "websocket" = "http"
) => tracer.begin(type, { ...request, ...parts }, connection)

const endIt = (trace: ReturnType<typeof begin>, headers: HeaderBlock = []): void => {
  trace?.started(200, headers, kindOf(200, headers, false))
  trace?.ended("complete")
  trace?.onApplicationExit(Exit.void)
}

describe("RequestTracer", () => {
  it.effect("is made only for an application with a tracer that keeps spans", () =>
    Effect.gen(function* () {
      const { tracer } = new RecordingTracer()
      const make = (context: Context.Context<never>) => Tracing.make({ application, context })
      assert.isUndefined(yield* make(Context.empty()))
      assert.isUndefined(yield* make(Context.make(Tracer.Tracer, Tracer.nativeTracer)))
      const context = Context.make(Tracer.Tracer, tracer)
      assert.isUndefined(yield* make(Context.add(context, References.TracerEnabled, false)))
      assert.isDefined(yield* make(context))
    })
  )

  it.effect("makes no spans of what the application makes spans of", () =>
    Effect.gen(function* () {
      const recording = new RecordingTracer()
      const ownSpans = new Set(["http"] as const)
      const context = Context.make(Tracer.Tracer, recording.tracer)
      const tracer = yield* Tracing.make({ application: Object.assign(() => Effect.void, { ownSpans }), context })
      assert.isDefined(tracer)
      assert.isUndefined(begin(tracer))
      assert.isDefined(begin(tracer, {}, "sse"))
    })
  )

  it.effect("does not put requests below the span in which the server was started", () =>
    Effect.gen(function* () {
      const recording = new RecordingTracer()
      const start = Tracer.externalSpan({ traceId: "1".repeat(32), spanId: "1".repeat(16) })
      const tracer = yield* makeTracer(recording.tracer, Context.make(Tracer.ParentSpan, start))
      endIt(begin(tracer))
      assert.isUndefined(parentOf(recording.span("GET")))
    })
  )

  it.effect("follows the settings that programs of Effect's have for all spans", () =>
    Effect.gen(function* () {
      const recording = new RecordingTracer()
      const settings = Context.make(References.TracerSpanAnnotations, { service: "a" }).pipe(
        Context.add(References.TracerTimingEnabled, false),
        Context.add(Tracer.MinimumTraceLevel, "Error")
      )
      endIt(begin(yield* makeTracer(recording.tracer, settings)))
      const span = recording.span("GET")
      assert.deepStrictEqual(attributesOf(span), { service: "a" })
      assert.isFalse(span.sampled)
      assert.deepStrictEqual(span.status, { _tag: "Ended", startTime: 0n, endTime: 0n, exit: Exit.void })
    })
  )

  it.effect("leaves out requests as TracerDisabledWhen says, health checks for instance", () =>
    Effect.gen(function* () {
      const recording = new RecordingTracer()
      const seen: Array<unknown> = []
      const disabled = Context.make(HttpMiddleware.TracerDisabledWhen, (request) => {
        seen.push([request.method, request.url, request.headers["x-a"], request.originalUrl, request.remoteAddress])
        return request.url === "/health"
      })
      const tracer = yield* makeTracer(recording.tracer, disabled)
      assert.isUndefined(begin(tracer, { rawPath: "/health", queryString: "" }))
      assert.isDefined(
        begin(tracer, {
          headers: [
            ["host", "a"],
            ["x-a", "1"]
          ]
        })
      )
      assert.deepStrictEqual(
        recording.spans.map(({ name }) => name),
        ["GET"]
      )
      assert.deepInclude(seen[1], "https://a/users/1?a=b")
      assert.deepStrictEqual((seen[1] as ReadonlyArray<unknown>).slice(0, 3), ["GET", "/users/1?a=b", "1"])
    })
  )

  it.effect("names spans as SpanNameGenerator does", () =>
    Effect.gen(function* () {
      const recording = new RecordingTracer()
      const named = Context.make(HttpMiddleware.SpanNameGenerator, ({ method }) => `${method} /users/:id`)
      endIt(begin(yield* makeTracer(recording.tracer, named)))
      const recordingOfOthers = new RecordingTracer()
      const other = Context.make(HttpMiddleware.TracerDisabledWhen, () => false)
      endIt(begin(yield* makeTracer(recordingOfOthers.tracer, other), { method: "BREW" }))
      assert.deepStrictEqual([recording.spans[0]?.name, recordingOfOthers.spans[0]?.name], ["GET /users/:id", "HTTP"])
    })
  )

  it.effect("has the header fields that TracerHeaderFilter asks for, and no secrets", () =>
    Effect.gen(function* () {
      const recording = new RecordingTracer()
      const filter = Context.make(
        HttpMiddleware.TracerHeaderFilter,
        (name, phase) => name !== "host" && (phase === "request" || name === "x-b")
      ).pipe(Context.add(Headers.CurrentRedactedNames, ["authorization"]))
      const trace = begin(yield* makeTracer(recording.tracer, filter), {
        headers: [
          ["host", "a"],
          ["x-a", "1"],
          ["authorization", "secret"],
          ["x-a", "2"]
        ]
      })
      endIt(trace, [
        ["X-B", "3"],
        ["x-c", "4"]
      ])
      const attributes = Object.entries(attributesOf(recording.span("GET"))).filter(([name]) =>
        name.includes(".header.")
      )
      assert.deepStrictEqual(attributes, [
        ["http.request.header.x-a", "1, 2"],
        ["http.request.header.authorization", "<redacted>"],
        ["http.response.header.x-b", "3"]
      ])
    })
  )

  it("knows the references of HttpMiddleware by their keys", () => {
    assert.deepStrictEqual(
      [HttpMiddleware.TracerDisabledWhen, HttpMiddleware.SpanNameGenerator, HttpMiddleware.TracerHeaderFilter].map(
        ({ key }) => key
      ),
      [
        "effect/http/HttpMiddleware/TracerDisabledWhen",
        "@effect/platform/HttpMiddleware/SpanNameGenerator",
        "effect/http/HttpMiddleware/TracerHeaderFilter"
      ]
    )
  })

  it.effect("tells in the log of a tracer that throws, and the exchange goes on without it", () =>
    Effect.gen(function* () {
      const lines: Array<unknown> = []
      const logger = Logger.make(({ cause, message }) => {
        lines.push([message, cause.reasons.length])
      })
      const context = Context.make(Logger.CurrentLoggers, new Set([logger]))
      const throwing = (what: "span" | "end" | "event") =>
        Tracer.make({
          span: (options) => {
            if (what === "span") throw new Error("no")
            const span = new Tracer.NativeSpan(options)
            return Object.assign(span, {
              [what]: () => {
                throw new Error("no")
              }
            })
          }
        })
      assert.isUndefined(begin(yield* makeTracer(throwing("span"), context)))
      endIt(begin(yield* makeTracer(throwing("end"), context)))
      endIt(begin(yield* makeTracer(throwing("event"), context)), [["content-type", "text/event-stream"]])
      assert.deepStrictEqual(lines, [
        [["the tracer failed"], 1],
        [["the tracer failed"], 1],
        [["the tracer failed"], 1],
        [["the tracer failed"], 1]
      ])
    })
  )
})

describe("the span of an exchange", () => {
  const traced = (type: "http" | "sse" | "websocket") =>
    Effect.gen(function* () {
      const recording = new RecordingTracer()
      const trace = begin(yield* makeTracer(recording.tracer), {}, type)
      const span = recording.span("GET")
      assert.isDefined(trace)
      return { span, trace }
    })

  it.effect("ends when both its exchange and its application have, in either order", () =>
    Effect.gen(function* () {
      const one = yield* traced("http")
      one.trace.onApplicationExit(Exit.void)
      assert.isUndefined(exitOf(one.span))
      one.trace.ended("complete")
      assert.deepStrictEqual(exitOf(one.span), Exit.void)
      const other = yield* traced("http")
      other.trace.ended("complete")
      assert.isUndefined(exitOf(other.span))
      other.trace.onApplicationExit(Exit.void)
      assert.deepStrictEqual(exitOf(other.span), Exit.void)
    })
  )

  it.effect("has no status when the head that was announced was not sent", () =>
    Effect.gen(function* () {
      const { span, trace } = yield* traced("http")
      trace.started(200, [], "http")
      trace.revoked()
      trace.ended("client_closed")
      trace.onApplicationExit(Exit.void)
      assert.notProperty(attributesOf(span), "http.response.status_code")
    })
  )

  it.effect("has an event for the first bytes alone of what goes on", () =>
    Effect.gen(function* () {
      const stream = yield* traced("http")
      stream.trace.started(200, [], "sse")
      for (const length of [0, 5, 5]) stream.trace.sent(length)
      stream.trace.ended("complete")
      assert.deepStrictEqual(eventNames(stream.span), ["sse.start", "sse.send", "sse.close"])
      const session = yield* traced("websocket")
      session.trace.started(101, [], "websocket")
      session.trace.sent(5)
      session.trace.ended("read_error")
      assert.deepStrictEqual(eventNames(session.span), ["websocket.accept", "websocket.send", "websocket.close"])
      assert.deepStrictEqual(session.span.events[2]?.[2], { outcome: "read_error" })
      const response = yield* traced("http")
      response.trace.started(200, [], "http")
      response.trace.sent(5)
      response.trace.ended("complete")
      assert.deepStrictEqual(eventNames(response.span), [])
    })
  )
})
