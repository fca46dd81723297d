import { assert, describe, it } from "@effect/vitest"
import type { DisconnectReason } from "@pagi/core/DisconnectReason"
import type { TransportHandler } from "@pagi/core/Transport"
import * as Effect from "effect/Effect"
import { NetTransport } from "../../src/connection/NetTransport.ts"
import { TurnQueue } from "../../src/connection/TurnQueue.ts"
import { queuedBytes } from "../../src/connection/WriteQueue.ts"
import type { AcceptedSocket } from "../../src/listen/SharedRead.ts"
import { type Client, open } from "../support/Client.ts"
import { listenTcp } from "../support/Listen.ts"
import { until } from "../support/Until.ts"

class Recorder implements TransportHandler {
  readonly events: Array<string> = []
  onData = (): void => {}
  onEnd = (): void => {}
  onFlush = (): void => {}
  onBlocked = (): void => void this.events.push("blocked")
  onDrain = (): void => void this.events.push("drain")
  onClose = (reason: DisconnectReason | undefined): void => void this.events.push(`close ${reason}`)
}

/** A transport whose socket has written before, so that writes go past its stream, and how often the stream is used. */
const connected = Effect.gen(function* () {
  const accepted: Array<AcceptedSocket> = []
  const { address } = yield* listenTcp({
    host: "127.0.0.1",
    port: 0,
    backlog: 1,
    onAcceptError: () => {},
    onSocket: (socket) => accepted.push(socket)
  })
  const client = yield* open(address[1] ?? 0, { allowHalfOpen: true })
  yield* until("the connection is accepted", () => accepted.length === 1)
  const [first] = accepted
  if (first === undefined) return yield* Effect.die("nothing was accepted")
  const { socket } = first
  yield* Effect.addFinalizer(() => Effect.sync(() => socket.destroy()))
  const transport = new NetTransport(first, undefined, new TurnQueue(() => {}, undefined))
  const recorder = new Recorder()
  transport.open(recorder)
  transport.write("first")
  transport.flush()
  const stream = { writes: 0 }
  const write = socket.write.bind(socket)
  Object.assign(socket, {
    write: (...parameters: Parameters<typeof write>) => {
      stream.writes++
      return write(...parameters)
    }
  })
  return { client, recorder, socket, stream, transport }
})

const piece = (number: number): string => String(number % 10).repeat(9999)

/** Writes until the system takes no more; answers how many pieces that were. */
const fill = (transport: NetTransport): number => {
  let count = 0
  for (; !transport.isBlocked; count++) {
    transport.write(piece(count))
    transport.flush()
  }
  return count
}

const arrives = (client: Client, text: string) =>
  Effect.andThen(
    until("everything arrives", () => client.received >= text.length),
    Effect.sync(() => assert.isTrue(client.text === text))
  )

describe("short texts", () => {
  it.live("go past the stream of the socket", () =>
    Effect.gen(function* () {
      const { client, recorder, stream, transport } = yield* connected
      for (const text of ["a", "\u00ff", "b".repeat(16_384)]) {
        transport.write(text)
        transport.flush()
      }
      assert.strictEqual(stream.writes, 0)
      transport.write("c".repeat(16_385))
      transport.flush()
      assert.strictEqual(stream.writes, 1)
      assert.deepStrictEqual(recorder.events, [])
      yield* arrives(client, `firsta\u00ff${"b".repeat(16_384)}${"c".repeat(16_385)}`)
    })
  )

  it.live("wait for a peer that is behind, are counted, and go on in order", () =>
    Effect.gen(function* () {
      const { client, recorder, socket, transport } = yield* connected
      client.socket.pause()
      const count = fill(transport)
      assert.isAbove(queuedBytes(socket), 0)
      assert.strictEqual(transport.bufferedAmount, queuedBytes(socket))
      transport.write("more")
      assert.strictEqual(transport.bufferedAmount, queuedBytes(socket) + 4)
      assert.deepStrictEqual(recorder.events, ["blocked"])
      client.socket.resume()
      const pieces = Array.from({ length: count }, (_, number) => piece(number)).join("")
      yield* arrives(client, `first${pieces}more`)
      yield* until("the system has taken everything", () => recorder.events.includes("drain"))
      assert.strictEqual(transport.bufferedAmount, 0)
      // Again, with a request that was not in use before.
      client.socket.pause()
      const again = fill(transport)
      client.socket.resume()
      yield* until("everything arrives again", () => client.received === 9 + (count + again) * 9999)
      transport.end()
      yield* client.ended
    })
  )

  it.live("end in order behind what waits when the connection ends", () =>
    Effect.gen(function* () {
      const { client, transport } = yield* connected
      client.socket.pause()
      const count = fill(transport)
      transport.end()
      client.socket.resume()
      yield* client.ended
      assert.strictEqual(client.received, 5 + count * 9999)
    })
  )

  for (const [name, isBlocked] of [
    ["that is behind", true],
    ["that is not", false]
  ] as const) {
    it.live(`to a peer ${name} and resets the connection end it, as by the stream`, () =>
      Effect.gen(function* () {
        const { client, recorder, transport } = yield* connected
        client.socket.pause()
        if (isBlocked) fill(transport)
        client.socket.resetAndDestroy()
        yield* until("the connection is closed", () => {
          transport.write("x")
          return recorder.events.at(-1)?.startsWith("close") === true
        })
        assert.deepStrictEqual(recorder.events, [...(isBlocked ? ["blocked"] : []), "close client_closed"])
      })
    )
  }

  it.live("are lost without harm when the socket is destroyed while they wait", () =>
    Effect.gen(function* () {
      const { client, recorder, transport } = yield* connected
      client.socket.pause()
      fill(transport)
      transport.destroy()
      yield* until("the connection is closed", () => recorder.events.includes("close undefined"))
      transport.write("late")
      transport.flush()
    })
  )
})
