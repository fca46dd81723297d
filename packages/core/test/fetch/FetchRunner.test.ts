import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Logger from "effect/Logger"
import { refused } from "../../src/contract/SendError.ts"
import { FetchRunner } from "../../src/fetch/FetchRunner.ts"
import { FakeRequest } from "../support/FakeRequest.ts"
import {
  Light,
  run,
  exitAtOnce,
  failureOf,
  failure,
  short,
  answerOf,
  encode,
  feed,
  turn,
  textType
} from "../support/FetchRuns.ts"

describe("FetchRunner", () => {
  describe("answers at once", () => {
    it("with a light response", () => {
      const { fiber, source } = run(() => new Light("Hello"))
      assert.deepStrictEqual(exitAtOnce(fiber), Exit.void)
      assert.deepStrictEqual(source.sent.map(short), [`200 ${textType}`, "Hello"])
      assert.strictEqual(source.watchers, 0)
    })

    it("with a response without content", () => {
      const { fiber, source } = run(() => new Response(null, { status: 404, headers: { "x-a": "1" } }))
      assert.deepStrictEqual(exitAtOnce(fiber), Exit.void)
      assert.deepStrictEqual(source.sent.map(short), ["404 x-a: 1", ""])
    })

    it("with what it cannot send", () => {
      const source = new FakeRequest()
      source.problem = "a header is bad"
      for (const answer of [() => new Light("a"), () => new Response(null)]) {
        const text = failureOf(exitAtOnce(run(answer, source).fiber))
        assert.include(text, "the Response from the fetch handler cannot be sent: a header is bad")
      }
    })

    it("when it throws", () => {
      const thrown = new Error("oops")
      const exit = exitAtOnce(
        run(() => {
          throw thrown
        }).fiber
      )
      assert.deepStrictEqual(exit, Exit.die(thrown))
    })
  })

  it.effect("sends the content of the runtime's responses whole, when it is all there", () =>
    Effect.gen(function* () {
      const whole = [`200 ${textType}`, "Hello"]
      assert.deepStrictEqual(yield* answerOf(() => new Response("Hello")), whole)
      assert.deepStrictEqual(yield* answerOf(async () => new Response("Hello")), whole)
      assert.deepStrictEqual(yield* answerOf(() => Response.json([1])), ["200 content-type: application/json", "[1]"])
      assert.deepStrictEqual(yield* answerOf(() => new Response(new Uint8Array([97]))), ["200", "a"])
      assert.deepStrictEqual(yield* answerOf(() => new Response("")), [`200 ${textType}`, ""])
      assert.deepStrictEqual(yield* answerOf(async () => new Light("Hello")), whole)
      assert.deepStrictEqual(yield* answerOf(() => new Light(new Response("Hello").body)), ["200", "Hello"])
    })
  )

  it.effect("sends pieces as they come", () =>
    Effect.gen(function* () {
      const { close, push, response } = feed()
      const { fiber, source } = run(response)
      const sent = () => source.sent.map(short)
      yield* turn
      // The head need not wait for content.
      assert.deepStrictEqual(sent(), ["200"])
      for (const piece of ["a", encode("b"), encode("c").buffer, new DataView(encode("d").buffer)]) {
        push(piece)
        yield* turn
      }
      assert.deepStrictEqual(sent(), ["200", "a …", "b …", "c …", "d …"])
      assert.isUndefined(fiber.pollUnsafe())
      close()
      yield* turn
      assert.deepStrictEqual(sent().at(-1), "")
      assert.deepStrictEqual(exitAtOnce(fiber), Exit.void)
    })
  )

  it.effect("does not read ahead of a length that is known", () =>
    Effect.gen(function* () {
      const headers = { "content-length": "5" }
      const sent = yield* answerOf(() => new Response("Hello", { headers }))
      assert.deepStrictEqual(sent, [`200 content-length: 5 ${textType}`, "Hello …", ""])
    })
  )

  it.effect("reads no further while the client is behind", () =>
    Effect.gen(function* () {
      const { push, response, state } = feed()
      const source = new FakeRequest()
      const drained = yield* Deferred.make<void>()
      source.drained = Deferred.await(drained)
      const { fiber } = run(response, source)
      yield* turn
      push(encode("a"))
      yield* turn
      const pulls = state.pulls
      push(encode("b"))
      push(encode("c"))
      yield* turn
      assert.deepStrictEqual([source.sent.map(short), state.pulls], [["200"], pulls])
      yield* Deferred.succeed(drained, undefined)
      yield* turn
      assert.deepStrictEqual(source.sent.map(short), ["200", "a …", "b …", "c …"])
      yield* Fiber.interrupt(fiber)
    })
  )

  describe("fails, and says why", () => {
    it.effect.each([
      [undefined, "returned undefined, not a Response; return the Response, also behind every branch and await"],
      [null, "returned null, not a Response"],
      ["Hello", "returned a string, not a Response; wrap it, as in new Response(text)"],
      [42, "returned a number"],
      [{ a: 1 }, "returned an object"],
      [new Map(), "returned an object of the class Map"],
      [Effect.void, "returned an Effect, not a Response; run it"],
      [() => new Response("a"), "returned a function"]
    ] as ReadonlyArray<[unknown, string]>)("for %s", ([value, expected]) =>
      Effect.gen(function* () {
        for (const handle of [() => value, async () => value]) assert.include(yield* failure(handle), expected)
      })
    )

    it.effect("for Response.error()", () =>
      Effect.map(
        failure(() => Response.error()),
        (text) => assert.include(text, "returned Response.error(), which has no status")
      )
    )

    it.effect("for content that was read, or is being read", () =>
      Effect.gen(function* () {
        const used = async (Class: typeof Response) => {
          const response = new Class("a")
          await response.text()
          return response
        }
        const locked = (Class: typeof Response) => () => {
          const response = new Class("a")
          response.body?.getReader()
          return response
        }
        for (const Class of [Response, Light]) {
          assert.include(
            yield* failure(() => used(Class)),
            "the body of the Response from the fetch handler was read already"
          )
          assert.include(yield* failure(locked(Class)), "was read already, or is being read")
        }
      })
    )

    it.effect("for a rejection", () =>
      Effect.gen(function* () {
        const error = new Error("oops")
        const { fiber } = run(() => Promise.reject(error))
        assert.deepStrictEqual(yield* Fiber.await(fiber), Exit.die(error))
        assert.include(yield* failure(() => Promise.reject(undefined)), "threw undefined, which is no Error")
      })
    )

    it.effect("for a response that cannot be looked at", () =>
      Effect.gen(function* () {
        const broken = Object.defineProperty(new Response("a"), "status", {
          get: () => {
            throw new Error("no status")
          }
        })
        assert.include(yield* failure(async () => broken), "no status")
      })
    )

    it.effect("for content that is none", () =>
      Effect.gen(function* () {
        for (const pieces of [[1], [encode("a"), {}], [encode("a"), encode("b"), null]]) {
          const { push, response, state } = feed()
          for (const piece of pieces) push(piece)
          const text = yield* failure(response)
          assert.match(text, /the body of the Response gave (a number|an object|null), where a piece of content is/)
          assert.instanceOf(state.cancelled, DOMException)
        }
      })
    )

    it.effect("for a stream that breaks, at the beginning and later", () =>
      Effect.gen(function* () {
        const broken = new Error("broken")
        for (const pieces of [[], [encode("a")], [encode("a"), encode("b")]]) {
          const { error, push, response } = feed()
          const { fiber, source } = run(response)
          for (const piece of pieces) {
            push(piece)
            yield* turn
          }
          error(broken)
          assert.deepStrictEqual(yield* Fiber.await(fiber), Exit.die(broken))
          assert.notInclude(source.sent.map(short), "")
        }
        const { error, response } = feed()
        error(broken)
        const { fiber, source } = run(response)
        assert.deepStrictEqual(yield* Fiber.await(fiber), Exit.die(broken))
        assert.deepStrictEqual(source.sent, [])
      })
    )

    it.effect("when the protocol cannot carry it", () =>
      Effect.gen(function* () {
        const { push, response, state } = feed()
        const source = new FakeRequest()
        source.drained = Effect.fail(refused("http.response.body", "too long"))
        const fiber = yield* Effect.forkChild(failure(response, source), { startImmediately: true })
        push(encode("a"))
        assert.include(yield* Fiber.join(fiber), "too long")
        assert.instanceOf(state.cancelled, DOMException)
      })
    )
  })

  describe("when the client leaves", () => {
    it.effect("cancels the stream of the response, and ends", () =>
      Effect.gen(function* () {
        const { push, response, state } = feed()
        const { fiber, source } = run(response)
        push(encode("a"))
        yield* turn
        source.leave()
        assert.deepStrictEqual(exitAtOnce(fiber), Exit.void)
        assert.strictEqual(String(state.cancelled), "AbortError: Nobody reads the response any more.")
        assert.deepStrictEqual(source.sent.map(short), ["200", "a …"])
      })
    )

    it.effect("lets the handler end, and cancels the stream that it answers with", () =>
      Effect.gen(function* () {
        for (const interrupts of [false, true]) {
          const { response, state } = feed()
          let answer: (response: Response) => void = () => {}
          const { fiber, source } = run(() => new Promise((resolve) => void (answer = resolve)))
          source.leave()
          assert.isUndefined(fiber.pollUnsafe())
          if (interrupts) yield* Fiber.interrupt(fiber)
          answer(response())
          yield* turn
          assert.isDefined(fiber.pollUnsafe())
          assert.instanceOf(state.cancelled, DOMException)
          assert.deepStrictEqual(source.sent, [])
        }
      })
    )

    it.effect("does not mind what a handler says afterwards", () =>
      Effect.gen(function* () {
        for (const late of [() => new Light("a"), () => Promise.reject(new Error("late"))]) {
          let answer: (response: unknown) => void = () => {}
          const { fiber, source } = run(() => new Promise((resolve) => void (answer = resolve)))
          yield* Fiber.interrupt(fiber)
          answer(late())
          yield* turn
          assert.deepStrictEqual(source.sent, [])
        }
      })
    )
  })

  it.effect("aborts the signal when the server waits no longer", () =>
    Effect.gen(function* () {
      let signal: AbortSignal | undefined
      const { fiber } = run((request) => {
        signal = request.signal
        return new Promise(() => {})
      })
      assert.isFalse(signal?.aborted)
      yield* Fiber.interrupt(fiber)
      assert.isTrue(signal?.aborted)
    })
  )

  it.effect("cancels the stream of the response when the server waits no longer", () =>
    Effect.gen(function* () {
      const { response, state } = feed()
      const { fiber } = run(response)
      yield* turn
      yield* Fiber.interrupt(fiber)
      assert.instanceOf(state.cancelled, DOMException)
    })
  )

  // Node rejects a promise of its own when its stream of a form is cancelled, which fails the test, and ends a server.
  it.effect.each(["GET", "HEAD"])("leaves a form alone whose end nobody reads, to %s", (method) =>
    Effect.gen(function* () {
      const form = new FormData()
      form.set("file", new File([new Uint8Array(1_000_000)], "file"))
      for (const Class of [Response, Light]) {
        const source = new FakeRequest([], { method })
        source.drained = Effect.never
        const { fiber } = run(() => new Class(form), source)
        for (let turns = 0; source.sent.length === 0; turns++) yield* turns < 100 ? turn : Effect.die("never answered")
        yield* Fiber.interrupt(fiber)
        for (let turns = 0; turns < 5; turns++) yield* turn
      }
    })
  )

  describe("responses without content", () => {
    const head = () => new FakeRequest([], { method: "HEAD" })

    it.effect("have none for HEAD, but the length where it is known", () =>
      Effect.gen(function* () {
        assert.deepStrictEqual(yield* answerOf(() => new Light("Hello"), head()), [`200 ${textType}`, "Hello"])
        assert.deepStrictEqual(yield* answerOf(() => new Response("Hello"), head()), [`200 ${textType}`, ""])
        assert.deepStrictEqual(yield* answerOf(() => new Response(null), head()), ["200", ""])
        const { response, state } = feed()
        assert.deepStrictEqual(yield* answerOf(response, head()), ["200", ""])
        assert.instanceOf(state.cancelled, DOMException)
      })
    )
  })
  it("refuses WebSockets, and says once what to do", () => {
    const messages: Array<string> = []
    const logger = Logger.make(({ logLevel, message }) => {
      messages.push(`${logLevel} ${String(message)}`)
    })
    const context = Context.make(Logger.CurrentLoggers, new Set([logger]))
    const server = new FetchRunner(() => assert.fail("the handler was called"))
    for (const upgrade of ["websocket", "WebSocket"]) {
      const source = new FakeRequest([], { method: "GET", target: "/chat?a", headers: [["upgrade", upgrade]] })
      assert.deepStrictEqual(exitAtOnce(server.native(source, context)), Exit.void)
      assert.deepStrictEqual(source.sent.map(short), [
        "501 content-type: text/plain; charset=utf-8",
        "There are no WebSockets here.\n"
      ])
    }
    assert.deepStrictEqual(messages, [
      "Warn a WebSocket was asked for at /chat?a, which a fetch handler cannot open; put a handler of the contract beside it: PagiApp.make({ http: PagiApp.fromFetch(app), websocket })"
    ])
  })

  it("lets other upgrades pass, which a server may ignore", () => {
    const source = new FakeRequest([], {
      method: "GET",
      headers: [
        ["host", "test"],
        ["upgrade", "h2c"]
      ]
    })
    run(() => new Light("a"), source)
    assert.deepStrictEqual(source.sent.map(short), [`200 ${textType}`, "a"])
  })

  it("refuses a request that has no URL", () => {
    const source = new FakeRequest([], { headers: [["host", "a%00b"]] })
    run(() => assert.fail("the handler was called"), source)
    assert.deepStrictEqual(source.sent.map(short), [
      "400 content-type: text/plain; charset=utf-8",
      "The request's host and target make no URL.\n"
    ])
  })
})
