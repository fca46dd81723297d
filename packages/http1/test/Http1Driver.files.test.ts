import { fromBytes } from "@pagi/core/bytes/ByteString"
import { assert, describe, it } from "@effect/vitest"
import type { HttpSendEvent } from "@pagi/core/Event"
import { FileUnreadable } from "@pagi/core/FileSource"
import type { HeaderBlock } from "@pagi/core/HeaderBlock"
import { MemoryFiles } from "@pagi/core/testing/MemoryFiles"
import type { MemoryTransport } from "@pagi/core/testing/MemoryTransport"
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import { last, piece, recorded, type Send, start } from "@pagi/core/test/drivers/support/Applications"
import { readResponse } from "./support/ClientConnection.ts"
import { assertNothingLeft, converse, finish, makeHarness, turn } from "./support/DriverHarness.ts"
import { get, lines } from "./support/Machine.ts"

const path = "/srv/file"
const content = Uint8Array.from({ length: 200_000 }, (_, index) => (index * 31) ^ (index >> 8))
const text = fromBytes(content, 0, content.length)

const file = (part: { readonly offset?: number; readonly length?: number } = {}): HttpSendEvent => ({
  type: "http.response.body",
  file: path,
  ...part
})

/** An application that answers with these events, and its files. */
const setUp = Effect.fnUntraced(function* (
  answer: (send: Send) => Effect.Effect<unknown, unknown>,
  options: { readonly writeHighWatermark?: number; readonly writeLowWatermark?: number } = {}
) {
  const files = new MemoryFiles({ [path]: content }, { wholeSize: 1000, pieceSize: 16_384 })
  const { application, scopes } = recorded<unknown>((_, __, send) => answer(send))
  const harness = yield* makeHarness(application, { files, options })
  return { files, harness, scopes }
})

/** The file as an answer, with a head of these fields. */
const withHead =
  (status = 200, headers: HeaderBlock = [], part: { readonly offset?: number; readonly length?: number } = {}) =>
  (send: Send) =>
    Effect.andThen(send(start(status, headers)), send(file(part)))

const request = (method: string, httpVersion: "1.0" | "1.1" = "1.1") => ({ method, httpVersion, keepAlive: true })

/** What the peer gets that takes what is there in each of many turns. */
const readSlowly = (transport: MemoryTransport): Effect.Effect<string> =>
  Effect.gen(function* () {
    let received = ""
    for (let round = 0; round < 300; round++) {
      yield* turn
      received += transport.read()
    }
    return received
  })

describe("a file response", () => {
  it.effect("has the length of the file, and the connection goes on", () =>
    Effect.gen(function* () {
      const { files, harness } = yield* setUp(withHead())
      const transport = yield* converse(harness, get() + get())
      const [first, rest] = readResponse(transport.text, request("GET"), false)
      const [second] = readResponse(rest, request("GET"), false)
      for (const response of [first, second]) {
        assert.deepInclude(response.headers, ["content-length", "200000"])
        assert.isTrue(response.body === text)
        assert.isTrue(response.persistent)
      }
      assert.deepStrictEqual([files.opened, files.closed], [2, 2])
      assert.deepStrictEqual(
        harness.log.map(({ bytes, outcome, status }) => [status, bytes, outcome]),
        [
          [200, 200_000, "complete"],
          [200, 200_000, "complete"]
        ]
      )
      yield* finish(harness, transport)
    })
  )

  it.effect("has its length also when opening it takes longer than a turn", () =>
    Effect.gen(function* () {
      const gate = yield* Latch.make()
      const { files, harness } = yield* setUp(withHead(206, [["x-a", "b"]], { offset: 199_000, length: 5000 }))
      files.beforeOpen = gate.await
      const transport = yield* converse(harness, get())
      assert.strictEqual(transport.text, "")
      yield* gate.open
      yield* turn
      const [response] = readResponse(transport.text, request("GET"), false)
      assert.deepInclude(response.headers, ["content-length", "1000"])
      assert.strictEqual(response.body, text.slice(199_000))
      yield* finish(harness, transport)
    })
  )

  it.effect.each([1000, 1001])("of %i bytes: HEAD and 304 have no body, and what follows is understood", (length) =>
    Effect.gen(function* () {
      for (const [method, status, expected] of [
        ["HEAD", 200, String(length)],
        ["GET", 304, undefined]
      ] as const) {
        const { files, harness } = yield* setUp(withHead(status, [], { length }))
        const transport = yield* converse(harness, lines(`${method} / HTTP/1.1`, "Host: a").repeat(2))
        const [response, rest] = readResponse(transport.text, request(method), false)
        const [, nothing] = readResponse(rest, request(method), false)
        assert.strictEqual(nothing, "")
        if (expected !== undefined) assert.deepInclude(response.headers, ["content-length", expected])
        assert.isTrue(response.persistent)
        assert.strictEqual(files.pieces, 0)
        assert.deepStrictEqual(
          harness.log.map((record) => [record.bytes, record.outcome]),
          [
            [0, "complete"],
            [0, "complete"]
          ]
        )
        yield* finish(harness, transport)
      }
    })
  )

  it.effect("to HTTP/1.0 has its length too, and keeps the connection where that is wanted", () =>
    Effect.gen(function* () {
      const { harness } = yield* setUp(withHead())
      const transport = yield* converse(harness, lines("GET / HTTP/1.0", "Connection: keep-alive"))
      const [response] = readResponse(transport.text, request("GET", "1.0"), false)
      assert.isTrue(response.body === text)
      assert.isTrue(response.persistent)
      yield* finish(harness, transport)
    })
  )

  it.effect("with trailers is chunked", () =>
    Effect.gen(function* () {
      const { harness } = yield* setUp((send) =>
        Effect.gen(function* () {
          yield* send({ type: "http.response.start", status: 200, trailers: true })
          yield* send(file())
          yield* send({ type: "http.response.trailers", headers: [["x-sum", "1"]] })
        })
      )
      const transport = yield* converse(harness, get())
      const [response] = readResponse(transport.text, request("GET"), false)
      assert.isTrue(response.body === text)
      assert.deepStrictEqual(response.trailers, [["x-sum", "1"]])
      yield* finish(harness, transport)
    })
  )

  it.effect("behind other pieces is chunked as they are", () =>
    Effect.gen(function* () {
      const { harness } = yield* setUp((send) =>
        Effect.andThen(Effect.andThen(send(start()), send(piece("before "))), send(file()))
      )
      const transport = yield* converse(harness, get())
      const [response] = readResponse(transport.text, request("GET"), false)
      assert.isTrue(response.body === `before ${text}`)
      yield* finish(harness, transport)
    })
  )

  it.effect("may have the content-length that the application states", () =>
    Effect.gen(function* () {
      const { harness } = yield* setUp(withHead(200, [["Content-Length", "200000"]]))
      const transport = yield* converse(harness, get())
      const [response] = readResponse(transport.text, request("GET"), false)
      assert.isTrue(response.body === text)
      yield* finish(harness, transport)
    })
  )

  for (const length of [100, 5000]) {
    it.effect(`of ${length} bytes that contradict the stated content-length is a 500`, () =>
      Effect.gen(function* () {
        for (const stated of [length - 1, length + 1]) {
          const { files, harness } = yield* setUp(withHead(200, [["content-length", String(stated)]], { length }))
          const transport = yield* converse(harness, get())
          const [response] = readResponse(transport.text, request("GET"), false)
          assert.strictEqual(response.status, 500)
          assert.isFalse(response.persistent)
          assert.deepStrictEqual([files.opened, files.closed], [1, 1])
          assert.match(harness.errors.join(), /the response was broken off: the body (exceeds|ends)/)
          yield* finish(harness, transport)
        }
      })
    )
  }
})

describe("a file that cannot be opened", () => {
  /** What comes before the file, and what the application does when that cannot be sent. */
  const missing = (...events: ReadonlyArray<HttpSendEvent>) => ({
    or: (instead: (send: Send) => Effect.Effect<unknown, unknown>) => (send: Send) =>
      Effect.andThen(
        Effect.forEach(events, (event) => send(event)),
        Effect.catch(send(file()), () => instead(send))
      )
  })

  const locked = new FileUnreadable({ message: "it is locked" })
  const notFound = (send: Send) => Effect.andThen(send(start(404, [["x-b", "2"]])), send(last("nothing here")))

  it.effect("leaves room for another start, at once or later", () =>
    Effect.gen(function* () {
      for (const delay of [Effect.void, Effect.yieldNow, turn]) {
        for (const pause of [Effect.void, turn]) {
          const answer = missing(start(200, [["x-a", "1"]])).or((send) => Effect.andThen(pause, notFound(send)))
          const { files, harness } = yield* setUp(answer)
          files.beforeOpen = Effect.andThen(delay, Effect.fail(locked))
          const transport = yield* converse(harness, get() + get())
          yield* Effect.repeat(turn, { times: 3 })
          const [first, rest] = readResponse(transport.text, request("GET"), false)
          const [second] = readResponse(rest, request("GET"), false)
          for (const { body, headers, status } of [first, second]) {
            assert.deepStrictEqual([status, body], [404, "nothing here"])
            assert.deepInclude(headers, ["content-length", "12"])
            assert.deepInclude(headers, ["x-b", "2"])
            assert.notInclude(headers.join("\n"), "x-a")
          }
          yield* finish(harness, transport)
          assert.deepStrictEqual(harness.errors, [])
        }
      }
    })
  )

  it.effect("is a 404 for HEAD too, also when trailers were announced", () =>
    Effect.gen(function* () {
      const { files, harness } = yield* setUp(
        missing({ type: "http.response.start", status: 200, trailers: true }).or(notFound)
      )
      files.beforeOpen = Effect.andThen(turn, Effect.fail(locked))
      const transport = yield* converse(harness, lines("HEAD / HTTP/1.1", "Host: a"))
      yield* turn
      const [response] = readResponse(transport.text, request("HEAD"), false)
      assert.strictEqual(response.status, 404)
      assert.deepInclude(response.headers, ["content-length", "12"])
      yield* finish(harness, transport)
    })
  )

  it.effect("behind other content leaves the response as it was", () =>
    Effect.gen(function* () {
      const failures: Array<string> = []
      const answer = missing(start(200), piece("some, ")).or((send) =>
        Effect.andThen(
          Effect.catch(notFound(send), ({ reason }) => Effect.sync(() => void failures.push(reason._tag))),
          send(last("no more"))
        )
      )
      const { files, harness } = yield* setUp(answer)
      files.beforeOpen = Effect.fail(locked)
      const transport = yield* converse(harness, get())
      const [response] = readResponse(transport.text, request("GET"), false)
      assert.deepStrictEqual([response.status, response.body], [200, "some, no more"])
      assert.deepStrictEqual(failures, ["EventOutOfOrder"])
      yield* finish(harness, transport)
    })
  )

  it.effect("is a 500 when the application has nothing else to send", () =>
    Effect.gen(function* () {
      for (const delay of [Effect.void, turn]) {
        const { files, harness } = yield* setUp(withHead())
        files.beforeOpen = Effect.andThen(delay, Effect.fail(new FileUnreadable({ message: "it is locked" })))
        const transport = yield* converse(harness, get())
        yield* turn
        const [response] = readResponse(transport.text, request("GET"), false)
        assert.strictEqual(response.status, 500)
        yield* finish(harness, transport)
      }
    })
  )
})

describe("a file on its way", () => {
  it.effect("never has more than the high mark and a piece waiting for the peer", () =>
    Effect.gen(function* () {
      const { files, harness, scopes } = yield* setUp(withHead(), { writeHighWatermark: 40_000 })
      const transport = harness.connect({ capacity: 10_000 })
      let maximum = 0
      let received = ""
      transport.push(get())
      for (let round = 0; round < 100; round++) {
        yield* turn
        maximum = Math.max(maximum, scopes[0]?.transport.bufferedAmount ?? 0)
        received += transport.read()
      }
      assert.isAbove(maximum, 40_000, "the high mark was reached")
      assert.isAtMost(maximum, 40_000 + 16_384)
      const [response] = readResponse(received, request("GET"), false)
      assert.isTrue(response.body === text)
      assert.deepStrictEqual([files.opened, files.closed], [1, 1])
      yield* finish(harness, transport)
    })
  )

  it.effect("that becomes shorter ends the connection unfinished", () =>
    Effect.gen(function* () {
      const { files, harness } = yield* setUp(withHead())
      const transport = harness.connect({ capacity: 1000 })
      transport.push(get())
      yield* turn
      files.set(path, content.subarray(0, 150_000))
      const received = yield* readSlowly(transport)
      assert.match(received, /\r\ncontent-length: 200000\r\n/)
      assert.strictEqual(received.length - received.indexOf("\r\n\r\n") - 4, 150_000)
      assert.strictEqual(transport.ending, "closed")
      assert.deepStrictEqual([files.opened, files.closed], [1, 1])
      assert.match(harness.errors.join(), /the response was broken off: the file became shorter/)
      assert.strictEqual(harness.log[0]?.outcome, "server_error")
      assertNothingLeft(harness)
    })
  )

  it.effect("is closed when the peer leaves in the middle", () =>
    Effect.gen(function* () {
      const { files, harness } = yield* setUp(withHead())
      const transport = harness.connect({ capacity: 1000 })
      transport.push(get())
      yield* turn
      assert.deepStrictEqual([files.opened, files.closed], [1, 0])
      transport.fail()
      yield* turn
      assert.deepStrictEqual([files.opened, files.closed], [1, 1])
      assert.deepStrictEqual(harness.errors, [])
      assertNothingLeft(harness)
    })
  )

  it.effect("is closed when the application gives up, and the response stays unfinished", () =>
    Effect.gen(function* () {
      const { files, harness } = yield* setUp((send) =>
        Effect.andThen(send(start()), Effect.raceFirst(send(file()), Effect.andThen(turn, Effect.fail("too slow"))))
      )
      const transport = harness.connect({ capacity: 1000 })
      transport.push(get())
      const received = yield* readSlowly(transport)
      assert.deepStrictEqual([files.opened, files.closed], [1, 1])
      assert.isBelow(received.length, content.length)
      assert.strictEqual(transport.ending, "closed")
      assertNothingLeft(harness)
    })
  )

  it.effect("is not mixed with anything else", () =>
    Effect.gen(function* () {
      const refusals: Array<string> = []
      const { harness } = yield* setUp((send) =>
        Effect.gen(function* () {
          yield* send(start())
          const attempt = Effect.catch(send(last("other")), (error) => Effect.sync(() => refusals.push(error.message)))
          yield* Effect.all([send(file()), attempt], { concurrency: "unbounded" })
        })
      )
      const transport = harness.connect({ capacity: 1000 })
      transport.push(get())
      const received = yield* readSlowly(transport)
      assert.isTrue(readResponse(received, request("GET"), false)[0].body === text)
      assert.deepStrictEqual(refusals, [
        "http.response.body: a file is being sent; nothing may follow before that send has ended"
      ])
      yield* finish(harness, transport)
    })
  )

  it.effect("before the start, it is out of order and no file is opened", () =>
    Effect.gen(function* () {
      const { files, harness } = yield* setUp((send) =>
        Effect.catch(send(file()), (error) => Effect.andThen(send(start(404)), send(last(error.message))))
      )
      const transport = yield* converse(harness, get())
      const [response] = readResponse(transport.text, request("GET"), false)
      assert.strictEqual(response.status, 404)
      assert.strictEqual(response.body, "http.response.body: http.response.start has not been sent")
      assert.strictEqual(files.opened, 0)
      yield* finish(harness, transport)
    })
  )
})
