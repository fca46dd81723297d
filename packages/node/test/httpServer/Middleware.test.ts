/** What surrounds the handlers of requests: middleware, handlers before the response, scopes and spans. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as HttpEffect from "effect/http/HttpEffect"
import * as HttpMiddleware from "effect/http/HttpMiddleware"
import * as HttpServerError from "effect/http/HttpServerError"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Latch from "effect/Latch"
import * as Layer from "effect/Layer"
import * as EffectScope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as Tracer from "effect/Tracer"
import { ask, type Program, serve, versions, withLog, withRequest } from "../support/HttpPrograms.ts"
import { attempt, fetch } from "../support/HttpSuiteClient.ts"
import { until } from "../support/Until.ts"

const { setHeader, stream, text } = HttpServerResponse

const hello: Program = Effect.succeed(text("hello"))

/** Sees the responses, and failures as the statuses that they are answered with. */
const noting = (statuses: Array<number>): HttpMiddleware.HttpMiddleware =>
  HttpMiddleware.make((program) =>
    Effect.onExit(program, (exit) =>
      Effect.sync(() => {
        statuses.push(HttpServerError.exitResponse(exit).status)
      })
    )
  )

describe.each(versions)("HTTP/$version over $over", (way) => {
  it.live("middleware sees what is answered, by failures as well", () =>
    Effect.gen(function* () {
      const statuses: Array<number> = []
      for (const program of [hello, Effect.fail("no"), Effect.die(text("", { status: 418 }))]) {
        yield* ask(way, program, {}, { middleware: noting(statuses) })
      }
      assert.deepStrictEqual(statuses, [200, 500, 418])
    })
  )

  it.live("middleware that answers in place of the program, or fails, is what the client gets", () =>
    Effect.gen(function* () {
      const instead = HttpMiddleware.make(() => Effect.succeed(text("instead", { status: 401 })))
      const refused = yield* ask(way, hello, {}, { middleware: instead })
      assert.deepStrictEqual([refused.status, refused.text], [401, "instead"])
      const failing = HttpMiddleware.make(() => Effect.die(new Error("no")))
      assert.strictEqual((yield* ask(way, hello, {}, { middleware: failing })).status, 500)
    })
  )

  it.live("middleware behind the response changes nothing any more", () =>
    Effect.gen(function* () {
      const late = HttpMiddleware.make((program) => Effect.as(program, text("late", { status: 500 })))
      const { status, text: content } = yield* ask(way, hello, {}, { middleware: late })
      assert.deepStrictEqual([status, content], [200, "hello"])
    })
  )

  it.live("Effect's logger says once what was asked and answered", () =>
    withLog(
      Effect.fnUntraced(function* (messages) {
        const options = { middleware: HttpMiddleware.logger }
        yield* ask(way, hello, {}, options)
        assert.strictEqual(messages.length, 1)
        assert.strictEqual(messages[0], "Sent HTTP response")
      })
    )
  )

  it.live("requests from other origins are answered by Effect's middleware", () =>
    Effect.gen(function* () {
      const middleware = HttpMiddleware.cors({ allowedOrigins: ["https://a.example"], credentials: true })
      const { client } = yield* serve(way, hello, { middleware })
      const headers = { origin: "https://a.example", "access-control-request-method": "PUT" }
      const preflight = yield* fetch(client, { method: "OPTIONS", headers })
      assert.strictEqual(preflight.status, 204)
      assert.strictEqual(preflight.headers["access-control-allow-origin"], "https://a.example")
      const answered = yield* fetch(client, { headers })
      assert.strictEqual(answered.headers["access-control-allow-credentials"], "true")
      assert.strictEqual(answered.text, "hello")
    })
  )

  it.live("handlers before the response change it, one after the other", () =>
    Effect.gen(function* () {
      const adding = (value: string) =>
        HttpEffect.appendPreResponseHandler((_, response) =>
          Effect.succeed(setHeader(response, "x-added", `${response.headers["x-added"] ?? ""}${value}`))
        )
      const program = Effect.andThen(Effect.andThen(adding("a"), adding("b")), hello)
      assert.strictEqual((yield* ask(way, program)).headers["x-added"], "ab")
      const failing = Effect.andThen(adding("a"), Effect.fail("no"))
      const failed = yield* ask(way, failing)
      assert.deepStrictEqual([failed.status, failed.headers["x-added"]], [500, "a"])
    })
  )

  it.live("a handler before the response that fails has its error answered", () =>
    Effect.gen(function* () {
      const program = Effect.andThen(
        HttpEffect.appendPreResponseHandler((request) =>
          Effect.fail(new HttpServerError.HttpServerError({ reason: new HttpServerError.RouteNotFound({ request }) }))
        ),
        hello
      )
      for (const options of [{}, { middleware: noting([]) }]) {
        const { status } = yield* ask(way, program, {}, options)
        assert.isAtLeast(status ?? 0, 400)
      }
    })
  )

  it.live("the scope of a request is closed behind its response, with how it went", () =>
    Effect.gen(function* () {
      const order: Array<string> = []
      const finalizer = (name: string) =>
        Effect.addFinalizer((exit) => Effect.sync(() => order.push(`${name} ${Exit.isSuccess(exit) ? "good" : "bad"}`)))
      const pieces = Stream.onExit(Stream.make(Buffer.from("piece")), () => Effect.sync(() => order.push("streamed")))
      for (const [program, expected] of [
        [Effect.andThen(finalizer("text"), hello), ["text good"]],
        [Effect.andThen(finalizer("stream"), Effect.succeed(stream(pieces))), ["streamed", "stream good"]],
        [Effect.andThen(finalizer("failure"), Effect.fail("no")), ["failure bad"]]
      ] as const) {
        order.length = 0
        yield* ask(way, program)
        yield* until("the scope is closed", () => order.length === expected.length)
        assert.deepStrictEqual(order, [...expected])
      }
    })
  )

  it.live("finalizers that wait do not delay the response", () =>
    Effect.gen(function* () {
      const go = Latch.makeUnsafe(false)
      let finalized = false
      const program = Effect.andThen(
        Effect.addFinalizer(() =>
          Effect.andThen(
            go.await,
            Effect.sync(() => {
              finalized = true
            })
          )
        ),
        hello
      )
      const { client } = yield* serve(way, program)
      assert.strictEqual((yield* fetch(client)).text, "hello")
      assert.isFalse(finalized)
      yield* go.open
      yield* until("the finalizer runs", () => finalized)
    })
  )

  it.live("a finalizer that fails is logged, and the client has its response", () =>
    withLog(
      Effect.fnUntraced(function* (messages) {
        const program = Effect.andThen(
          Effect.addFinalizer(() => Effect.die(new Error("the finalizer broke"))),
          hello
        )
        const { client } = yield* serve(way, program)
        assert.strictEqual((yield* fetch(client)).text, "hello")
        yield* until("it is logged", () => messages.length > 0)
        assert.match(messages[0] ?? "", /the finalizer broke/)
      })
    )
  )

  it.live("a scope that is handed to a stream is closed when the stream ends", () =>
    Effect.gen(function* () {
      const order: Array<string> = []
      const program = Effect.gen(function* () {
        yield* Effect.addFinalizer(() => Effect.sync(() => order.push("closed")))
        const pieces = Stream.tap(Stream.make(Buffer.from("a"), Buffer.from("b")), () =>
          Effect.andThen(
            Effect.sleep(5),
            Effect.sync(() => order.push("piece"))
          )
        )
        return HttpEffect.scopeTransferToStream(stream(pieces))
      })
      assert.strictEqual((yield* ask(way, program)).text, "ab")
      yield* until("the scope is closed", () => order.at(-1) === "closed")
      assert.deepStrictEqual(order, ["piece", "piece", "closed"])
    })
  )

  it.live("what runs for a request in the background ends with it", () =>
    Effect.gen(function* () {
      let interrupted = 0
      const program = Effect.andThen(
        Effect.forkScoped(
          Effect.onInterrupt(Effect.never, () => Effect.sync(() => interrupted++)),
          { startImmediately: true }
        ),
        hello
      )
      const { client } = yield* serve(way, program)
      yield* fetch(client)
      yield* fetch(client)
      yield* until("both are interrupted", () => interrupted === 2)
    })
  )

  it.live("a request has a span, below that of its client, with what was asked and answered", () =>
    Effect.gen(function* () {
      const spans: Array<Tracer.NativeSpan> = []
      const tracer = Tracer.make({
        span: (options) => {
          const span = new Tracer.NativeSpan(options)
          spans.push(span)
          return span
        }
      })
      const program = Effect.map(Effect.currentSpan, ({ spanId }) => text(spanId))
      const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
      const { text: spanId } = yield* Effect.provide(
        ask(way, program, { path: "/traced?a=1", headers: { traceparent } }),
        Layer.succeed(Tracer.Tracer, tracer)
      )
      yield* until("the span ends", () => spans.length === 1 && spans[0]?.status._tag === "Ended")
      const [span] = spans
      assert.strictEqual(span?.spanId, spanId)
      assert.strictEqual(span?.traceId, "0af7651916cd43dd8448eb211c80319c")
      assert.strictEqual(span?.kind, "server")
      assert.strictEqual(span?.attributes.get("http.request.method"), "GET")
      assert.strictEqual(span?.attributes.get("url.path"), "/traced")
      assert.strictEqual(span?.attributes.get("http.response.status_code"), 200)
    })
  )

  it.live("what a program forks into its own scope outlives the request", () =>
    Effect.gen(function* () {
      let runs = 0
      const scope = yield* Effect.scope
      const program = withRequest(() =>
        Effect.as(
          Effect.forkIn(
            Effect.andThen(
              Effect.sleep(20),
              Effect.sync(() => runs++)
            ),
            scope
          ),
          text("forked")
        )
      )
      assert.strictEqual((yield* ask(way, program)).text, "forked")
      yield* until("it has run", () => runs === 1)
    })
  )
})

it.live("a scope can be closed by the program itself", () =>
  Effect.gen(function* () {
    const closed: Array<string> = []
    const program = Effect.gen(function* () {
      const scope = yield* Effect.scope
      HttpEffect.scopeDisableClose(scope)
      yield* EffectScope.addFinalizer(
        scope,
        Effect.sync(() => closed.push("closed"))
      )
      return text("open")
    })
    const { client } = yield* serve({ version: "1.1", over: "TCP" }, program)
    assert.strictEqual((yield* attempt(client)).text, "open")
    assert.strictEqual((yield* attempt(client)).text, "open")
    assert.deepStrictEqual(closed, [])
  })
)
