import { assert, describe, it } from "@effect/vitest"
import * as PagiApp from "@pagi/core/PagiApp"
import * as Effect from "effect/Effect"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Layer from "effect/Layer"
import * as Exported from "../../src/application/Exported.ts"
import { answer } from "../fixtures/answer.ts"

const tagOf = (value: unknown): string => Exported.of(value, "it")._tag

const problemOf = (value: unknown): string => {
  const exported = Exported.of(value, "it")
  return exported._tag === "Unusable" ? exported.reason.message : assert.fail(exported._tag)
}

describe("Exported", () => {
  it("takes for an application what PagiApp has made, and functions of three parameters", () => {
    const fetchFunction = () => new Response("text")
    for (const value of [
      PagiApp.make({ http: answer("text") }),
      PagiApp.fromFetch(fetchFunction),
      PagiApp.fromHttpEffect(Effect.succeed(HttpServerResponse.empty())),
      (scope: unknown, receive: unknown, send: unknown) => [scope, receive, send],
      Effect.fnUntraced(function* (scope: unknown, receive: unknown, send: unknown) {
        return yield* Effect.succeed([scope, receive, send])
      }),
      // They are told what they are when they are called.
      (req: unknown, res: unknown) => [req, res],
      function* (scope: unknown) {
        yield scope
      }
    ]) {
      assert.strictEqual(tagOf(value), "Application", String(value))
    }
  })

  it("takes for a fetch handler functions of one or two parameters, and what has one as its fetch", () => {
    const fetchFunction = (request: Request) => new Response(request.url)
    for (const value of [
      fetchFunction,
      (request: Request, info: unknown) => new Response(String([request, info])),
      async (request: Request, info = {}) => new Response(String([request, info])),
      { fetch: fetchFunction },
      Object.assign(() => {}, { fetch: fetchFunction })
    ]) {
      assert.strictEqual(tagOf(value), "Fetch", String(value))
    }
  })

  it("names what is not used of an object that was written for fetch, and nothing of a framework's", () => {
    class Framework {
      readonly routes = []
      readonly fetch = (request: Request) => new Response(request.url)
    }
    const unusedOf = (value: unknown) => {
      const exported = Exported.of(value, "it")
      return exported._tag === "Fetch" ? exported.unused : assert.fail(exported._tag)
    }
    assert.deepStrictEqual(unusedOf({ port: 1, fetch: () => {}, websocket: {} }), ["port", "websocket"])
    assert.deepStrictEqual(unusedOf(new Framework()), [])
  })

  it("knows Layers and Effects", () => {
    assert.strictEqual(tagOf(Layer.empty), "Layer")
    assert.strictEqual(tagOf(Effect.void), "Effect")
  })

  it("does not guess, and says what to do", () => {
    assert.include(
      problemOf(() => {}),
      "say which by PagiApp.fromFetch(handler)"
    )
    assert.include(
      problemOf((...args: ReadonlyArray<unknown>) => args),
      "say which by PagiApp.fromFetch(handler)"
    )
    assert.match(problemOf(class {}), /^it is a class; expected an application/)
    assert.match(problemOf(new Response("text")), /^it is a Response; export what makes one for each request/)
    assert.match(problemOf({ fetch: "text" }), /^it is an object with fetch; expected/)
  })
})
