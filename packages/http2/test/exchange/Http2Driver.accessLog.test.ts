import { assert, describe, it } from "@effect/vitest"
import type { ExchangeRecord } from "@pagi/core/observe/Observer"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/testing/TestClock"
import { last, piece, readBody, recorded, respond, start } from "@pagi/core/test/drivers/support/Applications"
import { finish, type Harness, makeHarness, turn } from "./support/DriverHarness.ts"
import type { Peer, RequestOptions } from "./support/Peer.ts"

/** What the tests look at of each record. */
const summaries = ({ log }: Harness): ReadonlyArray<string> =>
  log.map(
    ({ bytes, outcome, request, status }: ExchangeRecord) =>
      `${request === undefined ? "-" : `${request.method} ${request.target} ${request.httpVersion}`} ${status} ${bytes} ${outcome}`
  )

/** Ends in the way that the path names. */
const { application } = recorded<unknown>((scope, receive, send) => {
  switch (scope.path) {
    case "/never":
      return Effect.never
    case "/part-and-read":
      return Effect.all([send(start(201)), send(piece("part")), readBody(receive), send(last())])
    case "/big":
      return Effect.all([send(start()), send(piece("x".repeat(200_000))), send(last())])
    default:
      return Effect.andThen(readBody(receive), respond(send, "ok"))
  }
})

/** The records of these requests, each of which has no content or none that comes. */
const logOf = (requests: ReadonlyArray<RequestOptions>, after: (peer: Peer, ids: ReadonlyArray<number>) => void) =>
  Effect.gen(function* () {
    const harness = yield* makeHarness(application, { options: { maxBodySize: 5 } })
    const peer = harness.connect()
    const ids = requests.map((request) => peer.request(request))
    yield* turn
    after(peer, ids)
    yield* turn
    const found = summaries(harness)
    peer.transport.fail()
    yield* TestClock.adjust("6 seconds")
    yield* turn
    yield* finish(harness)
    assert.deepStrictEqual(summaries(harness).slice(0, found.length), found)
    return found
  }).pipe(Effect.scoped)

describe("the access log has a record for", () => {
  it.effect("requests that are refused", () =>
    Effect.gen(function* () {
      const found = yield* logOf(
        [
          { path: "/%00" },
          { fields: [["expect", "wonders"]] },
          { fields: [["x", "y".repeat(70_000)]] },
          { method: "POST", path: "/read", more: true, fields: [["content-length", "6"]] },
          { method: "POST", path: "/read", more: true },
          { method: "POST", path: "/part-and-read", more: true }
        ],
        (peer, ids) => ids.slice(4).forEach((id) => peer.data(id, "123456"))
      )
      assert.deepStrictEqual(
        found.map((line) => line.replace(/ [0-9]+ ([a-z_]+)$/, " $1")),
        [
          "- 400 protocol_error",
          "- 417 protocol_error",
          "- 431 protocol_error",
          "POST /read 2 413 body_too_large",
          "POST /read 2 413 body_too_large",
          "POST /part-and-read 2 201 body_too_large"
        ]
      )
    })
  )

  it.effect("requests that are malformed, before an application runs and afterwards", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(
        yield* logOf(
          [
            { fields: [["Upper", "x"]] },
            { method: "POST", path: "/part-and-read", more: true, fields: [["content-length", "3"]] }
          ],
          (peer, ids) => peer.end(ids[1] ?? 0)
        ),
        ["- 499 0 protocol_error", "POST /part-and-read 2 201 4 protocol_error"]
      )
    })
  )

  it.effect("requests on a connection on which a rule is broken", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(
        yield* logOf([{ path: "/never" }, { method: "POST", path: "/part-and-read", more: true }], (peer) =>
          peer.frame(0, 0, 0)
        ),
        ["GET /never 2 499 0 protocol_error", "POST /part-and-read 2 201 4 protocol_error"]
      )
    })
  )

  it.effect("peers that keep their windows shut", () =>
    Effect.gen(function* () {
      const harness = yield* makeHarness(application, { options: { writeTimeout: "20 seconds" } })
      const peer = harness.connect()
      peer.request({ path: "/big" })
      yield* TestClock.adjust("21 seconds")
      assert.deepStrictEqual(
        harness.log.map(({ outcome, status }) => [status, outcome]),
        [[200, "write_timeout"]]
      )
      yield* finish(harness, peer)
    })
  )
})
