import { assert, describe, it } from "@effect/vitest"
import * as PagiApp from "@pagi/core/PagiApp"
import * as Effect from "effect/Effect"
import { refusal, resets } from "../support/Conformance.ts"
import { assertAlive, establish, exchange, finish, makeHarness, readBody, respond } from "../support/Http2Harness.ts"
import { get, ping } from "../support/WireFrames.ts"

describe("RFC 9113 §8.1 what applications do wrong", () => {
  const answering = (http: PagiApp.HttpHandler<unknown>) => PagiApp.make({ http })
  const cases: ReadonlyArray<readonly [string, PagiApp.HttpHandler<unknown>, ReadonlyArray<string>]> = [
    ["nothing at all", () => Effect.void, refusal(500, "internal server error")],
    ["a failure", () => Effect.fail("broken"), refusal(500, "internal server error")],
    [
      "a response that breaks off",
      (_, __, send) =>
        Effect.andThen(
          send({ type: "http.response.start", status: 200 }),
          send({ type: "http.response.body", body: "a", more: true })
        ),
      ["HEADERS 1 :status 200", "DATA 1 a", resets(1, "INTERNAL_ERROR")]
    ],
    [
      "fields of a connection are left out",
      (_, __, send) =>
        Effect.andThen(
          send({
            type: "http.response.start",
            status: 200,
            headers: [
              ["Connection", "close"],
              ["X-A", " b "]
            ]
          }),
          send({ type: "http.response.body", body: "" })
        ),
      ["HEADERS 1 END :status 200; x-a b; content-length 0"]
    ]
  ]
  for (const [title, handler, expects] of cases) {
    it.effect(title, () =>
      Effect.gen(function* () {
        const harness = yield* makeHarness(
          answering((scope, receive, send) =>
            scope.path === "/empty" ? respond(send, "", 204) : handler(scope, receive, send)
          )
        )
        const peer = yield* establish(harness)
        assert.deepStrictEqual(yield* exchange(peer, get(1, "/bad")), expects)
        yield* assertAlive(peer)
        harness.errors.length = 0
        yield* finish(harness, peer)
      })
    )
  }

  it.effect("large header sections are split into CONTINUATIONs", () =>
    Effect.gen(function* () {
      const value = "{".repeat(20_000)
      const harness = yield* makeHarness(
        answering((scope, receive, send) =>
          Effect.andThen(
            readBody(receive),
            Effect.andThen(
              send({
                type: "http.response.start",
                status: 200,
                headers: scope.path === "/empty" ? [] : [["x-a", value]]
              }),
              send({ type: "http.response.body", body: "" })
            )
          )
        )
      )
      const peer = yield* establish(harness)
      assert.deepStrictEqual(yield* exchange(peer, get(1) + ping()), [
        `CONTINUED HEADERS 1 END :status 200; x-a ${value}; content-length 0`,
        "PING ACK pingpong"
      ])
      yield* finish(harness, peer)
    })
  )
})
