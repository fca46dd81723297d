import { assert, describe, it } from "@effect/vitest"
import * as PagiApp from "@pagi/core/PagiApp"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Logger from "effect/Logger"
import { Reload, ReloadProgress } from "../../src/process/ReloadState.ts"
import { ask, askHttp2, type Asked } from "../support/Ask.ts"
import { answer, serve } from "../support/Server.ts"

const fail = (): never => {
  throw new TypeError("it <failed>")
}

/** Applications that fail, each in the way of its kind. */
const failing: Readonly<Record<string, PagiApp.Application<unknown>>> = {
  "an Effect that fails": PagiApp.make({ http: () => Effect.fail(new TypeError("it <failed>")) }),
  "an Effect that dies": PagiApp.make({ http: () => Effect.sync(fail) }),
  "a function that throws": PagiApp.make({ http: fail }),
  "a fetch handler that throws": PagiApp.fromFetch(fail),
  "a fetch handler that rejects": PagiApp.fromFetch(async () => {
    await Promise.resolve()
    return fail()
  }),
  "a program of Effect's that fails": PagiApp.fromHttpEffect(Effect.fail(new TypeError("it <failed>"))),
  "a program of Effect's that dies later": PagiApp.fromHttpEffect(
    Effect.andThen(
      Effect.sleep(1),
      Effect.sync((): HttpServerResponse.HttpServerResponse => fail())
    )
  ),
  "a program of Effect's beside another handler": PagiApp.make({
    http: PagiApp.fromHttpEffect(Effect.sync((): HttpServerResponse.HttpServerResponse => fail())),
    sse: () => Effect.void
  })
}

const silent = Effect.provide(Logger.layer([]))

const development = { mode: "development", logLevel: "error" } as const

const html = { accept: "text/html" }

describe("errors in development", () => {
  for (const [kind, application] of Object.entries(failing)) {
    it.live(`are shown for ${kind}, by HTTP/1.1 and HTTP/2, in the form that is wanted`, () =>
      Effect.gen(function* () {
        const { port } = yield* serve(application, development)
        for (const way of [ask, askHttp2]) {
          const get = (headers: Asked["headers"] = {}, method = "GET") =>
            way(port, { path: "/a?secret=b", headers, method })
          const page = yield* get(html)
          assert.strictEqual(page.status, 500)
          assert.strictEqual(page.headers["content-type"], "text/html; charset=utf-8")
          assert.strictEqual(page.headers["cache-control"], "no-store")
          assert.include(page.text, "<b>TypeError:</b> it &lt;failed&gt;")
          assert.include(page.text, "GET /a failed")
          assert.notInclude(page.text, "secret")
          assert.include(page.text, "ErrorPages.test.ts")
          const json: unknown = JSON.parse((yield* get({ accept: "application/json" })).text)
          assert.nestedPropertyVal(json, "error.message", "it <failed>")
          const text = yield* get()
          assert.strictEqual(text.headers["content-type"], "text/plain; charset=utf-8")
          assert.match(text.text, /^GET \/a failed\n\nTypeError: it <failed>\n/)
          const head = yield* get(html, "HEAD")
          assert.deepStrictEqual(
            [head.status, head.text, head.headers["content-type"]],
            [500, "", "text/html; charset=utf-8"]
          )
          const posted = yield* get(html, "POST")
          assert.include(posted.text, "POST /a failed")
        }
      }).pipe(silent)
    )

    it.live(`are not shown for ${kind} in production, nor under a name of anybody's`, () =>
      Effect.gen(function* () {
        const { port } = yield* serve(application, { logLevel: "error" })
        const production = yield* ask(port, { path: "/", headers: html })
        assert.strictEqual(production.status, 500)
        const other = yield* serve(application, { ...development, trustedProxies: ["127.0.0.1"] })
        // A browser on a machine that is trusted as a proxy sends any field that a page wants.
        for (const more of [{}, { "x-forwarded-host": "localhost" }, { forwarded: "host=localhost" }]) {
          const foreign = yield* ask(other.port, { path: "/", headers: { ...html, host: "evil.example", ...more } })
          assert.deepStrictEqual([foreign.status, foreign.text], [production.status, production.text])
          assert.strictEqual(foreign.headers["content-type"], production.headers["content-type"])
        }
      }).pipe(silent)
    )
  }

  it.live("are logged as ever", () =>
    Effect.gen(function* () {
      const logs = { development: Array<string>(), production: Array<string>() }
      for (const mode of ["development", "production"] as const) {
        const logger = Logger.make(({ cause, message }) => {
          logs[mode].push(`${String(message)} ${String(cause.reasons.map(({ _tag }) => _tag))}`)
        })
        for (const application of [...Object.values(failing), PagiApp.make({ http: () => Effect.void })]) {
          yield* Effect.scoped(
            Effect.gen(function* () {
              const { port } = yield* serve(application, { mode, logLevel: "error" })
              yield* ask(port, { path: "/", headers: html })
            })
          ).pipe(Effect.provide(Logger.layer([logger])))
        }
      }
      assert.isNotEmpty(logs.production)
      assert.deepStrictEqual(logs.development, logs.production)
    })
  )

  it.live("that are hostile are logged, and answered as in production if they cannot be shown", () =>
    Effect.gen(function* () {
      const hostile = new Error("hostile")
      Object.defineProperty(hostile, "cause", {
        get: () => {
          throw new Error("no cause")
        }
      })
      const applications = {
        events: PagiApp.make({ http: () => Effect.die(hostile) }),
        fetch: PagiApp.fromFetch(() => {
          throw hostile
        })
      }
      for (const [kind, application] of Object.entries(applications)) {
        const { port } = yield* serve(application, development)
        const got = yield* ask(port, { path: "/", headers: html })
        assert.deepStrictEqual([got.status, got.text], [500, "internal server error\n"], kind)
      }
    }).pipe(silent)
  )

  it.live("are shown for an application that sends nothing, with a hint", () =>
    Effect.gen(function* () {
      const { port } = yield* serve(PagiApp.make({ http: () => Effect.void }), development)
      const page = yield* ask(port, { path: "/", headers: html })
      assert.strictEqual(page.status, 500)
      assert.include(page.text, "returned without sending a response")
    }).pipe(silent)
  )

  it.live("leave alone what has begun, and what the application answers itself", () =>
    Effect.gen(function* () {
      const empty: PagiApp.HttpHandler<unknown> = Effect.fnUntraced(function* (scope, _receive, send) {
        if (scope.path === "/begun") {
          yield* send({ type: "http.response.start", status: 200 })
          yield* send({ type: "http.response.body", body: "be", more: true })
          return yield* Effect.fail("late")
        }
        if (scope.path === "/stays") {
          yield* send({ type: "http.response.start", status: 500 })
          yield* send({ type: "http.response.body" })
          return yield* Effect.never
        }
        if (scope.path === "/pieces") {
          yield* send({ type: "http.response.start", status: 500 })
          yield* send({ type: "http.response.body", body: "pie", more: true })
          return yield* send({ type: "http.response.body", body: "ces" })
        }
        yield* send({ type: "http.response.start", status: 500, headers: [["x-own", "1"]] })
        yield* send({ type: "http.response.body" })
      })
      const applications = {
        events: PagiApp.make({ http: empty }),
        fetch: PagiApp.fromFetch(() => new Response(null, { status: 500, headers: { "x-own": "1" } })),
        Effect: PagiApp.fromHttpEffect(
          Effect.succeed(HttpServerResponse.empty({ status: 500, headers: { "x-own": "1" } }))
        )
      }
      for (const [kind, application] of Object.entries(applications)) {
        const { port } = yield* serve(application, development)
        const own = yield* ask(port, { path: "/", headers: html })
        assert.deepStrictEqual([own.status, own.text, own.headers["x-own"]], [500, "", "1"], kind)
      }
      const { port } = yield* serve(applications.events, { ...development, shutdownTimeout: 0.1 })
      const begun = yield* Effect.exit(ask(port, { path: "/begun", headers: html }))
      assert.strictEqual(begun._tag, "Failure")
      assert.strictEqual((yield* ask(port, { path: "/stays", headers: html })).status, 500)
      assert.strictEqual((yield* ask(port, { path: "/pieces", headers: html })).text, "pieces")
    }).pipe(silent)
  )

  it.live("do not keep a client's leaving from the application", () =>
    Effect.gen(function* () {
      const asked = yield* Deferred.make<void>()
      const left = yield* Deferred.make<string>()
      const application = PagiApp.fromFetch(
        ({ signal }) =>
          new Promise((resolve) => {
            Deferred.doneUnsafe(asked, Effect.void)
            signal.addEventListener("abort", () => {
              Deferred.doneUnsafe(left, Effect.succeed("left"))
              resolve(new Response())
            })
          })
      )
      const { port } = yield* serve(application, development)
      const client = yield* Effect.forkChild(ask(port, { path: "/" }))
      yield* Deferred.await(asked)
      yield* Fiber.interrupt(client)
      assert.strictEqual(yield* Deferred.await(left), "left")
    }).pipe(silent)
  )
})

describe("code that cannot be loaded", () => {
  const applications = {
    events: PagiApp.make({ http: answer("old code") }),
    fetch: PagiApp.fromFetch(() => new Response("old code"))
  }

  for (const [kind, application] of Object.entries(applications)) {
    it.live(`is shown in place of pages, and the code before answers everything else, of ${kind}`, () =>
      Effect.gen(function* () {
        const code = new ReloadProgress({ generation: 1 })
        const { port } = yield* serve(application, development).pipe(Effect.provideService(Reload, code))
        const get = (headers: Asked["headers"] = {}, method = "GET") => ask(port, { path: "/", headers, method })
        assert.strictEqual((yield* get(html)).text, "old code")
        code.change({ generation: 1, problem: { message: "unexpected <" } })
        const page = yield* get(html)
        assert.strictEqual(page.status, 500)
        assert.include(page.text, "unexpected &lt;")
        assert.include(page.text, "The application cannot be loaded")
        for (const headers of [{}, { accept: "*/*" }, { accept: "text/html", "sec-fetch-dest": "empty" }]) {
          assert.strictEqual((yield* get(headers)).text, "old code")
        }
        assert.strictEqual((yield* get(html, "POST")).text, "old code")
        assert.strictEqual((yield* get({ ...html, host: "evil.example" })).text, "old code")
        code.change({ generation: 1 })
        assert.strictEqual((yield* get(html)).text, "old code")
      })
    )
  }

  it.live("is not shown by code that was loaded after it", () =>
    Effect.gen(function* () {
      const code = new ReloadProgress({ generation: 2, problem: { message: "of the version before" } })
      const { port } = yield* serve(applications.events, development).pipe(Effect.provideService(Reload, code))
      assert.strictEqual((yield* ask(port, { path: "/", headers: html })).text, "old code")
      code.change({ generation: 2, problem: { message: "of the version before" } })
      assert.include((yield* ask(port, { path: "/", headers: html })).text, "of the version before")
    })
  )

  it.live("is nothing in production", () =>
    Effect.gen(function* () {
      const code = new ReloadProgress({ generation: 1 })
      code.change({ generation: 1, problem: { message: "secret" } })
      const { port } = yield* serve(applications.events).pipe(Effect.provideService(Reload, code))
      assert.strictEqual((yield* ask(port, { path: "/", headers: html })).text, "old code")
    })
  )
})
