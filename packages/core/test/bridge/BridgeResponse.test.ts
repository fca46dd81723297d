import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type { HttpSendEvent } from "../../src/contract/Event.ts"
import * as PagiApp from "../../src/contract/PagiApp.ts"
import type { HeaderBlock } from "../../src/http/HeaderBlock.ts"
import * as TestClient from "../../src/testing/TestClient.ts"

const start = (headers: HeaderBlock, trailers = false): HttpSendEvent => ({
  type: "http.response.start",
  status: 200,
  headers,
  trailers
})
const piece = (body: string, more = false): HttpSendEvent => ({ type: "http.response.body", body, more })
const trailers = (headers: HeaderBlock): HttpSendEvent => ({ type: "http.response.trailers", headers })
const stating = (length: string): HeaderBlock => [["content-length", length]]

/** A client of an application that sends all of the events, and what it is told of those that are refused. */
const setUp = (events: ReadonlyArray<HttpSendEvent>) =>
  Effect.gen(function* () {
    const failures: Array<string> = []
    const client = yield* TestClient.make(
      PagiApp.make({
        http: (_scope, _receive, send) =>
          Effect.forEach(
            events,
            (event) => Effect.catch(send(event), ({ message }) => Effect.sync(() => failures.push(message))),
            { discard: true }
          )
      })
    )
    return { client, failures }
  })

describe("a response without a protocol", () => {
  const contradictions: ReadonlyArray<readonly [events: ReadonlyArray<HttpSendEvent>, failure: string]> = [
    [
      [start(stating("2")), piece("abc")],
      "http.response.body: the body exceeds content-length by 1 bytes; the response was broken off"
    ],
    [
      [start(stating("2")), piece("a", true), piece("bc", true)],
      "http.response.body: the body exceeds content-length by 1 bytes; the response was broken off"
    ],
    [
      [start(stating("2")), piece("a")],
      "http.response.body: the body ends 1 bytes before its content-length; the response was broken off"
    ],
    [
      [start(stating("2"), true), piece("a"), trailers([])],
      "http.response.trailers: the body ends 1 bytes before its content-length"
    ]
  ]

  for (const [events, failure] of contradictions) {
    it.effect(`breaks off with the words of real servers: ${failure}`, () =>
      Effect.gen(function* () {
        const { client, failures } = yield* setUp(events)
        const error = yield* Effect.flip(client.request({}))
        assert.strictEqual(error._tag, "IncompleteResponse")
        assert.deepStrictEqual(failures, [failure])
      })
    )
  }

  it.effect("may have trailers behind the length that it states, without those that may not be any", () =>
    Effect.gen(function* () {
      const { client, failures } = yield* setUp([
        start(stating("3"), true),
        piece("ab", true),
        piece("c"),
        trailers([
          ["X-Sum", "1"],
          ["Content-Length", "3"],
          ["connection", "close"]
        ])
      ])
      const response = yield* client.request({})
      assert.deepStrictEqual([response.text, response.trailers, failures], ["abc", [["x-sum", "1"]], []])
    })
  )

  it.effect("refuses a length that is no number, and takes a better start", () =>
    Effect.gen(function* () {
      const { client, failures } = yield* setUp([start(stating("one")), start(stating("1")), piece("a")])
      assert.strictEqual((yield* client.request({})).text, "a")
      assert.deepStrictEqual(failures, ["http.response.start: content-length must be one decimal number"])
    })
  )
})
