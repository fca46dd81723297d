import { toBytes } from "@pagi/core/bytes/ByteString"
import { assert, describe, it } from "@effect/vitest"
import type { HttpReceiveEvent } from "@pagi/core/Event"
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import {
  echo,
  hello,
  last,
  piece,
  readBody,
  recorded,
  respond,
  start,
  textOf
} from "@pagi/core/test/drivers/support/Applications"
import { converse, endOfTurn, finish, makeHarness, statuses, turn } from "./support/DriverHarness.ts"
import { chunked, get, lines, post } from "./support/Machine.ts"

const plain = (event: HttpReceiveEvent): unknown =>
  event.type === "http.request" ? [textOf(event.body), event.more] : event.type

/** An application that notes every event up to the end of the body, and answers. */
const noting = () => {
  const events: Array<unknown> = []
  const app = recorded<unknown>((_, receive, send) =>
    Effect.gen(function* () {
      for (;;) {
        const event = yield* receive
        events.push(plain(event))
        if (event.type === "http.disconnect") return
        if (!event.more) return yield* respond(send, "ok")
      }
    })
  )
  return { ...app, events }
}

describe("the request body", () => {
  it.effect("a request without a body is one empty http.request", () =>
    Effect.gen(function* () {
      const { application, events } = noting()
      const harness = yield* makeHarness(application)
      const transport = yield* converse(harness, get() + post("Content-Length: 0"))
      assert.deepStrictEqual(events, [
        ["", false],
        ["", false]
      ])
      yield* finish(harness, transport)
    })
  )

  it.effect("pieces come as they arrive; the last of a known length says so", () =>
    Effect.gen(function* () {
      const { application, events } = noting()
      const harness = yield* makeHarness(application)
      const transport = yield* converse(harness, post("Content-Length: 6") + "ab")
      assert.deepStrictEqual(events, [["ab", true]])
      transport.push("cd")
      transport.push("ef" + get())
      assert.deepStrictEqual(events, [
        ["ab", true],
        ["cd", true],
        ["ef", false],
        ["", false]
      ])
      yield* finish(harness, transport)
    })
  )

  it.effect("a chunked body ends with an empty piece, and its framing is not part of it", () =>
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

  for (const lends of [true, false]) {
    it.effect(`arrives whole from ${lends ? "lent" : "owned"} memory, whatever waits and whatever is kept`, () =>
      Effect.gen(function* () {
        const gate = yield* Latch.make()
        const kept: Array<Uint8Array> = []
        const { application } = recorded<unknown>((_, receive, send) =>
          Effect.gen(function* () {
            yield* gate.await
            for (;;) {
              const event = yield* receive
              if (event.type === "http.disconnect") return
              kept.push(event.body)
              if (!event.more) return yield* respond(send, "ok")
            }
          })
        )
        const harness = yield* makeHarness(application)
        const transport = harness.connect({ lends })
        // Part of a head, its rest with some of the body, more while nobody reads, and the last of it with another head.
        for (const data of ["POST / HT", "TP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nabc", "def"])
          transport.push(data)
        yield* gate.open
        yield* turn
        transport.push(`ghi${get().slice(0, 9)}`)
        transport.push(get().slice(9))
        yield* turn
        assert.strictEqual(kept.map(textOf).join(""), "abcdefghi")
        assert.deepStrictEqual(statuses(transport.text), [200, 200])
        yield* finish(harness, transport)
      })
    )
  }

  it.effect("receive behind the end of the body waits for the end of the exchange", () =>
    Effect.gen(function* () {
      const events: Array<unknown> = []
      const { application } = recorded<unknown>((_, receive, send) =>
        Effect.gen(function* () {
          yield* readBody(receive)
          yield* Effect.forkChild(
            Effect.flatMap(receive, (event) => Effect.sync(() => events.push(plain(event)))),
            { startImmediately: true }
          )
          assert.deepStrictEqual(events, [])
          yield* respond(send, "ok")
          yield* Effect.yieldNow
          assert.deepStrictEqual(events, ["http.disconnect"])
          for (let reads = 0; reads < 3; reads++) assert.strictEqual(plain(yield* receive), "http.disconnect")
        })
      )
      const harness = yield* makeHarness(application)
      const transport = yield* converse(harness, get())
      assert.deepStrictEqual(statuses(transport.text), [200])
      assert.deepStrictEqual(harness.errors, [])
      yield* finish(harness, transport)
    })
  )
})

describe("backpressure inwards", () => {
  it.effect("an application that does not read leaves the data with the peer, and gets it all when it reads", () =>
    Effect.gen(function* () {
      const mayRead = Latch.makeUnsafe()
      const { application } = recorded<unknown>((_, receive, send) =>
        Effect.gen(function* () {
          yield* mayRead.await
          const body = yield* readBody(receive)
          yield* respond(send, String(body?.length))
        })
      )
      const harness = yield* makeHarness(application)
      const transport = yield* converse(harness, post("Content-Length: 1000000"))
      const bytes = "x".repeat(10_000)
      for (let sent = 0; sent < 100; sent++) transport.push(bytes)
      assert.isTrue(transport.isPaused)
      assert.isAtLeast(transport.unreadLength, 1_000_000 - 65_536 - 10_000)
      mayRead.openUnsafe()
      yield* turn
      assert.strictEqual(transport.unreadLength, 0)
      assert.match(transport.text, /\r\n\r\n1000000$/)
      yield* finish(harness, transport)
    })
  )

  it.effect("pipelined requests behind a slow one are bounded, and answered in the end", () =>
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
})

describe("backpressure outwards", () => {
  const marks = { writeHighWatermark: 1000, writeLowWatermark: 200 }

  it.effect("send suspends above the high mark and goes on at the low mark", () =>
    Effect.gen(function* () {
      let sent = 0
      const edges: Array<string> = []
      const { application } = recorded<unknown>((scope, _, send) =>
        Effect.gen(function* () {
          scope.transport.onHighWater(() => edges.push(`high at ${sent}`))
          scope.transport.onDrain(() => edges.push(`drain at ${sent}`))
          yield* send(start(200, [["content-length", "5000"]]))
          for (; sent < 50; sent++) yield* send(sent === 49 ? last("x".repeat(100)) : piece("x".repeat(100)))
        })
      )
      const harness = yield* makeHarness(application, { options: marks })
      const transport = harness.connect({ capacity: 500 })
      transport.push(get())
      yield* turn
      const suspendedAt = sent
      assert.isBelow(sent, 20)
      assert.deepStrictEqual(edges, [`high at ${sent}`])
      transport.read()
      yield* turn
      assert.strictEqual(sent, suspendedAt, "still above the low mark")
      transport.read()
      yield* turn
      assert.isAbove(sent, suspendedAt)
      assert.strictEqual(edges[1], `drain at ${suspendedAt}`)
      let received = 0
      for (let reads = 0; reads < 50; reads++) {
        received += transport.read().length
        yield* turn
      }
      assert.strictEqual(sent, 50)
      assert.isAbove(received, 3000)
      yield* finish(harness, transport)
    })
  )

  it.effect("a piece above the high mark that the system takes at once suspends nothing", () =>
    Effect.gen(function* () {
      let sent = 0
      const { application } = recorded<unknown>((_, __, send) =>
        Effect.gen(function* () {
          yield* send(start())
          for (; sent < 10; sent++) yield* send(piece("x".repeat(5000)))
          yield* send(last())
        })
      )
      const harness = yield* makeHarness(application, { options: marks })
      const transport = yield* converse(harness, get())
      assert.strictEqual(sent, 10)
      assert.match(transport.text, /\r\n0\r\n\r\n$/)
      yield* finish(harness, transport)
    })
  )

  it.effect("interim responses above the high mark suspend nothing either", () =>
    Effect.gen(function* () {
      const { application } = recorded<unknown>((_, __, send) =>
        Effect.andThen(
          send({ type: "http.response.informational", status: 103, headers: [["link", "x".repeat(2000)]] }),
          respond(send, "ok")
        )
      )
      const harness = yield* makeHarness(application, { options: marks })
      const transport = yield* converse(harness, get())
      assert.deepStrictEqual(statuses(transport.text), [103, 200])
      yield* finish(harness, transport)
    })
  )

  it.effect("an endless response to a peer that never reads keeps buffers below the high mark and one piece", () =>
    Effect.gen(function* () {
      let most = 0
      const { application } = recorded<unknown>((scope, _, send) =>
        Effect.gen(function* () {
          yield* send(start())
          while (scope.connection.isConnected) {
            yield* send(piece("x".repeat(700)))
            most = Math.max(most, scope.transport.bufferedAmount)
          }
        })
      )
      const harness = yield* makeHarness(application, { options: marks })
      const transport = harness.connect({ capacity: 3000 })
      transport.push(get())
      for (let turns = 0; turns < 5; turns++) yield* turn
      assert.isAtMost(Math.max(most, transport.bufferedAmount), 1000 + 700 + 10)
      transport.fail()
      yield* finish(harness)
    })
  )

  it.effect("pipelined requests of a peer that reads nothing are not started while it is over the mark", () =>
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

  it.effect("the last send of a response wakes every other send that waits", () =>
    Effect.gen(function* () {
      const { application } = recorded<unknown>((_, __, send) =>
        Effect.gen(function* () {
          yield* send(start())
          const waiting = yield* Effect.forkChild(send(piece("x".repeat(5000))), { startImmediately: true })
          yield* send(last())
          yield* Effect.yieldNow
          assert.isDefined(waiting.pollUnsafe())
        })
      )
      const harness = yield* makeHarness(application, { options: marks })
      const transport = harness.connect({ capacity: 100 })
      transport.push(get())
      yield* turn
      assert.deepStrictEqual(harness.errors, [])
      transport.fail()
      yield* finish(harness)
    })
  )
})

describe("one write per turn", () => {
  it.effect("16 pipelined requests with a synchronous application are answered with one write", () =>
    Effect.gen(function* () {
      const harness = yield* makeHarness(recorded(hello).application)
      const transport = yield* converse(harness, get().repeat(16))
      assert.strictEqual(statuses(transport.text).length, 16)
      assert.strictEqual(transport.writes, 1)
      yield* finish(harness, transport)
    })
  )

  it.effect("16 pipelined requests whose bodies are read are answered with one write", () =>
    Effect.gen(function* () {
      const harness = yield* makeHarness(recorded(echo).application)
      const transport = yield* converse(harness, (post("Content-Length: 3") + "abc").repeat(16))
      assert.strictEqual(statuses(transport.text).length, 16)
      assert.strictEqual(transport.writes, 1)
      yield* finish(harness, transport)
    })
  )

  it.effect("start and the whole body go out in one write, also from an asynchronous application", () =>
    Effect.gen(function* () {
      const { application } = recorded<unknown>((_, __, send) => Effect.andThen(Effect.yieldNow, respond(send, "ok")))
      const harness = yield* makeHarness(application)
      const transport = yield* converse(harness, get())
      assert.match(transport.text, /content-length: 2\r\n[^]*\r\n\r\nok$/)
      assert.strictEqual(transport.writes, 1)
      yield* finish(harness, transport)
    })
  )

  it.effect("the head goes out at the end of the turn when the body is late", () =>
    Effect.gen(function* () {
      const isReady = Latch.makeUnsafe()
      const { application } = recorded<unknown>((_, __, send) =>
        Effect.gen(function* () {
          yield* send(start())
          yield* isReady.await
          yield* send(last("ok"))
        })
      )
      const harness = yield* makeHarness(application)
      const transport = harness.connect()
      transport.push(get())
      assert.match(transport.text, /^HTTP\/1\.1 200 OK\r\ntransfer-encoding: chunked\r\n[^]*\r\n\r\n$/)
      isReady.openUnsafe()
      yield* endOfTurn
      assert.match(transport.text, /\r\n\r\n2\r\nok\r\n0\r\n\r\n$/)
      assert.strictEqual(transport.writes, 2)
      yield* finish(harness, transport)
    })
  )

  it.effect("fullflush sends at once what would wait for the end of the turn", () =>
    Effect.gen(function* () {
      const texts: Array<string> = []
      const { application } = recorded<unknown>((_, __, send) =>
        Effect.gen(function* () {
          yield* send(start())
          texts.push(transport.text)
          yield* send({ type: "http.fullflush" })
          texts.push(transport.text)
          yield* send(last("ok"))
          texts.push(transport.text)
        })
      )
      const harness = yield* makeHarness(application, { options: { extensions: { fullflush: {} } } })
      const transport = harness.connect()
      transport.push(get())
      assert.strictEqual(texts[0], "")
      assert.match(texts[1] ?? "", /^HTTP\/1\.1 200 OK\r\n[^]*\r\n\r\n$/)
      assert.strictEqual(texts[2], texts[1])
      assert.match(transport.text, /2\r\nok\r\n0\r\n\r\n$/)
      yield* finish(harness, transport)
    })
  )
})

describe("pipelining", () => {
  it.effect("a response whose end writes nothing lets the next request start", () =>
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

  it.effect("responses come in the order of the requests, however long each takes", () =>
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

  it.effect("an application that runs on after its response does not block the next request", () =>
    Effect.gen(function* () {
      const mayEnd = Latch.makeUnsafe()
      let ended = 0
      const { application } = recorded<unknown>((_, __, send) =>
        respond(send, "ok").pipe(Effect.andThen(mayEnd.await), Effect.andThen(Effect.sync(() => ended++)))
      )
      const harness = yield* makeHarness(application)
      const transport = yield* converse(harness, get() + get())
      transport.push(get())
      yield* turn
      assert.strictEqual(statuses(transport.text).length, 3)
      assert.strictEqual(harness.log.length, 3)
      mayEnd.openUnsafe()
      yield* turn
      assert.strictEqual(ended, 3)
      yield* finish(harness, transport)
    })
  )

  it.effect("an unread body is skipped although the peer has not read the answers before", () =>
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

  it.effect("bytes are passed through unchanged in both directions", () =>
    Effect.gen(function* () {
      const all = toBytes(String.fromCharCode(...Array.from({ length: 256 }, (_, byte) => byte)))
      const { application } = recorded<unknown>((_, receive, send) =>
        Effect.gen(function* () {
          const event = yield* receive
          if (event.type !== "http.request") return
          yield* send(start())
          yield* send(last(event.body))
        })
      )
      const harness = yield* makeHarness(application)
      const transport = yield* converse(harness, post("Content-Length: 256") + textOf(all))
      assert.isTrue(transport.text.endsWith(`\r\n\r\n${textOf(all)}`))
      yield* finish(harness, transport)
    })
  )
})
