import { assert, describe, it, vi } from "@effect/vitest"
import type { DisconnectReason } from "@pagi/core/DisconnectReason"
import type { Address } from "@pagi/core/contract/Address"
import type { TransportHandler } from "@pagi/core/Transport"
import * as Effect from "effect/Effect"
import { NetTransport } from "../../src/connection/NetTransport.ts"
import { writeTurns } from "../../src/connection/WriteTurns.ts"
import type { AcceptedSocket } from "../../src/listen/SharedRead.ts"
import { TurnQueue } from "../../src/connection/TurnQueue.ts"
import { open } from "../support/Client.ts"
import { listenTcp } from "../support/Listen.ts"
import { turns, until } from "../support/Until.ts"

/** Notes what a transport tells its driver. */
class Recorder implements TransportHandler {
  readonly events: Array<string> = []
  readonly received: Array<Uint8Array> = []
  reason: DisconnectReason | undefined = undefined
  onFlush = (): void => {}

  onData(bytes: Uint8Array): void {
    this.events.push("data")
    this.received.push(Buffer.from(bytes))
  }

  onEnd(): void {
    this.events.push("end")
  }

  onBlocked(): void {
    this.events.push("blocked")
  }

  onDrain(): void {
    this.events.push("drain")
  }

  onClose(reason: DisconnectReason | undefined): void {
    this.events.push("close")
    this.reason = reason
  }

  get closed(): Effect.Effect<void> {
    return until("the transport closes", () => this.events.at(-1) === "close")
  }
}

/** A transport, its socket, and the client at the other end. */
const connected = Effect.gen(function* () {
  const accepted: Array<[AcceptedSocket, Address | undefined]> = []
  const { address } = yield* listenTcp({
    host: "127.0.0.1",
    port: 0,
    backlog: 1,
    onAcceptError: () => {},
    onSocket: (socket, server) => accepted.push([socket, server])
  })
  const client = yield* open(address[1] ?? 0, { allowHalfOpen: true })
  yield* until("the connection is accepted", () => accepted.length === 1)
  const [first] = accepted
  if (first === undefined) return yield* Effect.die("nothing was accepted")
  const [{ socket }] = first
  yield* Effect.addFinalizer(() => Effect.sync(() => socket.destroy()))
  let logged = 0
  const transport = new NetTransport(...first, new TurnQueue(() => logged++, undefined))
  const recorder = new Recorder()
  transport.open(recorder)
  return { client, recorder, socket, transport, logged: () => logged }
})

/** Writes pieces until the operating system takes no more; answers how many bytes it was. */
const writeUntilBlocked = (transport: NetTransport, recorder: Recorder, piece: string | Uint8Array) =>
  Effect.gen(function* () {
    let written = 0
    while (!recorder.events.includes("blocked")) {
      transport.write(piece)
      written += piece.length
      yield* turns(1)
    }
    return written
  })

describe("NetTransport", () => {
  for (const [name, piece] of [
    ["text", "x".repeat(100_000)],
    ["arrays", new Uint8Array(100_000)],
    ["more than is handed over at once", new Uint8Array(1_000_000)]
  ] as const) {
    it.live(`counts exactly what the system has not taken: ${name}`, () =>
      Effect.gen(function* () {
        const { client, recorder, socket, transport } = yield* connected
        client.socket.pause()
        let written = yield* writeUntilBlocked(transport, recorder, piece)
        assert.isAbove(socket.writableLength, 0)
        assert.strictEqual(transport.bufferedAmount, written - socket.bytesWritten + socket.writableLength)

        transport.write("x".repeat(77))
        transport.write(new Uint8Array(10_000))
        written += 10_077
        assert.strictEqual(transport.bufferedAmount, written - socket.bytesWritten + socket.writableLength)

        client.socket.resume()
        yield* until("everything arrives", () => client.received === written)
        yield* until("everything has been taken", () => transport.bufferedAmount === 0)
        assert.include(recorder.events, "drain")
      })
    )
  }

  it.live("knows that the peer has taken some of what blocks before it has taken all", () =>
    Effect.gen(function* () {
      // Batches become large for a peer that is fast, and so it seems to be where no time passes.
      yield* Effect.acquireRelease(
        Effect.sync(() => vi.spyOn(performance, "now").mockReturnValue(performance.now())),
        (spy) => Effect.sync(() => spy.mockRestore())
      )
      const { client, recorder, socket, transport } = yield* connected
      client.socket.pause()
      // Handed over in batches, of which the system takes a large one in parts.
      transport.write(new Uint8Array(20_000_000))
      yield* turns(10)
      assert.isFalse(transport.tookSome())
      client.socket.on("data", () => client.socket.pause())
      let told = recorder.events.length
      yield* until("the peer has taken some, and no drain is told", () => {
        const hasTakenSome = transport.tookSome() && recorder.events.length === told
        told = recorder.events.length
        client.socket.resume()
        return hasTakenSome
      })
      assert.isAbove(socket.writableLength, 0)
    })
  )

  it.live("tells of no drain when the peer resets the connection, only of its end", () =>
    Effect.gen(function* () {
      const { client, recorder, transport } = yield* connected
      client.socket.pause()
      yield* writeUntilBlocked(transport, recorder, new Uint8Array(1_000_000))
      client.socket.resetAndDestroy()
      yield* recorder.closed
      assert.deepStrictEqual(recorder.events, ["blocked", "close"])
      assert.strictEqual(recorder.reason, "client_closed")
    })
  )

  it.live("takes a peer that has closed and then resets for one that has left", () =>
    Effect.gen(function* () {
      const { client, recorder, transport } = yield* connected
      transport.pause()
      client.socket.destroy()
      yield* until("the writes fail", () => {
        transport.write("x")
        transport.flush()
        return recorder.events.includes("close")
      })
      assert.strictEqual(recorder.reason, "client_closed")
    })
  )

  for (const [what, code, syscall, reason] of [
    ["no answer from a peer for too long", "ETIMEDOUT", "read", "client_timeout"],
    ["a read that fails", "EHOSTUNREACH", "read", "read_error"],
    ["a write that fails", "EHOSTUNREACH", "write", "write_error"]
  ] as const) {
    it.live(`tells apart ${what}`, () =>
      Effect.gen(function* () {
        const { recorder, socket } = yield* connected
        // As the system tells of them, which nothing on the loopback interface makes it do.
        socket.destroy(Object.assign(new Error(code), { code, syscall }))
        yield* recorder.closed
        assert.strictEqual(recorder.reason, reason)
      })
    )
  }

  it.live("tells of the peer's end and still writes", () =>
    Effect.gen(function* () {
      const { client, recorder, transport } = yield* connected
      client.socket.end("question")
      yield* until("the end is seen", () => recorder.events.includes("end"))
      assert.strictEqual(Buffer.concat(recorder.received).toString(), "question")
      transport.write("answer")
      transport.end()
      yield* client.ended
      assert.strictEqual(client.text, "answer")
      yield* recorder.closed
      assert.strictEqual(recorder.reason, undefined)
    })
  )

  it.live("ends only after everything that was written", () =>
    Effect.gen(function* () {
      const { client, recorder, transport } = yield* connected
      client.socket.pause()
      const written = yield* writeUntilBlocked(transport, recorder, new Uint8Array(1_000_000))
      transport.write("last")
      transport.end()
      transport.end()
      client.socket.resume()
      yield* client.ended
      assert.strictEqual(client.received, written + 4)
      client.socket.end()
      yield* recorder.closed
    })
  )

  it.live("drops what is written behind the end", () =>
    Effect.gen(function* () {
      const { client, recorder, transport } = yield* connected
      const writeMore = () => {
        transport.write("x".repeat(77))
        transport.write(new Uint8Array(10_000))
        transport.flush()
      }
      client.socket.pause()
      const written = yield* writeUntilBlocked(transport, recorder, new Uint8Array(1_000_000))
      transport.end()
      const { bufferedAmount } = transport
      writeMore()
      assert.strictEqual(transport.bufferedAmount, bufferedAmount)
      client.socket.resume()
      yield* client.ended
      assert.strictEqual(client.received, written)
      yield* until("everything has been taken", () => transport.bufferedAmount === 0)
      writeMore()
      yield* turns(1)
      assert.strictEqual(transport.bufferedAmount, 0)
      client.socket.end()
      yield* recorder.closed
    })
  )

  for (const [what, takeAway] of [
    ["was transferred", (buffer: ArrayBuffer) => void structuredClone(buffer, { transfer: [buffer] })],
    ["has become shorter", (buffer: ArrayBuffer) => buffer.resize(10)]
  ] as const) {
    it.live(`is reset when an array that waits ${what}: nothing could follow it`, () =>
      Effect.gen(function* () {
        const { client, logged, recorder, transport } = yield* connected
        client.socket.pause()
        const written = yield* writeUntilBlocked(transport, recorder, new Uint8Array(1_000_000))
        const buffer = new ArrayBuffer(100_000, { maxByteLength: 100_000 })
        transport.write(new Uint8Array(buffer))
        transport.write("what follows")
        takeAway(buffer)
        client.socket.resume()
        yield* recorder.closed
        yield* client.closed
        assert.isAtMost(client.received, written)
        assert.strictEqual(recorder.reason, "server_error")
        assert.strictEqual(transport.bufferedAmount, 0)
        assert.strictEqual(logged(), 1)
      })
    )
  }

  /** Five others, a crowd, write so much that a megabyte or two are left of what may be written in the turn. */
  const crowd = () => {
    for (let count = 0; count < 5; count++) writeTurns.note({ turn: -1, written: 0 }, 1_300_000)
  }

  it.live("lets others go first when it has written much, and goes on by itself", () =>
    Effect.gen(function* () {
      const { client, recorder, socket, transport } = yield* connected
      const piece = new Uint8Array(65_536)
      let written = 0
      // More than any turn takes; without a limit only the system's own would end it.
      const writeAll = () => {
        while (written < 8_000_000 && !transport.isBlocked) {
          transport.write(piece)
          written += piece.length
        }
      }
      recorder.onFlush = writeAll
      crowd()
      writeAll()
      assert.isTrue(transport.isBlocked)
      assert.isAtMost(written, 3_000_000)
      assert.strictEqual(transport.bufferedAmount, written - socket.bytesWritten + socket.writableLength)
      yield* until("all of it arrives", () => client.received === written && written >= 8_000_000)
      assert.include(recorder.events, "drain")
      assert.strictEqual(transport.bufferedAmount, 0)
    })
  )

  it.live("hands over what waits for its turn when it is destroyed", () =>
    Effect.gen(function* () {
      const { client, recorder, transport } = yield* connected
      const piece = new Uint8Array(65_536)
      let written = 0
      crowd()
      for (; !transport.isBlocked; written += piece.length) transport.write(piece)
      transport.destroy()
      yield* client.ended
      assert.strictEqual(client.received, written)
      yield* recorder.closed
    })
  )

  it.live("hands an array and the text around it over in one piece", () =>
    Effect.gen(function* () {
      const { client, socket, transport } = yield* connected
      const calls: Array<string> = []
      for (const name of ["_write", "_writev"] as const) {
        const original = socket[name]
        Object.assign(socket, {
          [name]: (...parameters: ReadonlyArray<unknown>) => {
            calls.push(name)
            return Reflect.apply(original ?? assert.fail, socket, parameters)
          }
        })
      }
      transport.write("head ")
      transport.write(new Uint8Array(10_000).fill(0x2d))
      transport.write(" tail")
      yield* client.endsWith("- tail")
      assert.strictEqual(client.text, `head ${"-".repeat(10_000)} tail`)
      assert.deepStrictEqual(calls, ["_writev"])
    })
  )

  it.live("lets the driver add to what is written at the end of the turn", () =>
    Effect.gen(function* () {
      const { client, recorder, transport } = yield* connected
      recorder.onFlush = () => {
        recorder.onFlush = () => {}
        transport.write("second")
      }
      transport.write("first, ")
      yield* until("something arrives", () => client.received > 0)
      assert.strictEqual(client.text, "first, second")
    })
  )

  it.live("asks the driver at the end of the turn also when nothing was written", () =>
    Effect.gen(function* () {
      const { recorder, transport } = yield* connected
      let flushes = 0
      recorder.onFlush = () => {
        flushes++
      }
      transport.scheduleFlush()
      transport.scheduleFlush()
      assert.strictEqual(flushes, 0)
      yield* turns(1)
      assert.strictEqual(flushes, 1)
    })
  )

  it.live("resets so that the peer cannot take what it has for complete", () =>
    Effect.gen(function* () {
      const { client, recorder, transport } = yield* connected
      transport.write("half of it")
      transport.flush()
      yield* client.endsWith("half of it")
      transport.reset()
      yield* client.closed
      assert.strictEqual(client.errorCode, "ECONNRESET")
      yield* recorder.closed
    })
  )

  it.live("flushes what the system takes before it is destroyed", () =>
    Effect.gen(function* () {
      const { client, recorder, transport } = yield* connected
      transport.write("last words")
      transport.destroy()
      transport.destroy()
      yield* client.ended
      assert.strictEqual(client.text, "last words")
      yield* recorder.closed
      assert.deepStrictEqual(recorder.events, ["close"])
    })
  )

  it.live("does not read while it is paused", () =>
    Effect.gen(function* () {
      const { client, recorder, transport } = yield* connected
      client.send("first")
      yield* until("it arrives", () => recorder.received.length > 0)
      transport.pause()
      client.send("second")
      yield* turns(50)
      assert.strictEqual(Buffer.concat(recorder.received).toString(), "first")
      transport.resume()
      yield* until("it arrives", () => Buffer.concat(recorder.received).toString() === "firstsecond")
    })
  )

  it.live("knows both ends of the connection", () =>
    Effect.gen(function* () {
      const { client, transport } = yield* connected
      assert.deepStrictEqual(transport.client, ["127.0.0.1", client.socket.localPort ?? 0])
      assert.deepStrictEqual(transport.server, ["127.0.0.1", client.socket.remotePort ?? 0])
      assert.isFalse(transport.secure)
    })
  )
})
