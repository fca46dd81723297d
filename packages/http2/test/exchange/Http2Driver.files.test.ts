import { fromBytes } from "@pagi/core/bytes/ByteString"
import { assert, describe, it } from "@effect/vitest"
import type { HttpSendEvent } from "@pagi/core/Event"
import { FileUnreadable } from "@pagi/core/FileSource"
import type { HeaderBlock } from "@pagi/core/HeaderBlock"
import { MemoryFiles } from "@pagi/core/testing/MemoryFiles"
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import { CANCEL } from "../../src/protocol/wire/ErrorCode.ts"
import { last, piece, recorded, type Send, start } from "@pagi/core/test/drivers/support/Applications"
import { finish, makeHarness, turn } from "./support/DriverHarness.ts"
import { fieldOf } from "./support/Peer.ts"

const path = "/srv/file"
const content = Uint8Array.from({ length: 200_000 }, (_, index) => (index * 31) ^ (index >> 8))
const text = fromBytes(content, 0, content.length)

interface Part {
  readonly offset?: number
  readonly length?: number
}

const file = (part: Part = {}): HttpSendEvent => ({ type: "http.response.body", file: path, ...part })

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
  (status = 200, headers: HeaderBlock = [], part: Part = {}) =>
  (send: Send) =>
    Effect.andThen(send(start(status, headers)), send(file(part)))

describe("a file response", () => {
  it.effect("has the length of the file, on each of several streams", () =>
    Effect.gen(function* () {
      const { files, harness } = yield* setUp(withHead())
      const peer = harness.connectWide()
      const ids = [peer.request(), peer.request()]
      for (let turns = 0; turns < 20; turns++) yield* turn
      for (const id of ids) {
        const response = peer.response(id)
        assert.deepStrictEqual(fieldOf(response.headers, "content-length"), ["200000"])
        assert.isTrue(response.body === text)
        assert.isTrue(response.isComplete)
      }
      assert.deepStrictEqual([files.opened, files.closed], [2, 2])
      assert.deepStrictEqual(
        harness.log.map(({ bytes, outcome, status }) => [status, bytes, outcome]),
        [
          [200, 200_000, "complete"],
          [200, 200_000, "complete"]
        ]
      )
      yield* finish(harness, peer)
    })
  )

  it.effect("has its length also when opening it takes longer than a turn", () =>
    Effect.gen(function* () {
      const gate = yield* Latch.make()
      const { files, harness } = yield* setUp(withHead(206, [["x-a", "b"]], { offset: 199_500, length: 5000 }))
      files.beforeOpen = gate.await
      const peer = harness.connect()
      const id = peer.request()
      yield* turn
      assert.strictEqual(peer.response(id).status, undefined)
      yield* gate.open
      yield* turn
      assert.deepStrictEqual(fieldOf(peer.response(id).headers, "content-length"), ["500"])
      assert.isTrue(peer.response(id).body === text.slice(199_500))
      yield* finish(harness, peer)
    })
  )

  for (const [name, method, part, length] of [
    ["with HEAD is a length only", "HEAD", {}, "200000"],
    ["of a small file with HEAD is a length only", "HEAD", { length: 10 }, "10"],
    ["beyond the end of the file is empty", "GET", { offset: 300_000 }, "0"]
  ] as const) {
    it.effect(name, () =>
      Effect.gen(function* () {
        const { files, harness } = yield* setUp(withHead(200, [], part))
        const peer = harness.connect()
        const id = peer.request({ method })
        yield* turn
        const response = peer.response(id)
        assert.deepStrictEqual(fieldOf(response.headers, "content-length"), [length])
        assert.strictEqual(response.body, "")
        assert.isTrue(response.isComplete)
        assert.strictEqual(files.pieces, 0)
        assert.strictEqual(files.opened, files.closed)
        assert.strictEqual(harness.log[0]?.outcome, "complete")
        yield* finish(harness, peer)
      })
    )
  }

  it.effect("waits for the peer's windows, and never has more in memory than the marks allow", () =>
    Effect.gen(function* () {
      const { files, harness } = yield* setUp(withHead())
      const peer = harness.connect()
      const id = peer.request()
      yield* turn
      let most = 0
      for (let rounds = 0; rounds < 200 && !peer.response(id).isComplete; rounds++) {
        most = Math.max(most, files.pieces * 16_384 - peer.response(id).body.length)
        const missing = 65_535 - peer.windowOf(id)
        if (missing > 0) {
          peer.open(0, missing)
          peer.open(id, missing)
        }
        yield* turn
      }
      assert.isTrue(peer.response(id).body === text)
      assert.isAtMost(most, 65_536 + 2 * 16_384)
      assert.deepStrictEqual([files.opened, files.closed], [1, 1])
      yield* finish(harness, peer)
    })
  )

  it.effect("is given back memory only that has left", () =>
    Effect.gen(function* () {
      const { files, harness } = yield* setUp(withHead(), { writeHighWatermark: 40_000, writeLowWatermark: 10_000 })
      const peer = harness.connect({ capacity: 5000 })
      peer.settings([[4, 2 ** 31 - 1]])
      peer.open(0, 2 ** 31 - 1 - 65_535)
      const id = peer.request()
      for (let rounds = 0; rounds < 300 && !peer.response(id).isComplete; rounds++) yield* turn
      assert.isTrue(peer.response(id).body === text)
      assert.isTrue(files.inUse.every((inUse) => inUse >= 0 && inUse <= 40_000 + 16_384 + 200))
      yield* finish(harness, peer)
    })
  )

  it.effect("that cannot be opened fails the send, and leaves room for another start", () =>
    Effect.gen(function* () {
      const failures: Array<string> = []
      const { files, harness } = yield* setUp((send) =>
        Effect.gen(function* () {
          yield* send(start(200))
          yield* Effect.catch(send({ type: "http.response.body", file: "/missing" }), (error) =>
            Effect.sync(() => failures.push(error.message))
          )
          yield* turn
          yield* send(start(404))
          yield* send(last("instead"))
        })
      )
      const peer = harness.connect()
      const id = peer.request()
      yield* Effect.repeat(turn, { times: 2 })
      assert.strictEqual(failures.length, 1)
      assert.deepInclude(peer.response(id), { status: 404, body: "instead" })
      assert.strictEqual(files.opened, 0)
      yield* finish(harness, peer)
    })
  )

  for (const [name, breakIt] of [
    ["becomes shorter", (files: MemoryFiles) => files.set(path, content.slice(0, 100_000))],
    [
      "cannot be read on",
      (files: MemoryFiles) => {
        files.beforeRead = Effect.fail(new FileUnreadable({ message: "the disk is broken" }))
      }
    ]
  ] as const) {
    it.effect(`of a file that ${name} is reset, logged once, and costs no other stream`, () =>
      Effect.gen(function* () {
        const { files, harness, scopes } = yield* setUp(withHead())
        const peer = harness.connect()
        const id = peer.request()
        yield* turn
        breakIt(files)
        peer.open(0, 200_000)
        peer.open(id, 200_000)
        yield* turn
        assert.strictEqual(peer.response(id).reset, "INTERNAL_ERROR")
        assert.isFalse(peer.response(id).isComplete)
        assert.strictEqual(harness.errors.length, 1)
        assert.strictEqual(scopes[0]?.connection.disconnectReason, "server_error")
        assert.deepStrictEqual([files.opened, files.closed], [1, 1])
        assert.deepStrictEqual(peer.goAways, [])
        yield* finish(harness, peer)
      })
    )
  }

  it.effect("is closed when the peer resets the stream in the middle", () =>
    Effect.gen(function* () {
      const { files, harness } = yield* setUp(withHead())
      const peer = harness.connect()
      const id = peer.request()
      yield* turn
      peer.reset(id, CANCEL)
      yield* turn
      assert.deepStrictEqual([files.opened, files.closed], [1, 1])
      assert.deepStrictEqual(harness.errors, [])
      assert.strictEqual(harness.log[0]?.outcome, "client_closed")
      yield* finish(harness, peer)
    })
  )

  it.effect("may follow pieces, and precede trailers", () =>
    Effect.gen(function* () {
      const { harness } = yield* setUp((send) =>
        Effect.gen(function* () {
          yield* send(start(200, [], true))
          yield* send(piece("before "))
          yield* send(file({ length: 2000 }))
          yield* send({ type: "http.response.trailers", headers: [["x", "y"]] })
        })
      )
      const peer = harness.connect()
      const id = peer.request()
      yield* turn
      const response = peer.response(id)
      assert.isTrue(response.body === `before ${text.slice(0, 2000)}`)
      assert.deepStrictEqual(response.trailers, [["x", "y"]])
      assert.isTrue(response.isComplete)
      yield* finish(harness, peer)
    })
  )
})
