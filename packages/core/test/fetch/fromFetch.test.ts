import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import { execFileSync } from "node:child_process"
import { pathToFileURL } from "node:url"
import { join } from "node:path"
import * as PagiApp from "../../src/PagiApp.ts"
import * as TestClient from "../../src/testing/TestClient.ts"

/** Handlers of the contract get a handler's requests as events, as programs do that put something around it. */
const around = (app: PagiApp.FetchApplication) =>
  PagiApp.make({ http: (scope, receive, send) => app(scope, receive, send) })

const ways: ReadonlyArray<readonly [string, (app: PagiApp.FetchApplication) => PagiApp.Application<unknown>]> = [
  ["natively", (app) => app],
  ["by events", around]
]

const streamOf = (...pieces: ReadonlyArray<string>) => {
  const rest = [...pieces]
  return new ReadableStream<Uint8Array>({
    pull: (controller) => {
      const piece = rest.shift()
      if (piece === undefined) controller.close()
      else controller.enqueue(new TextEncoder().encode(piece))
    }
  })
}

describe.each(ways)("fromFetch, called %s,", (_name, make) => {
  const clientOf = (handler: PagiApp.FetchFunction, options?: TestClient.Options) =>
    TestClient.make(make(PagiApp.fromFetch(handler)), options)

  it.effect("answers", () =>
    Effect.gen(function* () {
      const client = yield* clientOf(async (request, info) =>
        Response.json(
          [
            request.method,
            request.url,
            request.headers.get("x-a"),
            await request.text(),
            info.httpVersion,
            info.secure
          ],
          { status: 201 }
        )
      )
      const { status, text } = yield* client.request({
        method: "POST",
        path: "/a?b=c",
        headers: [
          ["host", "test"],
          ["x-a", "1"],
          ["content-length", "5"]
        ],
        body: "Hello"
      })
      assert.strictEqual(status, 201)
      assert.deepStrictEqual(JSON.parse(text), ["POST", "http://test/a?b=c", "1", "Hello", "1.1", false])
    })
  )

  it.effect("has the request's connection and state", () =>
    Effect.gen(function* () {
      const app = PagiApp.make({
        http: make(
          PagiApp.fromFetch(({ url }, { readiness, remoteAddress, remotePort, secure, state, tls }) =>
            Response.json([url, remoteAddress, remotePort, secure, state, tls ?? null, readiness.isReady])
          )
        ) as PagiApp.HttpHandler<unknown>,
        lifespan: Effect.fnUntraced(function* ({ state }, receive, send) {
          state["greeting"] = "Hello"
          yield* receive
          yield* send({ type: "lifespan.startup.complete" })
          yield* receive
        })
      })
      const client = yield* TestClient.make(app, { client: ["192.0.2.1", 1], server: ["192.0.2.2", 443], secure: true })
      const { text } = yield* client.request({ path: "/a" })
      assert.deepStrictEqual(JSON.parse(text), [
        "https://localhost/a",
        "192.0.2.1",
        1,
        true,
        { greeting: "Hello" },
        null,
        true
      ])
    })
  )

  it.effect("streams", () =>
    Effect.gen(function* () {
      const client = yield* clientOf(() => new Response(streamOf("a", "b", "c")))
      assert.strictEqual((yield* client.request({ path: "/" })).text, "abc")
    })
  )

  it.effect("answers HEAD without content", () =>
    Effect.gen(function* () {
      const client = yield* clientOf(() => new Response("Hello", { headers: { "x-a": "1" } }))
      const { headers, text } = yield* client.request({ method: "HEAD", path: "/" })
      assert.deepStrictEqual([text, headers.find(([name]) => name === "x-a")], ["", ["x-a", "1"]])
    })
  )

  it.effect("sends what comes before", () =>
    Effect.gen(function* () {
      const client = yield* clientOf((_request, info) => {
        info.informational(103, { link: "</a.css>" })
        return new Response("Hello")
      })
      const { informational } = yield* client.request({ path: "/" })
      assert.deepStrictEqual(informational, [{ status: 103, headers: [["link", "</a.css>"]] }])
    })
  )

  it.effect("fails with a handler that fails, and with a response that cannot be sent", () =>
    Effect.gen(function* () {
      const handlers: ReadonlyArray<PagiApp.FetchFunction> = [
        () => {
          throw new Error("on purpose")
        },
        () => Promise.reject(new Error("on purpose")),
        () => undefined as never,
        () => new Response(null, { headers: { "x-a": "a\u0001b" } })
      ]
      for (const handler of handlers) {
        const client = yield* clientOf(handler)
        const exchange = yield* client.open({ path: "/" })
        assert.strictEqual((yield* exchange.start).status, 500)
        assert.isTrue(Exit.isFailure(yield* exchange.exit))
      }
    })
  )

  it.live("is told when the client leaves, and interrupted when it does not mind", () =>
    Effect.gen(function* () {
      let signal: AbortSignal | undefined
      const client = yield* clientOf(
        (request) => {
          signal = request.signal
          return new Promise(() => {})
        },
        { disconnectGrace: "10 millis" }
      )
      const exchange = yield* client.open({ path: "/" })
      yield* Effect.yieldNow
      assert.isFalse(signal?.aborted)
      yield* exchange.disconnect()
      assert.isTrue(signal?.aborted)
      assert.isTrue(Exit.isFailure(yield* exchange.exit))
    })
  )

  it.effect("cancels the stream of a response to a client that leaves", () =>
    Effect.gen(function* () {
      let cancelled: unknown
      const client = yield* clientOf(
        () =>
          new Response(
            new ReadableStream({
              start: (controller) => controller.enqueue(new Uint8Array(1)),
              cancel: (reason) => {
                cancelled = reason
              }
            })
          )
      )
      const exchange = yield* client.open({ path: "/" })
      yield* exchange.start
      yield* exchange.disconnect()
      assert.isTrue(Exit.isSuccess(yield* exchange.exit))
      assert.instanceOf(cancelled, DOMException)
    })
  )

  it.effect("answers a request that comes before it is loaded", () =>
    Effect.gen(function* () {
      const app = make(PagiApp.fromFetch(() => new Response("Hello")))
      const client = yield* TestClient.make(app)
      const fiber = yield* Effect.forkChild(client.request({ path: "/" }), { startImmediately: true })
      assert.strictEqual((yield* Fiber.join(fiber)).text, "Hello")
    })
  )
})

describe("fromFetch", () => {
  it("handles requests only", () => {
    assert.deepStrictEqual(PagiApp.fromFetch(() => new Response()).scopeTypes, new Set(["http"]))
  })

  it("has to be given a handler", () => {
    for (const app of [undefined, null, {}, { fetch: 1 }, "a"]) {
      assert.throws(
        () => PagiApp.fromFetch(app as never),
        /^PagiApp\.fromFetch takes a function \(request\) => Response, or an object with one as its fetch; it was given/
      )
    }
  })

  it("costs a program nothing that does not use it", () => {
    const main = pathToFileURL(join(import.meta.dirname, "../../src/PagiApp.ts")).href
    const program = `
      import { registerHooks } from "node:module"
      const loaded = []
      const { Request, Response, fetch } = globalThis
      registerHooks({ load: (url, context, next) => (loaded.push(url), next(url, context)) })
      await import(${JSON.stringify(main)})
      const isUntouched = Request === globalThis.Request && Response === globalThis.Response && fetch === globalThis.fetch
      console.log(JSON.stringify({ loaded, isUntouched }))`
    const output = execFileSync(process.execPath, ["--input-type=module", "-e", program], { encoding: "utf8" })
    const { isUntouched, loaded }: { isUntouched: boolean; loaded: ReadonlyArray<string> } = JSON.parse(output)
    const own = loaded.filter((url) => url.includes("/src/fetch/")).map((url) => url.slice(url.lastIndexOf("/") + 1))
    assert.deepStrictEqual(own.toSorted(), ["FetchProblem.ts", "fromFetch.ts", "toFetch.ts"])
    assert.isTrue(isUntouched)
  })

  /** What a program of its own finds about the global `Response` once a handler has answered. */
  const isReplaced = (options: string): unknown => {
    const program = `
      import * as PagiApp from ${JSON.stringify(pathToFileURL(join(import.meta.dirname, "../../src/PagiApp.ts")).href)}
      const { Response } = globalThis
      const application = PagiApp.fromFetch(() => new globalThis.Response("Hello"), ${options})
      const { fetch } = PagiApp.toFetchHandler(PagiApp.layer(application))
      const text = await (await fetch(new Request("http://a/"))).text()
      console.log(JSON.stringify([text, globalThis.Response !== Response]))
      process.exit()`
    return JSON.parse(execFileSync(process.execPath, ["--input-type=module", "-e", program], { encoding: "utf8" }))
  }

  it("replaces the global Response unless it is told not to", () => {
    assert.deepStrictEqual(isReplaced("undefined"), ["Hello", true])
    assert.deepStrictEqual(isReplaced("{ lightResponse: true }"), ["Hello", true])
    assert.deepStrictEqual(isReplaced("{ lightResponse: false }"), ["Hello", false])
  })
})
