import { assert, describe, it } from "@effect/vitest"
import type { DisconnectReason } from "@pagi/core/DisconnectReason"
import type { Input } from "@pagi/core/ServerOptions"
import type { MemoryTransport } from "@pagi/core/testing/MemoryTransport"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import * as TestClock from "effect/testing/TestClock"
import {
  echo,
  hello,
  last,
  piece,
  readBody,
  recorded,
  respond,
  start
} from "@pagi/core/test/drivers/support/Applications"
import { converse, finish, makeHarness, statuses, turn } from "./support/DriverHarness.ts"
import { chunked, get, post } from "./support/Machine.ts"

/** Every limit has a value of its own, so that one cannot be taken for another. */
const options: Input = {
  timeout: "7 seconds",
  headersTimeout: "3 seconds",
  requestTimeout: "11 seconds",
  writeTimeout: "13 seconds",
  disconnectGrace: "1 second"
}

/** Answers with a response after which the connection closes. */
const closing = recorded<unknown>((_, __, send) => respond(send, "bye", [["connection", "close"]]))

const noLimits: Input = { timeout: 0, headersTimeout: 0, bodyTimeout: 0, requestTimeout: 0, writeTimeout: 0 }

/** Checks that the connection is open until the time has passed, and not open when it has passed by two ticks. */
const endsAfter = (transport: MemoryTransport, time: Duration.Input): Effect.Effect<void> =>
  Effect.gen(function* () {
    const millis = Duration.toMillis(Duration.fromInputUnsafe(time))
    yield* TestClock.adjust(millis - 1)
    assert.strictEqual(transport.ending, "open", `after ${millis - 1} ms`)
    yield* TestClock.adjust(201)
    assert.notStrictEqual(transport.ending, "open", `after ${millis + 200} ms`)
  })

/** Sends something every second, for so many seconds. */
const trickle = (transport: MemoryTransport, text: string, seconds: number): Effect.Effect<void> =>
  Effect.gen(function* () {
    for (let sent = 0; sent < seconds; sent++) {
      yield* TestClock.adjust("1 second")
      transport.push(text)
    }
  })

/** Notes why exchanges end; answers when allowed to. */
const waiting = () => {
  const reasons: Array<DisconnectReason> = []
  const mayAnswer = Latch.makeUnsafe()
  const app = recorded<unknown>((scope, receive, send) =>
    Effect.gen(function* () {
      scope.connection.onDisconnect((reason) => reasons.push(reason))
      yield* readBody(receive)
      yield* mayAnswer.await
      yield* respond(send, "ok")
    })
  )
  return { ...app, reasons, mayAnswer }
}

describe("the head", () => {
  it.effect("a connection that sends nothing is closed after headersTimeout, without an answer", () =>
    Effect.gen(function* () {
      const harness = yield* makeHarness(recorded(hello).application, { options })
      const transport = harness.connect()
      yield* endsAfter(transport, "3 seconds")
      assert.strictEqual(transport.text, "")
      yield* finish(harness, transport)
    })
  )

  it.effect("a first head has headersTimeout from the accept on, however it trickles in → 408", () =>
    Effect.gen(function* () {
      const harness = yield* makeHarness(recorded(hello).application, { options })
      const transport = harness.connect()
      yield* trickle(transport, "G", 2)
      yield* endsAfter(transport, "1 second")
      assert.deepStrictEqual(statuses(transport.text), [408])
      assert.include(transport.text, "connection: close")
      transport.push(get())
      assert.deepStrictEqual(statuses(transport.text), [408])
      yield* finish(harness, transport)
    })
  )

  it.effect("a later head has headersTimeout from its first byte on, however it trickles in → 408", () =>
    Effect.gen(function* () {
      const harness = yield* makeHarness(recorded(hello).application, { options })
      const transport = yield* converse(harness, get())
      yield* TestClock.adjust("5 seconds")
      transport.push("G")
      yield* trickle(transport, "G", 2)
      yield* endsAfter(transport, "1 second")
      assert.deepStrictEqual(statuses(transport.text), [200, 408])
      yield* finish(harness, transport)
    })
  )

  it.effect("a head that is complete in time is answered", () =>
    Effect.gen(function* () {
      const harness = yield* makeHarness(recorded(hello).application, { options })
      const transport = yield* converse(harness, get().slice(0, 9))
      yield* TestClock.adjust("2900 millis")
      transport.push(get().slice(9))
      assert.deepStrictEqual(statuses(transport.text), [200])
      yield* finish(harness, transport)
    })
  )
})

describe("idle", () => {
  it.effect("a connection between requests is closed after timeout", () =>
    Effect.gen(function* () {
      const harness = yield* makeHarness(recorded(hello).application, { options })
      const transport = yield* converse(harness, get())
      yield* TestClock.adjust("6 seconds")
      transport.push(get())
      yield* endsAfter(transport, "7 seconds")
      assert.strictEqual(statuses(transport.text).length, 2)
      yield* finish(harness)
    })
  )

  it.effect("empty lines do not keep it open", () =>
    Effect.gen(function* () {
      const harness = yield* makeHarness(recorded(hello).application, { options })
      const transport = yield* converse(harness, get())
      yield* trickle(transport, "\r\n", 5)
      yield* endsAfter(transport, "2 seconds")
      yield* finish(harness)
    })
  )

  it.effect("a peer that still reads its response is not idle", () =>
    Effect.gen(function* () {
      const { application } = recorded<unknown>((_, __, send) => respond(send, "x".repeat(1000)))
      const harness = yield* makeHarness(application, { options })
      const transport = harness.connect({ capacity: 100 })
      transport.push(get())
      let text = ""
      for (let reads = 0; reads < 20; reads++) {
        yield* TestClock.adjust("5 seconds")
        text += transport.read()
      }
      assert.isTrue(text.endsWith("x".repeat(1000)))
      yield* TestClock.adjust("10 seconds")
      assert.strictEqual(transport.ending, "destroyed")
      yield* finish(harness)
    })
  )

  it.effect("the time runs from when the peer has read its response", () =>
    Effect.gen(function* () {
      const { application } = recorded<unknown>((_, __, send) => respond(send, "x".repeat(200)))
      const harness = yield* makeHarness(application, { options })
      const transport = harness.connect({ capacity: 200 })
      transport.push(get())
      yield* TestClock.adjust("12 seconds")
      assert.strictEqual(transport.ending, "open")
      transport.read()
      yield* endsAfter(transport, "7 seconds")
      yield* finish(harness)
    })
  )
})

describe("a request that stalls", () => {
  it.effect("is dropped after requestTimeout with client_timeout", () =>
    Effect.gen(function* () {
      const { application, reasons } = waiting()
      const harness = yield* makeHarness(application, { options })
      const transport = yield* converse(harness, post("Content-Length: 100"))
      yield* trickle(transport, "x", 20)
      yield* endsAfter(transport, "11 seconds")
      assert.deepStrictEqual(reasons, ["client_timeout"])
      assert.strictEqual(transport.text, "")
      yield* TestClock.adjust("2 seconds")
      yield* finish(harness)
    })
  )

  it.effect("is not one whose response goes on", () =>
    Effect.gen(function* () {
      const { application } = recorded<unknown>((_, __, send) =>
        Effect.gen(function* () {
          yield* send(start())
          for (let sent = 0; sent < 10; sent++) {
            yield* Effect.sleep("5 seconds")
            yield* send(piece("x"))
          }
          yield* Effect.never
        })
      )
      const harness = yield* makeHarness(application, { options })
      const transport = yield* converse(harness, get())
      yield* TestClock.adjust("50 seconds")
      assert.strictEqual(transport.ending, "open")
      yield* endsAfter(transport, "11 seconds")
      yield* TestClock.adjust("2 seconds")
      yield* finish(harness)
    })
  )

  it.effect("is not one whose peer reads on", () =>
    Effect.gen(function* () {
      const { application } = recorded<unknown>((_, __, send) =>
        Effect.gen(function* () {
          yield* send(start())
          yield* send(piece("x".repeat(100_000)))
          yield* send(last())
        })
      )
      const harness = yield* makeHarness(application, { options })
      const transport = harness.connect({ capacity: 1000 })
      transport.push(get())
      let text = ""
      for (let reads = 0; reads < 102; reads++) {
        yield* TestClock.adjust("10 seconds")
        text += transport.read()
      }
      assert.isTrue(text.endsWith("0\r\n\r\n"))
      yield* finish(harness, transport)
    })
  )

  it.effect("leaves nothing armed once it is answered: idle time counts from the response on", () =>
    Effect.gen(function* () {
      const { application, mayAnswer } = waiting()
      const harness = yield* makeHarness(application, { options })
      const transport = yield* converse(harness, get())
      yield* TestClock.adjust("10 seconds")
      mayAnswer.openUnsafe()
      yield* turn
      yield* endsAfter(transport, "7 seconds")
      yield* finish(harness)
    })
  )
})

describe("a peer that does not read", () => {
  const big = recorded<unknown>((_, __, send) => respond(send, "x".repeat(1000)))

  it.effect("is dropped after writeTimeout; its reading counts as progress", () =>
    Effect.gen(function* () {
      const reasons: Array<DisconnectReason> = []
      const { application } = recorded<unknown>((scope, _, send) =>
        Effect.gen(function* () {
          scope.connection.onDisconnect((reason) => reasons.push(reason))
          yield* send(start())
          while (scope.connection.isConnected) yield* send(piece("x".repeat(1000)))
        })
      )
      const harness = yield* makeHarness(application, { options: { ...options, requestTimeout: 0 } })
      const transport = harness.connect({ capacity: 1000 })
      transport.push(get())
      for (let reads = 0; reads < 5; reads++) {
        yield* TestClock.adjust("12 seconds")
        transport.read()
      }
      yield* endsAfter(transport, "13 seconds")
      assert.strictEqual(transport.ending, "reset")
      assert.deepStrictEqual(reasons, ["write_timeout"])
      yield* finish(harness)
    })
  )

  it.effect("may take less at a time than was handed over, as long as it takes some in time", () =>
    Effect.gen(function* () {
      const harness = yield* makeHarness(big.application, { options })
      const transport = harness.connect({ capacity: 100 })
      transport.push(get())
      for (let reads = 0; reads < 5; reads++) {
        yield* TestClock.adjust("12 seconds")
        transport.readSome(10)
      }
      yield* TestClock.adjust("12 seconds")
      assert.strictEqual(transport.ending, "open")
      yield* TestClock.adjust("15 seconds")
      assert.strictEqual(transport.ending, "reset")
      yield* finish(harness)
    })
  )

  it.effect("is dropped also when the response is complete and the connection waits for the next request", () =>
    Effect.gen(function* () {
      const harness = yield* makeHarness(big.application, { options })
      const transport = harness.connect({ capacity: 100 })
      transport.push(get())
      yield* endsAfter(transport, "13 seconds")
      yield* finish(harness)
    })
  )

  it.effect("is dropped also while our side lingers", () =>
    Effect.gen(function* () {
      const harness = yield* makeHarness(big.application, { options })
      const transport = harness.connect({ capacity: 100 })
      transport.push(get("Connection: close"))
      yield* endsAfter(transport, "13 seconds")
      assert.strictEqual(transport.ending, "reset")
      yield* finish(harness)
    })
  )

  it.effect("and then does: nothing stays armed", () =>
    Effect.gen(function* () {
      const harness = yield* makeHarness(big.application, { options: { ...options, timeout: 0 } })
      const transport = harness.connect({ capacity: 2000 })
      transport.push(get() + get())
      yield* TestClock.adjust("12 seconds")
      transport.read()
      yield* TestClock.adjust("100 seconds")
      assert.strictEqual(transport.ending, "open")
      yield* finish(harness, transport)
    })
  )
})

describe("after the response", () => {
  for (const [name, request] of [
    ["of a known length", post("Content-Length: 100")],
    ["in chunks", chunked("50\r\n")]
  ] as const) {
    it.effect(`the rest of an unwanted body ${name} may stall for 5 s; then the close lingers`, () =>
      Effect.gen(function* () {
        const harness = yield* makeHarness(recorded(hello).application, { options })
        const transport = yield* converse(harness, request)
        yield* trickle(transport, "x", 10)
        yield* endsAfter(transport, "5 seconds")
        assert.strictEqual(transport.ending, "ended")
        yield* finish(harness, transport)
      })
    )

    it.effect(`the rest of an unwanted body ${name} may go on for 30 s; then the connection ends`, () =>
      Effect.gen(function* () {
        const harness = yield* makeHarness(recorded(hello).application, { options })
        const transport = yield* converse(harness, request)
        yield* trickle(transport, "x", 29)
        yield* endsAfter(transport, "1 second")
        yield* TestClock.adjust("200 millis")
        assert.strictEqual(transport.ending, "destroyed")
        yield* finish(harness)
      })
    )
  }

  it.effect("nothing of that limits the requests that follow", () =>
    Effect.gen(function* () {
      const harness = yield* makeHarness(recorded(hello).application, { options: { timeout: "60 seconds" } })
      const transport = yield* converse(harness, post("Content-Length: 30"))
      yield* trickle(transport, "x", 29)
      transport.push("x")
      for (let requests = 0; requests < 3; requests++) {
        yield* TestClock.adjust("50 seconds")
        transport.push(get())
      }
      assert.deepStrictEqual(statuses(transport.text), [200, 200, 200, 200])
      yield* finish(harness, transport)
    })
  )

  it.effect("the peer has five seconds to close its side, and while it sends thirty altogether", () =>
    Effect.gen(function* () {
      const harness = yield* makeHarness(closing.application, { options })
      const silent = yield* converse(harness, get())
      const sending = yield* converse(harness, get())
      for (let second = 1; second <= 31; second++) {
        assert.strictEqual(silent.ending, second <= 5 ? "ended" : "destroyed", `${second} s`)
        assert.strictEqual(sending.ending, second <= 30 ? "ended" : "destroyed", `${second} s`)
        yield* TestClock.adjust(second === 5 || second === 30 ? "1200 millis" : "1 second")
        sending.push("x")
      }
      yield* finish(harness)
    })
  )

  it.effect("a connection that drains lingers for a second", () =>
    Effect.gen(function* () {
      const harness = yield* makeHarness(closing.application, { options })
      const before = yield* converse(harness, get())
      const skipping = yield* converse(harness, post("Content-Length: 100"))
      harness.server.registry.drain()
      yield* TestClock.adjust("900 millis")
      assert.deepStrictEqual([before.ending, skipping.ending], ["ended", "ended"])
      yield* TestClock.adjust("300 millis")
      assert.deepStrictEqual([before.ending, skipping.ending], ["destroyed", "destroyed"])
      yield* finish(harness)
    })
  )

  it.effect("a peer that is still reading its last response gets all of it", () =>
    Effect.gen(function* () {
      const { application } = recorded<unknown>((_, __, send) => respond(send, "x".repeat(1000)))
      const harness = yield* makeHarness(application, { options })
      const transport = harness.connect({ capacity: 100 })
      transport.push(get("Connection: close"))
      let text = ""
      for (let reads = 0; reads < 15; reads++) {
        yield* TestClock.adjust("5 seconds")
        text += transport.read()
      }
      assert.isTrue(text.endsWith("x".repeat(1000)))
      yield* finish(harness)
    })
  )
})

describe("without limits", () => {
  it.effect("0 means that nothing is ever closed for being slow", () =>
    Effect.gen(function* () {
      const { application } = waiting()
      const harness = yield* makeHarness(application, { options: noLimits })
      const echoing = yield* makeHarness(recorded(echo).application, { options: noLimits })
      const transports = [
        harness.connect(),
        yield* converse(harness, "GET / HT"),
        yield* converse(harness, get()),
        yield* converse(harness, post("Content-Length: 9") + "abc"),
        yield* converse(echoing, get())
      ]
      const slow = echoing.connect({ capacity: 10 })
      slow.push(get())
      yield* TestClock.adjust("3 hours")
      assert.deepStrictEqual(
        [...transports, slow].map((transport) => transport.ending),
        Array.from({ length: 6 }, () => "open")
      )
      for (const transport of [...transports, slow]) transport.fail()
      yield* TestClock.adjust("10 seconds")
      yield* finish(harness)
      yield* finish(echoing)
    })
  )
})
