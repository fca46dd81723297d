import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import { WebSocket } from "ws"
import { forgetPeak, inMebibytes, isMeasurable, mebibyte, peak, tell } from "./support/Memory.ts"
import { bodyOf, fetchText, open } from "./support/Peer.ts"
import { serve, type Server } from "./support/Programs.ts"
import { stopwatch } from "../support/Stopwatch.ts"
import { until } from "./support/Until.ts"

const readers = 990
const deaf = 10
const highMark = 65_536
/** What `fixtures/broadcast.ts` sends at once. */
const piece = 16_384
const messageLength = 1024

const State = Schema.fromJsonString(
  Schema.Struct({
    members: Schema.Int,
    behind: Schema.Int,
    maximum: Schema.Int,
    endings: Schema.Array(Schema.String)
  })
)

const ask = ({ port }: Server, path: string) =>
  Effect.flatMap(fetchText(port, path), (response) => Schema.decodeEffect(State)(bodyOf(response)))

/** A member that reads, and counts what it has read. */
class Reader {
  messages = 0
  isOpen = false
  readonly #socket: WebSocket

  constructor({ port }: Server) {
    this.#socket = new WebSocket(`ws://127.0.0.1:${port}/`, { perMessageDeflate: false })
    this.#socket.on("open", () => {
      this.isOpen = true
    })
    this.#socket.on("message", (data, isBinary) => {
      if (!isBinary && String(data).length === messageLength) this.messages++
    })
  }

  close(): void {
    this.#socket.terminate()
  }
}

const connectReader = (server: Server): Effect.Effect<Reader, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.sync(() => new Reader(server)),
    (reader) => Effect.sync(() => reader.close())
  ).pipe(
    Effect.tap((reader) =>
      until(
        "a reader is connected",
        Effect.sync(() => reader.isOpen)
      )
    )
  )

/** A member that reads nothing, from the answer to its handshake on. */
const connectDeaf = Effect.fnUntraced(function* ({ port }: Server) {
  const peer = yield* open(port)
  peer.send(
    "GET /behind HTTP/1.1\r\nHost: test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
      "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
  )
})

describe.skipIf(!isMeasurable)("a broadcast of 1 KiB to 1,000 sockets of which 10 never read", () => {
  it.live("reaches the 990 at once, ends the 10 by the write timeout, and holds no more than the marks allow", () =>
    Effect.gen(function* () {
      const server = yield* serve("broadcast", ["--max-connections", "2000", "--write-timeout", "4"])
      const members = yield* Effect.forEach(Array.from({ length: readers }), () => connectReader(server), {
        concurrency: 50
      })
      yield* Effect.forEach(Array.from({ length: deaf }), () => connectDeaf(server), { discard: true })
      yield* until(
        "the deaf ones are behind",
        Effect.map(ask(server, "/"), ({ behind, members }) => behind === deaf && members === readers + deaf)
      )
      yield* forgetPeak(server.pid)
      const before = yield* peak(server.pid)
      const watch = stopwatch()
      const broadcast = yield* Effect.forkScoped(ask(server, "/broadcast"))
      yield* until(
        "every reader has the message",
        Effect.sync(() => members.every(({ messages }) => messages === 1))
      )
      const reached = watch()
      const { behind } = yield* ask(server, "/")
      assert.strictEqual(behind, deaf, "the deaf ones are still there, and have read nothing")
      assert.isUndefined(broadcast.pollUnsafe(), "the broadcast waits for them")
      yield* Fiber.join(broadcast)
      const growth = (yield* peak(server.pid)) - before
      yield* until(
        "the deaf ones are gone",
        Effect.map(ask(server, "/"), ({ members }) => members === readers)
      )
      const { endings, maximum } = yield* ask(server, "/")
      yield* tell(
        `broadcast: 990 reached after ${reached.toFixed()} ms, growth ${inMebibytes(growth)}, at most ${maximum} bytes`
      )
      assert.isBelow(reached, 2000, "nobody waits for the deaf ones")
      assert.deepStrictEqual(
        endings,
        Array.from({ length: deaf }, () => "1006 write_timeout")
      )
      assert.isAtMost(maximum, highMark + piece + 2 * messageLength)
      assert.isBelow(growth, 16 * mebibyte)
      assert.notInclude(server.output(), "ERROR")
    })
  )
})
