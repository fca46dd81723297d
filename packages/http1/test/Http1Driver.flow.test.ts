import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import { last, piece, recorded, respond, start, noting } from "@pagi/core/test/drivers/support/Applications"
import { converse, finish, makeHarness, statuses, turn } from "./support/DriverHarness.ts"
import { chunked, get, lines, post } from "./support/Machine.ts"

describe("a chunked body", () => {
  it.effect("ends with an empty piece, and its framing is not part of it", () =>
    Effect.gen(function* () {
      const { application, events } = noting()
      const harness = yield* makeHarness(application)
      const transport = yield* converse(harness, chunked("2\r\nab\r\n3\r"))
      transport.push("\ncde\r\n0\r\n")
      assert.deepStrictEqual(events, [
        ["ab", true],
        ["cde", true]
      ])
      transport.push("\r\n")
      assert.deepStrictEqual(events.at(-1), ["", false])
      assert.strictEqual(events.length, 3)
      yield* finish(harness, transport)
    })
  )
})

describe("pipelined requests", () => {
  it.effect("behind a slow one are bounded, and answered in the end", () =>
    Effect.gen(function* () {
      const mayAnswer = Latch.makeUnsafe()
      const { application, scopes } = recorded<unknown>((_, __, send) =>
        Effect.andThen(mayAnswer.await, respond(send, "ok"))
      )
      const harness = yield* makeHarness(application)
      const transport = yield* converse(harness, get())
      for (let sent = 0; sent < 400; sent++) transport.push(get().repeat(10))
      assert.isTrue(transport.isPaused)
      assert.isAbove(transport.unreadLength, 4000 * get().length - 65_536 - 2000)
      assert.strictEqual(scopes.length, 1)
      mayAnswer.openUnsafe()
      for (let turns = 0; turns < 50 && transport.unreadLength > 0; turns++) yield* turn
      yield* turn
      assert.strictEqual(statuses(transport.text).length, 4001)
      yield* finish(harness, transport)
    })
  )

  const marks = { writeHighWatermark: 1000, writeLowWatermark: 200 }

  it.effect("of a peer that reads nothing are not started while it is over the mark", () =>
    Effect.gen(function* () {
      const { application, scopes } = recorded<unknown>((_, __, send) => respond(send, "x".repeat(700)))
      const harness = yield* makeHarness(application, { options: marks })
      const transport = harness.connect({ capacity: 3000 })
      for (let sent = 0; sent < 100; sent++) transport.push(get())
      yield* turn
      assert.isAtMost(transport.bufferedAmount, 1000 + 1000)
      assert.isBelow(scopes.length, 10)
      assert.isTrue(transport.isPaused)
      let text = ""
      for (let reads = 0; reads < 100; reads++) {
        text += transport.read()
        yield* turn
      }
      assert.strictEqual(scopes.length, 100)
      assert.strictEqual(statuses(text).length, 100)
      assert.isFalse(transport.isPaused)
      yield* finish(harness, transport)
    })
  )

  it.effect("start behind a response whose end writes nothing", () =>
    Effect.gen(function* () {
      const mayEnd = Latch.makeUnsafe()
      const { application, scopes } = recorded<unknown>((_, __, send) =>
        Effect.gen(function* () {
          yield* send(start(200, [["content-length", "2"]]))
          yield* send(piece("ok"))
          yield* mayEnd.await
          yield* send(last())
        })
      )
      const harness = yield* makeHarness(application)
      const transport = yield* converse(harness, get() + get())
      assert.strictEqual(scopes.length, 1)
      mayEnd.openUnsafe()
      yield* turn
      assert.strictEqual(statuses(transport.text).length, 2)
      assert.strictEqual(scopes.length, 2)
      yield* finish(harness, transport)
    })
  )

  it.effect("are answered in order, however long each takes", () =>
    Effect.gen(function* () {
      const latches = new Map(["/0", "/1", "/2"].map((path) => [path, Latch.makeUnsafe()]))
      const { application, scopes } = recorded<unknown>((scope, _, send) =>
        Effect.andThen(latches.get(scope.path)?.await ?? Effect.void, respond(send, scope.path))
      )
      const harness = yield* makeHarness(application)
      const transport = yield* converse(
        harness,
        [...latches.keys()].map((path) => lines(`GET ${path} HTTP/1.1`, "Host: a")).join("")
      )
      for (const path of ["/2", "/1"]) {
        latches.get(path)?.openUnsafe()
        yield* turn
        assert.strictEqual(transport.text, "")
      }
      assert.strictEqual(scopes.length, 1, "one exchange of a connection at a time")
      latches.get("/0")?.openUnsafe()
      yield* turn
      assert.deepStrictEqual(
        [...transport.text.matchAll(/\r\n\r\n(\/[0-9])/g)].map((match) => match[1]),
        ["/0", "/1", "/2"]
      )
      yield* finish(harness, transport)
    })
  )

  it.effect("may follow a body that nobody reads, although the peer has not read the answers before", () =>
    Effect.gen(function* () {
      const { application, scopes } = recorded<unknown>((_, __, send) => respond(send, "x".repeat(700)))
      const marks = { writeHighWatermark: 1000, writeLowWatermark: 500 }
      const harness = yield* makeHarness(application, { options: marks })
      const transport = harness.connect({ capacity: 3000 })
      transport.push(get().repeat(20) + post("Content-Length: 37") + "0123456789")
      yield* turn
      assert.isTrue(transport.isPaused)
      let text = ""
      const readAll = Effect.repeat(
        Effect.suspend(() => {
          text += transport.read()
          return turn
        }),
        { times: 30 }
      )
      yield* readAll
      assert.strictEqual(statuses(text).length, 21)
      assert.isFalse(transport.isPaused)
      transport.push("x".repeat(27) + get())
      yield* readAll
      assert.deepStrictEqual([scopes.length, statuses(text).length], [22, 22])
      yield* finish(harness, transport)
    })
  )
})
