/** From when and until when programs are served, and the layers that serve them. */
import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as FileSystem from "effect/FileSystem"
import * as Fiber from "effect/Fiber"
import * as Etag from "effect/http/Etag"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpPlatform from "effect/http/HttpPlatform"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServer from "effect/http/HttpServer"
import { ServeError } from "effect/http/HttpServerError"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Latch from "effect/Latch"
import * as Layer from "effect/Layer"
import * as Path from "effect/Path"
import * as EffectScope from "effect/Scope"
import { createServer } from "node:net"
import { stopwatch } from "../../../../test/support/Stopwatch.ts"
import * as PagiHttpServer from "../../src/PagiHttpServer.ts"
import { clientFor, listen, Requests, serve, serveOn, versions } from "../support/HttpPrograms.ts"
import { attempt, fetch } from "../support/HttpSuiteClient.ts"
import { takesLess } from "../support/Pace.ts"
import { turns, until } from "../support/Until.ts"

const { text } = HttpServerResponse

const says = (word: string) => Effect.succeed(text(word))

/** Runs until the scope that it gives is closed by the test. */
const scoped = Effect.acquireRelease(EffectScope.make(), (scope) => EffectScope.close(scope, Exit.void))

describe.each(versions)("HTTP/$version over $over", (way) => {
  it.live("a request that comes before anything is served waits for that", () =>
    Effect.gen(function* () {
      const listening = yield* listen(way)
      const client = yield* clientFor(way.version, listening.target)
      const early = [client.begin({ path: "/a" }), client.begin({ path: "/b", method: "POST", content: "content" })]
      yield* turns(100)
      assert.deepStrictEqual(
        early.map(({ status }) => status),
        [undefined, undefined]
      )
      yield* serveOn(listening, says("late"))
      for (const exchange of early) {
        yield* exchange.ended
        assert.strictEqual(exchange.text, "late")
      }
    })
  )

  it.live("what never is served is answered with 503 when the server ends", () =>
    Effect.gen(function* () {
      const requests = new Requests()
      const listening = yield* requests.observe(listen(way, { shutdownTimeout: "1 hour" }))
      const client = yield* clientFor(way.version, listening.target)
      const exchange = client.begin({})
      yield* until("the request has come", () => requests.begun === 1)
      yield* listening.close
      yield* exchange.ended
      assert.strictEqual(exchange.status, 503)
    })
  )

  it.live("what is served last answers; when it ends, the one before it does", () =>
    Effect.gen(function* () {
      const listening = yield* listen(way)
      const client = yield* clientFor(way.version, listening.target)
      yield* serveOn(listening, says("first"))
      const scope = yield* scoped
      yield* EffectScope.provide(serveOn(listening, says("second")), scope)
      assert.strictEqual((yield* fetch(client)).text, "second")
      yield* EffectScope.close(scope, Exit.void)
      assert.strictEqual((yield* fetch(client)).text, "first")
    })
  )

  it.live("what ends while another is served has its own requests interrupted, and no others", () =>
    Effect.gen(function* () {
      const listening = yield* listen(way)
      const client = yield* clientFor(way.version, listening.target)
      const go = Latch.makeUnsafe(false)
      let begun = 0
      const waiting = (word: string) =>
        Effect.suspend(() => {
          begun++
          return Effect.interruptible(Effect.as(go.await, text(word)))
        })
      yield* serveOn(listening, waiting("first"))
      const first = client.begin({})
      yield* until("the first begins", () => begun === 1)
      const scope = yield* scoped
      yield* EffectScope.provide(serveOn(listening, waiting("second")), scope)
      const second = client.begin({})
      yield* until("the second begins", () => begun === 2)
      yield* EffectScope.close(scope, Exit.void)
      yield* second.ended
      assert.strictEqual(second.status, 503)
      yield* go.open
      yield* first.ended
      assert.strictEqual(first.text, "first")
    })
  )

  it.live("when nothing is served any more, requests that have begun are finished, and the server stops", () =>
    Effect.gen(function* () {
      const listening = yield* listen(way)
      const client = yield* clientFor(way.version, listening.target)
      const go = Latch.makeUnsafe(false)
      let begun = 0
      const scope = yield* scoped
      const program = Effect.suspend(() => {
        begun++
        return Effect.as(go.await, text("finished"))
      })
      yield* EffectScope.provide(serveOn(listening, program), scope)
      const exchange = client.begin({})
      yield* until("the request begins", () => begun === 1)
      const closing = yield* Effect.forkScoped(EffectScope.close(scope, Exit.void), { startImmediately: true })
      yield* turns(50)
      assert.isUndefined(closing.pollUnsafe())
      yield* go.open
      yield* exchange.ended
      assert.strictEqual(exchange.text, "finished")
      yield* Fiber.join(closing)
      const refused = yield* Effect.flatMap(clientFor(way.version, listening.target), (other) => attempt(other))
      assert.deepStrictEqual([refused.outcome, refused.status], ["failed", undefined])
    })
  )

  it.live("a request that takes longer than `shutdownTimeout` is interrupted", () =>
    Effect.gen(function* () {
      let begun = 0
      let ends = 0
      const program = Effect.suspend(() => {
        begun++
        return Effect.onExit(Effect.interruptible(Effect.never), () => Effect.sync(() => ends++))
      })
      const { client, close } = yield* serve(way, program, { server: { shutdownTimeout: "100 millis" } })
      const exchange = client.begin({})
      yield* until("the request begins", () => begun === 1)
      yield* takesLess(5000, close)
      assert.strictEqual(ends, 1)
      yield* exchange.ended
    })
  )

  it.live("a request that waited for what serves is interrupted by `shutdownTimeout` as well", () =>
    Effect.gen(function* () {
      const listening = yield* listen(way, { shutdownTimeout: "100 millis" })
      const client = yield* clientFor(way.version, listening.target)
      const exchange = client.begin({})
      yield* turns(100)
      let begun = 0
      let ends = 0
      const scope = yield* scoped
      const program = Effect.suspend(() => {
        begun++
        return Effect.onExit(Effect.interruptible(Effect.never), () => Effect.sync(() => ends++))
      })
      yield* EffectScope.provide(serveOn(listening, program), scope)
      yield* until("the request begins", () => begun === 1)
      yield* EffectScope.close(scope, Exit.void)
      assert.strictEqual(ends, 1)
      yield* exchange.ended
    })
  )
})

describe("the layers", () => {
  it.live("provide what programs need, on the address that is asked for", () =>
    Effect.gen(function* () {
      const context = yield* Layer.build(PagiHttpServer.layer({ host: "127.0.0.1", port: 0 }))
      const { address } = Context.get(context, HttpServer.HttpServer)
      assert.match(HttpServer.formatAddress(address), /^http:\/\/127\.0\.0\.1:\d+$/)
      assert.strictEqual(Context.get(context, HttpPlatform.HttpPlatform).platform, "node")
      for (const service of [FileSystem.FileSystem, Path.Path, Etag.Generator]) {
        assert.isDefined(Context.getOrUndefined(context, service as never))
      }
    })
  )

  it.live("fail with what is wrong", () =>
    Effect.gen(function* () {
      const taken = yield* Effect.acquireRelease(
        Effect.callback<number>((resume) => {
          const server = createServer().listen(0, "127.0.0.1", () => {
            const address = server.address()
            resume(Effect.succeed(typeof address === "object" ? (address?.port ?? 0) : 0))
          })
        }),
        () => Effect.void
      )
      for (const [options, problem] of [
        [{ host: "127.0.0.1", port: taken }, /EADDRINUSE|in use/],
        [{ port: -1 }, /option port: -1 is not allowed/]
      ] as const) {
        const error = yield* Effect.flip(Layer.build(PagiHttpServer.layer(options)))
        assert.instanceOf(error, ServeError)
        assert.match(String(error.cause), problem)
      }
    })
  )

  it.live("read the variables of the command", () =>
    Effect.gen(function* () {
      const provider = ConfigProvider.fromEnv({ env: { PAGI_HOST: "127.0.0.1", PAGI_PORT: "0", PAGI_QUIET: "true" } })
      const build = Effect.provide(Layer.build(PagiHttpServer.layerConfig), ConfigProvider.layer(provider))
      const { address } = Context.get(yield* build, HttpServer.HttpServer)
      assert.match(HttpServer.formatAddress(address), /^http:\/\/127\.0\.0\.1:\d+$/)
      const wrong = ConfigProvider.fromEnv({ env: { PAGI_PORT: "many" } })
      const error = yield* Effect.flip(
        Effect.provide(Layer.build(PagiHttpServer.layerConfig), ConfigProvider.layer(wrong))
      )
      assert.match(String(error), /PAGI_PORT/)
    })
  )

  it.live("two of them are two servers", () =>
    Effect.gen(function* () {
      const ports = yield* Effect.forEach([1, 2], () =>
        Effect.map(Layer.build(Layer.fresh(PagiHttpServer.layer({ host: "127.0.0.1", port: 0 }))), (context) =>
          HttpServer.formatAddress(Context.get(context, HttpServer.HttpServer).address)
        )
      )
      assert.strictEqual(new Set(ports).size, 2)
    })
  )
})

describe("layerTest", () => {
  const routes = HttpRouter.addAll([
    HttpRouter.route("GET", "/hello", says("hello")),
    HttpRouter.route(
      "GET",
      "/clock",
      Effect.map(Clock.currentTimeMillis, (now) => text(String(now)))
    )
  ])

  it.effect("has a client for the server, and the program has the clock of the test", () =>
    Effect.gen(function* () {
      yield* Layer.build(HttpRouter.serve(routes, { disableLogger: true, disableListenLog: true }))
      const hello = yield* HttpClient.get("/hello")
      assert.strictEqual(yield* hello.text, "hello")
      const now = yield* HttpClient.get("/clock")
      assert.strictEqual(yield* now.text, "0")
    }).pipe(Effect.provide(PagiHttpServer.layerTest))
  )

  it.live("closes at once, also with connections that are kept", () =>
    Effect.gen(function* () {
      const run = Effect.gen(function* () {
        yield* Layer.build(HttpRouter.serve(routes, { disableLogger: true, disableListenLog: true }))
        yield* (yield* HttpClient.get("/hello")).text
        return stopwatch()
      })
      const elapsed = yield* Effect.provide(Effect.scoped(run), Layer.fresh(PagiHttpServer.layerTest))
      // As long as those of other servers have for a request that is under way.
      assert.isBelow(elapsed(), 300)
    })
  )
})
