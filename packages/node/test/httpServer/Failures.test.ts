/** Programs that fail, and responses that cannot be sent. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as ErrorReporter from "effect/ErrorReporter"
import * as HttpApiError from "effect/http-api/HttpApiError"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServerError from "effect/http/HttpServerError"
import * as HttpServerRespondable from "effect/http/HttpServerRespondable"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { Readable } from "node:stream"
import { ask, type Program, serve, versions, withLog, withRequest } from "../support/HttpPrograms.ts"
import { attempt, fetch } from "../support/HttpSuiteClient.ts"
import { until } from "../support/Until.ts"

const { empty, raw, stream, text } = HttpServerResponse

class Broken extends Schema.TaggedError<Broken>()("Broken", { what: Schema.String }) {
  [HttpServerRespondable.symbol]() {
    return HttpServerResponse.schemaJson(Broken)(this, { status: 599 })
  }
}

const failures: ReadonlyArray<readonly [what: string, program: Program, status: number, text: string]> = [
  ["an error", Effect.fail("no"), 500, ""],
  ["a defect", Effect.die(new Error("no")), 500, ""],
  ["an interruption", Effect.interrupt, 503, ""],
  ["a response as a defect", Effect.die(text("died", { status: 418 })), 418, "died"],
  ["an error that has a response", Effect.fail(new Broken({ what: "it" })), 599, `{"_tag":"Broken","what":"it"}`],
  ["an error of an HttpApi", Effect.fail(new HttpApiError.Forbidden()), 403, ""],
  [
    "a route that is not there",
    withRequest((request) =>
      Effect.fail(new HttpServerError.HttpServerError({ reason: new HttpServerError.RouteNotFound({ request }) }))
    ),
    404,
    ""
  ]
]

describe.each(versions)("HTTP/$version over $over", (way) => {
  for (const [what, program, status, text] of failures) {
    it.live(`${what} is a ${status}, the next request is served, and the server logs what is its own fault`, () =>
      withLog(
        Effect.fnUntraced(function* (messages) {
          const { client } = yield* serve(way, program)
          for (const delayed of [1, 2]) {
            const exchange = yield* fetch(client)
            assert.deepStrictEqual([exchange.status, exchange.text], [status, text], String(delayed))
          }
          const late = yield* ask(way, Effect.andThen(Effect.sleep(1), program))
          assert.deepStrictEqual([late.status, late.text], [status, text])
          // What was interrupted has not failed.
          const lines = status < 500 || status === 503 ? 0 : 3
          yield* until("it is logged", () => messages.length === lines)
        })
      )
    )
  }

  it.live("what fails is reported as on every server of Effect's", () =>
    Effect.gen(function* () {
      const reported: Array<unknown> = []
      const reporter = ErrorReporter.make(({ error }) => {
        reported.push(error)
      })
      const program = Effect.fail(new Broken({ what: "reported" }))
      yield* Effect.provide(ask(way, program), ErrorReporter.layer([reporter]))
      assert.deepStrictEqual(reported, [new Broken({ what: "reported" })])
    })
  )

  it.live("a stream that fails cuts off its response, and that is logged", () =>
    withLog(
      Effect.fnUntraced(function* (messages) {
        const failing = Stream.concat(Stream.make(Buffer.from("begun")), Stream.fail("broken"))
        const paced = Stream.tap(failing, () => Effect.sleep(5))
        for (const make of [
          () => stream(paced),
          () => stream(paced, { contentLength: 10 }),
          () =>
            raw(
              Readable.from(
                (async function* () {
                  yield Buffer.from("begun")
                  await new Promise((resolve) => setTimeout(resolve, 5))
                  throw new Error("broken")
                })()
              )
            ),
          () =>
            raw(
              new ReadableStream({
                async pull(controller) {
                  controller.enqueue(Buffer.from("begun"))
                  await new Promise((resolve) => setTimeout(resolve, 5))
                  controller.error(new Error("broken"))
                }
              })
            )
        ]) {
          const before = messages.length
          const { client } = yield* serve(way, Effect.sync(make))
          const exchange = yield* attempt(client)
          assert.deepStrictEqual([exchange.status, exchange.outcome], [200, "failed"])
          yield* until("it is logged", () => messages.length > before)
          assert.match(messages.at(-1) ?? "", /the application failed.*broken/s)
          // The response that was begun says nothing of what is wrong.
          assert.notInclude(messages.at(-1) ?? "", "HttpServerResponse")
        }
      })
    )
  )

  it.live("a stream that fails before anything of it was sent is a 500", () =>
    withLog(
      Effect.fnUntraced(function* (messages) {
        const { status } = yield* ask(way, Effect.succeed(stream(Stream.fail("broken"))))
        assert.strictEqual(status, 500)
        yield* until("it is logged", () => messages.length === 1)
        assert.match(messages[0] ?? "", /broken/)
      })
    )
  )

  it.live("a response that cannot be sent is a 500, what it had is closed, and the log says why", () =>
    withLog(
      Effect.fnUntraced(function* (messages) {
        let closed = 0
        let runs = 0
        const readable = () => {
          const made = new Readable({ read: () => {} })
          made.on("close", () => closed++)
          return made
        }
        const web = () => new ReadableStream({ cancel: () => void closed++ })
        const streamed = Stream.sync(() => Buffer.from(`${++runs}`))
        const bad = { "x-bad": "a\r\nb" }
        for (const [make, problem] of [
          [() => text("x", { headers: bad }), /"x-bad".*forbidden character/s],
          [() => text("x", { headers: { "x-bad": "✓" } }), /"x-bad".*forbidden character/s],
          [() => text("x", { headers: { "x bad": "1" } }), /"x bad" is not a token/],
          [() => stream(streamed, { headers: bad }), /"x-bad".*forbidden character/s],
          [() => raw(readable(), { headers: bad }), /"x-bad".*forbidden character/s],
          [() => raw(web(), { headers: bad }), /"x-bad".*forbidden character/s],
          [() => raw(new Response(web()), { headers: bad }), /"x-bad".*forbidden character/s],
          [() => empty({ headers: bad }), /"x-bad".*forbidden character/s],
          ...[99, 100, 101, 103, 199, 600, 1000, 200.5].map(
            (status) =>
              [() => text("x", { status }), new RegExp(`${status} is not the status of a final response`)] as const
          )
        ] as const) {
          const before = messages.length
          const { client } = yield* serve(way, Effect.sync(make))
          for (const _ of [1, 2]) assert.deepStrictEqual((yield* fetch(client)).status, 500)
          yield* until("it is logged", () => messages.length === before + 2)
          assert.match(messages.at(-1) ?? "", problem)
        }
        yield* until("what was raw is closed", () => closed === 6)
        assert.strictEqual(runs, 0)
      })
    )
  )

  it.live("a router answers what it has no route for with 404, and its routes' failures with theirs", () =>
    withLog(
      Effect.fnUntraced(function* (messages) {
        const program = Effect.flatten(
          HttpRouter.toHttpEffect(
            HttpRouter.addAll([
              HttpRouter.route("GET", "/good", Effect.succeed(text("good"))),
              HttpRouter.route("GET", "/broken", Effect.fail(new Broken({ what: "it" })))
            ])
          )
        )
        const { client } = yield* serve(way, program)
        for (const [path, status] of [
          ["/good", 200],
          ["/broken", 599],
          ["/none", 404]
        ] as const) {
          assert.strictEqual((yield* fetch(client, { path })).status, status)
        }
        assert.strictEqual((yield* fetch(client, { path: "/good", method: "DELETE" })).status, 404)
        assert.strictEqual(messages.length, 1)
        assert.match(messages[0] ?? "", /the application failed/)
      })
    )
  )
})
