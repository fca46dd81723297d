import { assert, describe, it } from "@effect/vitest"
import { fromBytes } from "@pagi/core/bytes/ByteString"
import type { MemoryTransportOptions } from "@pagi/core/testing/MemoryTransport"
import type { TransportHandler } from "@pagi/core/Transport"
import * as Effect from "effect/Effect"
import { END_HEADERS } from "../../src/protocol/frame/Flag.ts"
import { echoApplication, echoProtocol } from "../support/EchoSession.ts"
import { establish, exchange, finish, makeHarness, turn } from "../support/Http2Harness.ts"
import {
  block,
  data,
  headers,
  lastData,
  opening,
  reset,
  settings,
  settingsAck,
  windowUpdate
} from "../support/WireFrames.ts"

const connect = (streamId: number): string =>
  headers(
    streamId,
    block(":method: CONNECT", ":protocol: websocket", ":scheme: https", ":path: /", ":authority: a.example"),
    END_HEADERS
  )

/** Notes what a stream tells, one line for each call. */
class Recorder implements TransportHandler {
  readonly notes: Array<string> = []
  onBytes = (_bytes: string): void => {}

  onData(bytes: Uint8Array): void {
    const text = fromBytes(bytes, 0, bytes.length)
    this.notes.push(text.length > 10 ? `${text.length} bytes` : text)
    this.onBytes(text)
  }

  onEnd(): void {
    this.notes.push("end")
  }

  onFlush(): void {}

  onBlocked(): void {
    this.notes.push("blocked")
  }

  onDrain(): void {
    this.notes.push("drained")
  }

  onClose(reason: string | undefined): void {
    this.notes.push(`closed ${reason}`)
  }
}

/** A connection with streams that have been handed over, which read nothing before `resume`. */
const tunnels = (count = 1, options?: MemoryTransportOptions, clientSettings = settings()) =>
  Effect.gen(function* () {
    const protocol = echoProtocol()
    const harness = yield* makeHarness(echoApplication, { webSocket: protocol.webSocket })
    const peer = yield* establish(harness, options)
    peer.push(clientSettings)
    for (let index = 0; index < count; index++) peer.push(connect(2 * index + 1))
    yield* turn
    peer.lines()
    const streams = protocol.sessions.map((session) => {
      const { transport } = session.connection
      const recorder = new Recorder()
      transport.pause()
      // The session must not live on with a transport that it hears nothing of.
      const close = (reason: Parameters<TransportHandler["onClose"]>[0]) => session.onClose(reason)
      const noteClose = recorder.onClose.bind(recorder)
      recorder.onClose = (reason) => {
        noteClose(reason)
        close(undefined)
      }
      transport.open(recorder)
      return { transport, recorder, notes: recorder.notes }
    })
    const [first] = streams
    if (first === undefined) return yield* Effect.die("no stream was handed over")
    return { ...first, harness, peer, streams }
  })

describe("a stream as a transport", () => {
  it.effect("has the ends of its connection", () =>
    Effect.gen(function* () {
      const tls = { version: "TLSv1.3" } as unknown as NonNullable<MemoryTransportOptions["tls"]>
      const options: MemoryTransportOptions = {
        client: ["192.0.2.1", 1234],
        server: ["192.0.2.2", 443],
        tls,
        expectedHost: "a.example"
      }
      const { harness, peer, transport } = yield* tunnels(1, options)
      assert.deepStrictEqual([transport.client, transport.server], [options.client, options.server])
      assert.deepStrictEqual([transport.secure, transport.expectedHost], [true, "a.example"])
      assert.strictEqual(transport.tls, tls)
      const plain = yield* tunnels()
      assert.deepStrictEqual([plain.transport.secure, plain.transport.tls], [false, undefined])
      yield* finish(harness, peer)
      yield* finish(plain.harness, plain.peer)
    })
  )

  it.effect("reads nothing while it is paused, and lets the client send no more than its window", () =>
    Effect.gen(function* () {
      const { harness, notes, peer, transport } = yield* tunnels()
      assert.deepStrictEqual(yield* exchange(peer, data(1, "x".repeat(16_000)).repeat(4) + data(1, "last")), [])
      assert.deepStrictEqual(notes, [])
      transport.resume()
      yield* turn
      assert.strictEqual(notes.at(-1), "last")
      assert.strictEqual(notes.filter((note) => note === "16000 bytes").length, 4)
      assert.isTrue(peer.lines().some((line) => line.startsWith("WINDOW_UPDATE 1 ")))
      transport.pause()
      peer.push(data(1, "more"))
      assert.strictEqual(notes.at(-1), "last")
      yield* finish(harness, peer)
    })
  )

  it.effect("stops in the middle of what has come when it is paused from within", () =>
    Effect.gen(function* () {
      const { harness, notes, peer, recorder, transport } = yield* tunnels()
      recorder.onBytes = () => transport.pause()
      peer.push(data(1, "a".repeat(2000)) + data(1, "b".repeat(3000)) + lastData(1, "c".repeat(4000)))
      for (const expected of ["2000 bytes", "3000 bytes", "4000 bytes"]) {
        transport.resume()
        assert.strictEqual(notes.at(-1), expected)
      }
      assert.notInclude(notes, "end")
      transport.resume()
      assert.strictEqual(notes.at(-1), "end")
      transport.resume()
      assert.strictEqual(notes.filter((note) => note === "end").length, 1)
      yield* finish(harness, peer)
    })
  )

  it.effect("hands over nothing more once it is closed from within", () =>
    Effect.gen(function* () {
      const { harness, notes, peer, recorder, transport } = yield* tunnels()
      recorder.onBytes = () => transport.reset()
      peer.push(data(1, "a".repeat(2000)) + data(1, "b".repeat(3000)))
      transport.resume()
      assert.deepStrictEqual(notes, ["2000 bytes"])
      yield* turn
      assert.deepStrictEqual(notes, ["2000 bytes", "closed undefined"])
      yield* finish(harness, peer)
    })
  )

  it.effect("gives back what nobody has read when it is closed, so that the connection's window does not shrink", () =>
    Effect.gen(function* () {
      const count = 12
      const { harness, peer, streams } = yield* tunnels(count)
      const content = 65_000
      for (let id = 1; id < 2 * count; id += 2) {
        for (let sent = 0; sent < content; sent += 13_000) peer.push(data(id, "x".repeat(13_000)))
      }
      yield* turn
      assert.deepStrictEqual(peer.lines(), [])
      for (let id = 1; id < 2 * count; id += 2) peer.push(reset(id))
      yield* turn
      // More than half of what the client may send on all streams together has been used up.
      assert.isTrue(peer.lines().some((line) => line.startsWith("WINDOW_UPDATE 0 ")))
      assert.isTrue(streams.every(({ notes }) => notes.join() === "closed client_closed"))
      yield* finish(harness, peer)
    })
  )

  it.effect("counts what waits for the client's window, and tells of the beginning and the end of that", () =>
    Effect.gen(function* () {
      const { harness, notes, peer, transport } = yield* tunnels(1, {}, settings([4, 2]))
      transport.write("abc")
      transport.flush()
      assert.deepStrictEqual(peer.lines(), ["DATA 1 ab"])
      assert.deepStrictEqual([transport.bufferedAmount, transport.isBlocked, notes], [1, true, ["blocked"]])
      assert.deepStrictEqual(yield* exchange(peer, windowUpdate(1, 10)), ["DATA 1 c"])
      assert.deepStrictEqual([transport.bufferedAmount, transport.isBlocked], [0, false])
      assert.deepStrictEqual(notes, ["blocked", "drained"])
      yield* finish(harness, peer)
    })
  )

  it.effect("counts what waits for the connection, which drains when the client reads", () =>
    Effect.gen(function* () {
      const { harness, notes, peer, transport } = yield* tunnels(1, { capacity: 1000 })
      transport.write("x".repeat(5000))
      transport.flush()
      assert.deepStrictEqual([transport.isBlocked, notes], [true, ["blocked"]])
      assert.isAtLeast(transport.bufferedAmount, 4000)
      for (let reads = 0; reads < 20 && transport.bufferedAmount > 0; reads++) {
        peer.lines()
        yield* turn
      }
      assert.deepStrictEqual([transport.bufferedAmount, transport.isBlocked, notes.at(-1)], [0, false, "drained"])
      peer.lines()
      assert.strictEqual(peer.content.get(1), 5000)
      yield* finish(harness, peer)
    })
  )

  it.effect("sends at once when it is flushed, and otherwise at the end of the turn", () =>
    Effect.gen(function* () {
      const { harness, notes, peer, transport } = yield* tunnels()
      transport.write("a")
      assert.deepStrictEqual(peer.lines(), [])
      transport.flush()
      assert.deepStrictEqual(peer.lines(), ["DATA 1 a"])
      transport.write("b")
      yield* turn
      assert.deepStrictEqual(peer.lines(), ["DATA 1 b"])
      assert.deepStrictEqual(notes, [])
      let scheduled = 0
      peer.transport.scheduleFlush = () => void scheduled++
      transport.scheduleFlush()
      assert.strictEqual(scheduled, 1)
      yield* finish(harness, peer)
    })
  )

  for (const how of ["end", "close"] as const) {
    it.effect(`is closed when both sides have ended, ours by ${how}`, () =>
      Effect.gen(function* () {
        const { harness, notes, peer, transport } = yield* tunnels()
        transport.resume()
        transport.write("bye")
        yield* turn
        transport[how]()
        yield* turn
        assert.deepStrictEqual(peer.lines(), ["DATA 1 bye", "DATA 1 END "])
        assert.deepStrictEqual(notes, [])
        yield* exchange(peer, lastData(1, "you too"))
        assert.deepStrictEqual(notes, ["end", "closed undefined"])
        yield* finish(harness, peer)
      })
    )

    it.effect(`goes on when the client has ended its side, up to our own end by ${how}`, () =>
      Effect.gen(function* () {
        const { harness, notes, peer, transport } = yield* tunnels()
        transport.resume()
        assert.deepStrictEqual(yield* exchange(peer, lastData(1, "question")), [])
        assert.deepStrictEqual(notes, ["question", "end"])
        for (const text of ["first", "second"]) {
          transport.write(text)
          yield* turn
          assert.deepStrictEqual(peer.lines(), [`DATA 1 ${text}`])
        }
        assert.deepStrictEqual(notes, ["question", "end"])
        transport[how]()
        yield* turn
        assert.deepStrictEqual(peer.lines(), ["DATA 1 END "])
        assert.deepStrictEqual(notes, ["question", "end", "closed undefined"])
        yield* finish(harness, peer)
      })
    )
  }

  it.effect("is closed only when the end of the client has been read", () =>
    Effect.gen(function* () {
      const { harness, notes, peer, transport } = yield* tunnels()
      peer.push(lastData(1, "unread"))
      transport.end()
      yield* turn
      assert.deepStrictEqual(notes, [])
      transport.resume()
      yield* turn
      assert.deepStrictEqual(notes, ["unread", "end", "closed undefined"])
      yield* finish(harness, peer)
    })
  )

  it.effect("ends behind what waits for the client's window", () =>
    Effect.gen(function* () {
      const { harness, notes, peer, transport } = yield* tunnels(1, {}, settings([4, 2]))
      transport.resume()
      yield* exchange(peer, lastData(1, ""))
      transport.write("abc")
      transport.end()
      yield* turn
      assert.deepStrictEqual(peer.lines(), ["DATA 1 ab"])
      assert.deepStrictEqual(notes, ["end"])
      assert.deepStrictEqual(yield* exchange(peer, windowUpdate(1, 1)), ["DATA 1 END c"])
      assert.include(notes, "closed undefined")
      yield* finish(harness, peer)
    })
  )

  for (const how of ["truncate", "destroy", "reset"] as const) {
    it.effect(`is reset by ${how}, and tells so in a later step, once`, () =>
      Effect.gen(function* () {
        const { harness, notes, peer, transport } = yield* tunnels()
        transport.resume()
        transport[how]()
        assert.deepStrictEqual(notes, [])
        transport[how]()
        // By the end of this turn, whatever becomes of the session.
        yield* Effect.promise(() => Promise.resolve())
        assert.deepStrictEqual(peer.lines(), ["RST_STREAM 1 CANCEL"])
        yield* turn
        assert.deepStrictEqual(notes, ["closed undefined"])
        yield* exchange(peer, data(1, "late") + reset(1))
        assert.deepStrictEqual(notes, ["closed undefined"])
        transport.write("late")
        yield* turn
        assert.deepStrictEqual(peer.lines(), [])
        yield* finish(harness, peer)
      })
    )
  }

  it.effect("is closed with its connection, for that one's reason", () =>
    Effect.gen(function* () {
      const { harness, peer, streams } = yield* tunnels(3)
      peer.transport.fail("read_error")
      yield* turn
      for (const { notes } of streams) assert.deepStrictEqual(notes, ["closed read_error"])
      yield* finish(harness, peer)
    })
  )

  it.effect("may send before the client has acknowledged anything", () =>
    Effect.gen(function* () {
      const protocol = echoProtocol()
      const harness = yield* makeHarness(echoApplication, { webSocket: protocol.webSocket })
      const peer = harness.connect()
      peer.push(opening + connect(1) + data(1, "early"))
      yield* turn
      assert.include(peer.lines(), "DATA 1 early")
      peer.push(settingsAck)
      yield* finish(harness, peer)
    })
  )
})
