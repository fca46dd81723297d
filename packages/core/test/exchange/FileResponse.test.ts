import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Latch from "effect/Latch"
import type { HttpSendEvent } from "../../src/contract/Event.ts"
import { type FilePart, FileUnreadable } from "../../src/contract/FileSource.ts"
import { MemoryFiles } from "../../src/testing/MemoryFiles.ts"
import { FakeHost, type FakeHostOptions } from "../support/FakeHost.ts"

const path = "/srv/file"
const start: HttpSendEvent = { type: "http.response.start", status: 200 }
const file = (part: { readonly offset?: number; readonly length?: number } = {}): HttpSendEvent => ({
  type: "http.response.body",
  file: path,
  ...part
})
const body: HttpSendEvent = { type: "http.response.body", body: "instead" }

const letters = "abcdefghijklmnopqrstuvwxyz"

/** A started response, and files whose pieces have ten bytes; what has up to five comes in one. */
const setUp = Effect.fnUntraced(function* (options: FakeHostOptions = {}, begin = start) {
  const files = new MemoryFiles({ [path]: letters }, { wholeSize: 5, pieceSize: 10 })
  const host = new FakeHost({ files, ...options })
  yield* host.exchange.send(begin)
  host.calls.length = 0
  return { files, host, exchange: host.exchange }
})

/** The calls with their bytes as text. */
const callsOf = (host: FakeHost) =>
  host.calls.map((call) =>
    call.map((argument) => (argument instanceof Uint8Array ? new TextDecoder().decode(argument) : argument))
  )

const inBackground = <A, E>(effect: Effect.Effect<A, E>) => Effect.forkChild(effect, { startImmediately: true })

describe("a file as the body", () => {
  it.effect("announces its length, is sent piece by piece, and completes the response", () =>
    Effect.gen(function* () {
      const { exchange, files, host } = yield* setUp()
      yield* exchange.send(file())
      assert.deepStrictEqual(callsOf(host), [
        ["announce", 26, true],
        ["body", "abcdefghij", false],
        ["body", "klmnopqrst", false],
        ["body", "uvwxyz", true]
      ])
      assert.isTrue(exchange.state.responseComplete)
      assert.deepStrictEqual([files.opened, files.closed], [1, 1])
    })
  )

  it.effect("is one call when it has been read already", () =>
    Effect.gen(function* () {
      const { exchange, files, host } = yield* setUp()
      yield* exchange.send(file({ offset: 3, length: 5 }))
      assert.deepStrictEqual(callsOf(host), [["body", "defgh", true]])
      assert.isTrue(exchange.state.responseComplete)
      assert.deepStrictEqual([files.opened, files.closed, files.pieces], [1, 1, 0])
    })
  )

  it.effect("comes behind other pieces, and before trailers", () =>
    Effect.gen(function* () {
      const { exchange, host } = yield* setUp({}, { ...start, trailers: true })
      yield* exchange.send({ type: "http.response.body", body: "<", more: true })
      yield* exchange.send(file({ offset: 20 }))
      assert.isFalse(exchange.state.responseComplete)
      yield* exchange.send({ type: "http.response.trailers", headers: [["x-sum", "1"]] })
      assert.deepStrictEqual(callsOf(host), [
        ["body", "<", false],
        ["announce", 6, false],
        ["body", "uvwxyz", false],
        ["trailers", [["x-sum", "1"]]]
      ])
      assert.isTrue(exchange.state.responseComplete)
    })
  )

  it.effect("of nothing sends an empty last piece", () =>
    Effect.gen(function* () {
      for (const part of [{ offset: 26 }, { offset: 1000 }, { length: 0 }]) {
        const { exchange, host } = yield* setUp()
        yield* exchange.send(file(part))
        assert.deepStrictEqual(callsOf(host), [["body", "", true]])
      }
    })
  )

  it.effect("is not read for a response whose body the client does not get", () =>
    Effect.gen(function* () {
      const { exchange, files, host } = yield* setUp()
      host.carriesBody = false
      yield* exchange.send(file())
      assert.deepStrictEqual(callsOf(host), [
        ["announce", 26, true],
        ["body", "", true]
      ])
      assert.deepStrictEqual([files.pieces, files.closed], [0, 1])
    })
  )

  it.effect("waits for the peer between its pieces, and gives their memory back when it has them", () =>
    Effect.gen(function* () {
      const { exchange, files, host } = yield* setUp({ highWaterMark: 15, lowWaterMark: 5 })
      const sending = yield* inBackground(exchange.send(file()))
      assert.deepStrictEqual([host.calls.length, host.bufferedAmount], [3, 20])
      assert.deepStrictEqual(files.inUse, [10])
      host.drainTo(6)
      assert.strictEqual(host.calls.length, 3)
      host.drainTo(5)
      yield* Fiber.join(sending)
      assert.deepStrictEqual([host.calls.length, host.bufferedAmount], [4, 11])
      assert.deepStrictEqual(files.inUse, [10, 5, 11])
    })
  )

  it.effect("nothing else may be sent meanwhile", () =>
    Effect.gen(function* () {
      const { exchange, files, host } = yield* setUp()
      const gate = yield* Latch.make()
      files.beforeOpen = gate.await
      const sending = yield* inBackground(exchange.send(file()))
      assert.isTrue(exchange.holdsHead, "the head waits for the length")
      for (const event of [start, body, file(), { type: "http.response.trailers" } as const]) {
        const error = yield* Effect.flip(exchange.send(event))
        assert.strictEqual(error.reason._tag, "EventOutOfOrder")
        assert.match(error.message, /: a file is being sent; nothing may follow before that send has ended$/)
      }
      yield* exchange.send({ type: "http.fullflush" })
      assert.deepStrictEqual(callsOf(host), [["flush"]])
      yield* gate.open
      yield* Fiber.join(sending)
      assert.isTrue(exchange.state.responseComplete)
    })
  )
})

describe("a file out of order", () => {
  it.effect("is not opened", () =>
    Effect.gen(function* () {
      const files = new MemoryFiles({ [path]: letters })
      const { calls, exchange } = new FakeHost({ files })
      const early = yield* Effect.flip(exchange.send(file()))
      assert.strictEqual(early.message, "http.response.body: http.response.start has not been sent")
      yield* exchange.send(start)
      yield* exchange.send(body)
      const late = yield* Effect.flip(exchange.send(file()))
      assert.strictEqual(late.message, "http.response.body: the response is complete")
      assert.strictEqual(calls.length, 2)
      assert.strictEqual(files.opened, 0)
    })
  )

  it.effect("is dropped when the peer has left", () =>
    Effect.gen(function* () {
      const { exchange, files } = yield* setUp()
      exchange.disconnect("client_closed")
      yield* exchange.send(file())
      assert.strictEqual(files.opened, 0)
    })
  )
})

describe("a file that fails", () => {
  it.effect("to open leaves the response as it was", () =>
    Effect.gen(function* () {
      const { exchange, files, host } = yield* setUp()
      files.beforeOpen = Effect.andThen(Effect.yieldNow, Effect.fail(new FileUnreadable({ message: "it is locked" })))
      const error = yield* Effect.flip(exchange.send(file()))
      assert.strictEqual(error.reason._tag, "ResponseRefused")
      assert.strictEqual(error.message, "http.response.body: it is locked")
      assert.isFalse(exchange.holdsHead)
      yield* exchange.send(body)
      assert.deepStrictEqual(callsOf(host), [["body", "instead", true]])
      assert.strictEqual(files.opened, 0)
    })
  )

  it.effect("because the response has no room for it is closed again", () =>
    Effect.gen(function* () {
      for (const part of [{}, { length: 2 }]) {
        const { exchange, files, host } = yield* setUp()
        host.problem = "the body exceeds content-length by 3 bytes"
        const error = yield* Effect.flip(exchange.send(file(part)))
        assert.strictEqual(error.message, `http.response.body: ${host.problem}`)
        assert.deepStrictEqual([files.opened, files.closed], [1, 1])
      }
    })
  )

  it.effect("in the middle breaks the response off", () =>
    Effect.gen(function* () {
      const { exchange, files, host } = yield* setUp()
      files.beforeRead = Effect.suspend(() =>
        files.pieces === 2 ? Effect.fail(new FileUnreadable({ message: "the disk is gone" })) : Effect.void
      )
      const error = yield* Effect.flip(exchange.send(file()))
      assert.strictEqual(error.message, "http.response.body: the disk is gone; the response was broken off")
      assert.deepStrictEqual(callsOf(host).at(-1), ["breakOff", "the disk is gone"])
      assert.deepStrictEqual([files.opened, files.closed], [1, 1])
    })
  )

  it.effect("by becoming shorter breaks the response off", () =>
    Effect.gen(function* () {
      const { exchange, files, host } = yield* setUp({ highWaterMark: 5, lowWaterMark: 1 })
      const sending = yield* inBackground(Effect.flip(exchange.send(file())))
      files.set(path, letters.slice(0, 12))
      host.drainTo(0)
      host.drainTo(0)
      const error = yield* Fiber.join(sending)
      const problem = "the file became shorter while it was sent"
      assert.strictEqual(error.message, `http.response.body: ${problem}; the response was broken off`)
      assert.deepStrictEqual(callsOf(host).slice(1), [
        ["body", "abcdefghij", false],
        ["body", "kl", false],
        ["breakOff", problem]
      ])
      assert.deepStrictEqual([files.opened, files.closed], [1, 1])
    })
  )
})

describe("a file is closed", () => {
  it.effect("when the peer leaves while it waits or reads", () =>
    Effect.gen(function* () {
      const waiting = yield* setUp({ highWaterMark: 5, lowWaterMark: 1 })
      const first = yield* inBackground(waiting.exchange.send(file()))
      assert.strictEqual(waiting.files.closed, 0)
      waiting.exchange.disconnect("client_closed")
      yield* Fiber.join(first)
      assert.deepStrictEqual([waiting.files.closed, waiting.files.pieces], [1, 1])

      const reading = yield* setUp()
      const gate = yield* Latch.make()
      reading.files.beforeRead = gate.await
      const second = yield* inBackground(reading.exchange.send(file()))
      reading.exchange.disconnect("client_closed")
      yield* gate.open
      yield* Fiber.join(second)
      assert.deepStrictEqual([reading.files.closed, reading.files.pieces], [1, 1])
      assert.deepStrictEqual(callsOf(reading.host), [["announce", 26, true]])
    })
  )

  it.effect("when it can no longer be read and the peer has left, which is nobody's failure", () =>
    Effect.gen(function* () {
      const { exchange, files, host } = yield* setUp()
      const gate = yield* Latch.make()
      files.beforeRead = Effect.andThen(gate.await, Effect.fail(new FileUnreadable({ message: "it is closed" })))
      const sending = yield* inBackground(exchange.send(file()))
      exchange.disconnect("client_closed")
      yield* gate.open
      yield* Fiber.join(sending)
      assert.deepStrictEqual(callsOf(host), [["announce", 26, true]])
      assert.deepStrictEqual([files.opened, files.closed], [1, 1])
    })
  )

  it.effect("when the send is interrupted, and then the response cannot go on", () =>
    Effect.gen(function* () {
      const { exchange, files } = yield* setUp()
      files.beforeRead = Effect.never
      yield* Fiber.interrupt(yield* inBackground(exchange.send(file())))
      assert.deepStrictEqual([files.opened, files.closed], [1, 1])
      assert.isFalse(exchange.state.responseComplete)
      const error = yield* Effect.flip(exchange.send(body))
      assert.strictEqual(error.reason._tag, "EventOutOfOrder")
    })
  )

  it.effect("that is given up while it is opened leaves room for something else", () =>
    Effect.gen(function* () {
      const isOpen = Latch.makeUnsafe(false)
      const { files } = yield* setUp()
      const slow = { open: (part: FilePart) => Effect.andThen(isOpen.await, files.open(part)) }
      const { exchange, host } = yield* setUp({ files: slow })
      const sending = yield* inBackground(exchange.send(file()))
      const interruption = yield* inBackground(Fiber.interrupt(sending))
      yield* isOpen.open
      yield* Fiber.join(interruption)
      assert.deepStrictEqual([files.opened, files.closed], [1, 1])
      yield* exchange.send(body)
      assert.deepStrictEqual(callsOf(host), [["body", "instead", true]])
    })
  )
})
