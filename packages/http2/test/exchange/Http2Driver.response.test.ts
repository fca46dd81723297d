import { assert, describe, it } from "@effect/vitest"
import type { HeaderBlock } from "@pagi/core/HeaderBlock"
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import * as TestClock from "effect/testing/TestClock"
import {
  hello,
  last,
  piece,
  recorded,
  respond,
  sendAll,
  sending,
  start
} from "@pagi/core/test/drivers/support/Applications"
import { finish, type Harness, makeHarness, turn } from "./support/DriverHarness.ts"
import { fieldOf, type Peer, type RequestOptions } from "./support/Peer.ts"

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
  it.effect("has a date, and its length when the whole content comes at once", () =>
    Effect.gen(function* () {
      const harness = yield* makeHarness(recorded(hello).application)
      const { id, peer, response } = yield* ask(harness)
      assert.deepStrictEqual(response.headers, [
        ["date", "Thu, 01 Jan 1970 00:00:00 GMT"],
        ["content-length", "7"]
      ])
      assert.strictEqual(response.body, "hello /")
      assert.deepStrictEqual(framesOf(peer, id), ["HEADERS", "DATA END_STREAM"])
      yield* finish(harness, peer)
    })
  )

  it.effect("has no length when the content comes in pieces, unless the application says it", () =>
    Effect.gen(function* () {
      const cases: ReadonlyArray<readonly [HeaderBlock, Array<string>]> = [
        [[], []],
        [[["Content-Length", "2"]], ["2"]]
      ]
      for (const [headers, lengths] of cases) {
        const harness = yield* makeHarness(sending(start(200, headers), piece("a"), last("b")).application)
        const { peer, response } = yield* ask(harness)
        assert.deepStrictEqual(fieldOf(response.headers, "content-length"), lengths)
        assert.strictEqual(response.body, "ab")
        assert.isTrue(response.isComplete)
        yield* finish(harness, peer)
      }
    })
  )

  it.effect("without content ends with its head", () =>
    Effect.gen(function* () {
      const harness = yield* makeHarness(sending(start(404), last()).application)
      const { id, peer, response } = yield* ask(harness)
      assert.deepStrictEqual(framesOf(peer, id), ["HEADERS END_STREAM"])
      assert.deepStrictEqual(fieldOf(response.headers, "content-length"), ["0"])
      yield* finish(harness, peer)
    })
  )

  it.effect("keeps the application's date, has names in lower case, and drops fields about connections", () =>
    Effect.gen(function* () {
      const headers = [
        ["Date", "then"],
        ["X-Upper", " a "],
        ["Connection", "close, x-hop"],
        ["Keep-Alive", "1"],
        ["Proxy-Connection", "close"],
        ["Transfer-Encoding", "chunked"],
        ["Upgrade", "h2c"],
        ["Set-Cookie", "a=1"],
        ["Set-Cookie", "b=2"]
      ] as const
      const harness = yield* makeHarness(sending(start(200, headers), last("ok")).application)
      const { peer, response } = yield* ask(harness)
      assert.deepStrictEqual(response.headers, [
        ["date", "then"],
        ["x-upper", "a"],
        ["set-cookie", "a=1"],
        ["set-cookie", "b=2"],
        ["content-length", "2"]
      ])
      yield* finish(harness, peer)
    })
  )

  for (const [name, events] of [
    ["a final response", [start(200, [["x", "a\r\nb"]]), start()]],
    ["a name", [start(200, [["x y", "a"]]), start()]],
    ["a pseudo-header field", [start(200, [[":status", "500"]]), start()]],
    ["a length", [start(200, [["content-length", "1, 2"]]), start()]],
    [
      "an informational response",
      [{ type: "http.response.informational", status: 103, headers: [["link", "a\nb"]] }, start()]
    ]
  ] as const) {
    it.effect(`is validated: ${name} that is wrong fails the send, which may be tried again`, () =>
      Effect.gen(function* () {
        const { application, failures } = sending(...events, last("ok"))
        const harness = yield* makeHarness(application)
        const { peer, response } = yield* ask(harness)
        assert.strictEqual(failures.length, 1)
        assert.deepStrictEqual([response.status, response.body], [200, "ok"])
        yield* finish(harness, peer)
      })
    )
  }

  for (const { method, status, lengths } of [
    { method: "HEAD", status: 200, lengths: ["2"] },
    { method: "GET", status: 204, lengths: [] },
    { method: "GET", status: 304, lengths: [] }
  ]) {
    it.effect(`has no content with ${method} ${status}, whole or in pieces`, () =>
      Effect.gen(function* () {
        const whole = yield* makeHarness(sending(start(status), last("ok")).application)
        const first = yield* ask(whole, { method })
        assert.deepStrictEqual(framesOf(first.peer, first.id), ["HEADERS END_STREAM"])
        assert.deepStrictEqual(fieldOf(first.response.headers, "content-length"), lengths)
        yield* finish(whole, first.peer)
        const { application, failures } = sending(start(status), piece("o"), piece("k"), last())
        const inPieces = yield* makeHarness(application)
        const second = yield* ask(inPieces, { method })
        assert.strictEqual(second.response.status, status)
        assert.strictEqual(second.response.body, "")
        assert.isTrue(second.response.isComplete)
        assert.deepStrictEqual(failures, [])
        yield* finish(inPieces, second.peer)
      })
    )
  }

  it.effect("without content is complete at the end of the turn, though its application goes on to send", () =>
    Effect.gen(function* () {
      for (const events of [[], [piece("a")]]) {
        const received: Array<string> = []
        const { application } = recorded((_, receive, send) =>
          Effect.gen(function* () {
            yield* send(start(200))
            yield* sendAll(send, events)
            yield* Effect.sleep("1 second")
            received.push((yield* receive).type, (yield* receive).type)
            yield* Effect.forever(send(piece("b")))
          })
        )
        const harness = yield* makeHarness(application)
        const { peer, id, response } = yield* ask(harness, { method: "HEAD" })
        assert.isTrue(response.isComplete)
        assert.deepStrictEqual(framesOf(peer, id), ["HEADERS END_STREAM"])
        yield* TestClock.adjust("1 second")
        assert.deepStrictEqual(received, ["http.disconnect", "http.disconnect"])
        assert.strictEqual(harness.openScopes(), 1)
        yield* TestClock.adjust("6 seconds")
        assert.strictEqual(harness.openScopes(), 0)
        yield* finish(harness, peer)
        assert.deepStrictEqual(harness.errors, [])
      }
    })
  )

  it.effect("with HEAD keeps the length that the application says", () =>
    Effect.gen(function* () {
      const harness = yield* makeHarness(sending(start(200, [["content-length", "1000"]]), last()).application)
      const { peer, response } = yield* ask(harness, { method: "HEAD" })
      assert.deepStrictEqual(fieldOf(response.headers, "content-length"), ["1000"])
      assert.isTrue(response.isComplete)
      yield* finish(harness, peer)
    })
  )

  it.effect("may follow early hints and 102, which have no date and no length", () =>
    Effect.gen(function* () {
      const { application, failures } = sending(
        { type: "http.response.informational", status: 103, headers: [["Link", "</a>; rel=preload"]] },
        { type: "http.response.informational", status: 102, headers: [["content-length", "1"]] },
        start(),
        { type: "http.response.informational", status: 103 },
        last("ok")
      )
      const harness = yield* makeHarness(application)
      const { peer, response } = yield* ask(harness)
      assert.deepStrictEqual(response.informational, [103, 102])
      assert.deepStrictEqual(
        peer.all("HEADERS").map(({ fields }) => fields),
        [
          [
            [":status", "103"],
            ["link", "</a>; rel=preload"]
          ],
          [[":status", "102"]],
          [[":status", "200"], ...response.headers]
        ]
      )
      assert.strictEqual(failures.length, 1)
      yield* finish(harness, peer)
    })
  )

  it.effect("may end with trailers, which are validated", () =>
    Effect.gen(function* () {
      const { application, failures } = sending(
        start(200, [], true),
        piece("a"),
        last("b"),
        { type: "http.response.trailers", headers: [["x", "a\nb"]] },
        {
          type: "http.response.trailers",
          headers: [
            ["X-Sum", "fine"],
            ["content-length", "3"],
            ["connection", "close"]
          ]
        }
      )
      const harness = yield* makeHarness(application)
      const { id, peer, response } = yield* ask(harness)
      assert.strictEqual(failures.length, 1)
      assert.strictEqual(response.body, "ab")
      assert.deepStrictEqual(response.trailers, [["x-sum", "fine"]])
      assert.strictEqual(framesOf(peer, id).at(-1), "HEADERS END_STREAM")
      assert.strictEqual(harness.log[0]?.outcome, "complete")
      yield* finish(harness, peer)
    })
  )

  for (const [content, problem] of [
    ["abc", undefined],
    ["ab", "the body ends 1 bytes before its content-length"]
  ] as const) {
    it.effect(`may end with trailers behind ${content.length} of the 3 bytes that it has announced`, () =>
      Effect.gen(function* () {
        const { application, failures } = sending(start(200, [["content-length", "3"]], true), last(content), {
          type: "http.response.trailers",
          headers: [["x-sum", "fine"]]
        })
        const harness = yield* makeHarness(application)
        const { peer, response } = yield* ask(harness)
        if (problem === undefined) {
          assert.deepStrictEqual(failures, [])
          assert.deepStrictEqual([response.body, response.trailers], ["abc", [["x-sum", "fine"]]])
        } else {
          assert.include(failures[0] ?? "", problem)
          assert.isUndefined(response.trailers)
        }
        yield* finish(harness, peer)
      })
    )
  }

  for (const method of ["GET", "HEAD"]) {
    it.effect(`${method}: may have trailers without content, and none although they were announced`, () =>
      Effect.gen(function* () {
        const empty = yield* makeHarness(
          sending(start(200, [], true), last(), { type: "http.response.trailers" }).application
        )
        const { peer, response } = yield* ask(empty, { method })
        assert.strictEqual(response.body, "")
        assert.isTrue(response.isComplete)
        assert.strictEqual(response.reset, undefined)
        yield* finish(empty, peer)
      })
    )
  }

  it.effect("waits with its head for the first content in the same turn only", () =>
    Effect.gen(function* () {
      const mayGoOn = Latch.makeUnsafe()
      const { application } = recorded<unknown>((_, __, send) =>
        Effect.gen(function* () {
          yield* send(start())
          yield* mayGoOn.await
          yield* send(last("late"))
        })
      )
      const harness = yield* makeHarness(application)
      const { id, peer, response } = yield* ask(harness)
      assert.strictEqual(response.status, 200)
      assert.deepStrictEqual(framesOf(peer, id), ["HEADERS"])
      mayGoOn.openUnsafe()
      yield* turn
      assert.strictEqual(peer.response(id).body, "late")
      yield* finish(harness, peer)
    })
  )

  it.effect("http.fullflush sends what there is, and needs the extension", () =>
    Effect.gen(function* () {
      const seen: Array<number> = []
      const peers: Array<Peer> = []
      const { application } = recorded<unknown>((_, __, send) =>
        Effect.gen(function* () {
          yield* send(start())
          yield* send({ type: "http.fullflush" })
          seen.push(peers[0]?.all("HEADERS").length ?? 0)
          yield* send(piece("a"))
          yield* send({ type: "http.fullflush" })
          seen.push(peers[0]?.all("DATA").length ?? 0)
          yield* send(last())
        })
      )
      const harness = yield* makeHarness(application)
      const peer = harness.connect()
      peers.push(peer)
      const id = peer.request()
      yield* turn
      assert.deepStrictEqual(seen, [1, 1])
      assert.strictEqual(peer.response(id).body, "a")
      yield* finish(harness, peer)
      const { application: refused, failures } = sending(start(), { type: "http.fullflush" }, last("x"))
      const without = yield* makeHarness(refused, { options: { extensions: {} } })
      const { peer: other, response } = yield* ask(without)
      assert.strictEqual(failures.length, 1)
      assert.strictEqual(response.body, "x")
      yield* finish(without, other)
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

describe("the length that the application says", () => {
  for (const [name, body] of [
    ["longer", "123456"],
    ["shorter", "1234"]
  ] as const) {
    it.effect(`content that is ${name} fails the send and resets the stream, which is logged`, () =>
      Effect.gen(function* () {
        const { application, failures, scopes } = sending(
          start(200, [["content-length", "5"]]),
          piece("12"),
          last(body.slice(2))
        )
        const harness = yield* makeHarness(application)
        const { peer, response } = yield* ask(harness)
        assert.strictEqual(failures.length, 1)
        assert.match(failures[0] ?? "", /content-length/)
        assert.strictEqual(response.reset, "INTERNAL_ERROR")
        assert.isFalse(response.isComplete)
        assert.strictEqual(harness.errors.length, 1)
        assert.strictEqual(scopes[0]?.connection.disconnectReason, "server_error")
        const next = peer.request()
        yield* turn
        assert.strictEqual(peer.response(next).reset, "INTERNAL_ERROR", "the connection goes on")
        yield* finish(harness, peer)
      })
    )
  }

  it.effect("a whole body that contradicts it is answered with 500", () =>
    Effect.gen(function* () {
      const { application, failures } = sending(start(200, [["content-length", "1"]]), last("two"))
      const harness = yield* makeHarness(application)
      const { peer, response } = yield* ask(harness)
      assert.strictEqual(failures.length, 1)
      assert.strictEqual(response.status, 500)
      assert.isTrue(response.isComplete)
      assert.deepStrictEqual(
        harness.log.map(({ outcome, status }) => [status, outcome]),
        [[500, "server_error"]]
      )
      yield* finish(harness, peer)
    })
  )
})
