import { assert, describe, it } from "@effect/vitest"
import type { HttpSendEvent } from "@pagi/core/Event"
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import {
  last,
  piece,
  recorded,
  respond,
  sendAll,
  sending,
  start,
  trailers
} from "@pagi/core/test/drivers/support/Applications"
import { finish, type Harness, makeHarness, turn } from "./support/DriverHarness.ts"
import type { Peer, RequestOptions } from "./support/Peer.ts"

/** A request on a new connection, after everything that needs no time has happened. */
const ask = (harness: Harness, request: RequestOptions = {}) =>
  Effect.gen(function* () {
    const peer = harness.connect()
    const id = peer.request(request)
    yield* turn
    return { peer, id, response: peer.response(id) }
  })

const framesOf = (peer: Peer, id: number): Array<string> =>
  peer.frames
    .filter((frame) => "id" in frame && frame.id === id)
    .map((frame) => `${frame.type}${"ends" in frame && frame.ends ? " END_STREAM" : ""}`)

describe("a response", () => {
  it.effect("drops fields about connections", () =>
    Effect.gen(function* () {
      const headers = [
        ["X-Before", "1"],
        ["Connection", "close, x-hop"],
        ["Keep-Alive", "1"],
        ["Proxy-Connection", "close"],
        ["Transfer-Encoding", "chunked"],
        ["Upgrade", "h2c"],
        ["X-Behind", "2"],
        ["Date", "then"]
      ] as const
      const harness = yield* makeHarness(sending(start(200, headers), last("ok")).application)
      const { peer, response } = yield* ask(harness)
      assert.deepStrictEqual(response.headers, [
        ["x-before", "1"],
        ["x-behind", "2"],
        ["date", "then"],
        ["content-length", "2"]
      ])
      yield* finish(harness, peer)
    })
  )

  const bare = ["HEADERS END_STREAM"]
  const cases: ReadonlyArray<
    readonly [what: string, method: string, events: ReadonlyArray<HttpSendEvent>, frames: ReadonlyArray<string>]
  > = [
    ["whole content", "GET", [start(), last("ok")], ["HEADERS", "DATA END_STREAM"]],
    ["no content", "GET", [start(404), last()], bare],
    ["content that there may not be", "GET", [start(204), last("ok")], bare],
    ["pieces of it", "GET", [start(304), piece("o"), piece("k"), last()], bare],
    ["a head alone", "HEAD", [start()], bare],
    ["content to HEAD", "HEAD", [start(), piece("o"), last("k")], bare],
    ["trailers", "GET", [start(200, [], true), last("ok"), trailers([["x", "y"]])], ["HEADERS", "DATA", ...bare]]
  ]
  it.effect.each(cases)("of %s has as few frames as can be", ([, method, events, frames]) =>
    Effect.gen(function* () {
      const harness = yield* makeHarness(sending(...events).application)
      const { id, peer, response } = yield* ask(harness, { method })
      assert.isTrue(response.isComplete)
      assert.deepStrictEqual(framesOf(peer, id), [...frames])
      yield* finish(harness, peer)
    })
  )

  it.effect("may end with trailers behind content of a length that it has announced", () =>
    Effect.gen(function* () {
      const { application, failures } = sending(
        start(200, [["content-length", "3"]], true),
        last("abc"),
        trailers([["x-sum", "fine"]])
      )
      const harness = yield* makeHarness(application)
      const { peer, response } = yield* ask(harness)
      assert.deepStrictEqual(failures, [])
      assert.deepStrictEqual([response.body, response.trailers], ["abc", [["x-sum", "fine"]]])
      yield* finish(harness, peer)
    })
  )

  it.effect("the first of a hundred that are asked for together does not wait for the last", () =>
    Effect.gen(function* () {
      const gates = Array.from({ length: 100 }, () => Latch.makeUnsafe())
      const { application } = recorded<unknown>((scope, _, send) =>
        Effect.andThen(gates[Number(scope.path.slice(1))]?.await ?? Effect.void, respond(send, scope.path))
      )
      const harness = yield* makeHarness(application)
      const peer = harness.connect()
      const ids = peer.together(() => gates.map((_, index) => peer.request({ path: `/${index}` })))
      for (const index of [99, 3, 50]) {
        gates[index]?.openUnsafe()
        yield* turn
        assert.strictEqual(peer.response(ids[index] ?? 0).body, `/${index}`)
      }
      assert.strictEqual(peer.all("HEADERS").length, 3)
      for (const gate of gates) gate.openUnsafe()
      yield* turn
      for (const [index, id] of ids.entries()) assert.strictEqual(peer.response(id).body, `/${index}`)
      yield* finish(harness, peer)
    })
  )

  it.effect("a large header section goes on in CONTINUATIONs", () =>
    Effect.gen(function* () {
      const headers = Array.from({ length: 50 }, (_, index) => [`x-${index}`, `{${index}}`.repeat(200)] as const)
      const harness = yield* makeHarness(
        recorded((_, __, send) => sendAll(send, [start(200, headers), last("ok")])).application
      )
      const { peer, response } = yield* ask(harness)
      assert.strictEqual(response.headers.length, 52)
      assert.strictEqual(response.body, "ok")
      yield* finish(harness, peer)
    })
  )
})
