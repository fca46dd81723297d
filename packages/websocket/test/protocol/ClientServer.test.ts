import { toBytes } from "@pagi/core/bytes/ByteString"
import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import { Connection } from "../../src/protocol/Connection.ts"
import { Rules } from "../../src/protocol/Rules.ts"
import { utf8 } from "../support/Frames.ts"
import { boolean, bytes, cuts, integer, oneOf, split, unicode } from "../support/Generators.ts"
import { drain, limits, machine, type PlainEvent, TextSink } from "../support/Machine.ts"

const isValidCode = oneOf(1000, 1001, 1011, 3000, 4999)

const step = Arbitrary.all({
  isFromClient: boolean,
  kind: oneOf("text", "text", "bytes", "compressed", "ping", "pong", "close"),
  text: unicode(10),
  bytes: bytes(125),
  repetitions: oneOf(1, 1, 1, 20, 700),
  code: isValidCode
})
type Step = typeof step extends Arbitrary.Arbitrary<infer A> ? A : never

interface Peer {
  readonly connection: Connection
  readonly sink: TextSink
  /** What it has been told, and what it should have been. */
  readonly events: Array<PlainEvent>
  readonly expected: Array<unknown>
}

const makePeer = (connection: Connection): Peer => ({ connection, sink: new TextSink(), events: [], expected: [] })

/** Sends, and gives the event that it should be for the other one. */
const perform = ({ connection, sink }: Peer, { kind, text, repetitions, code, ...step }: Step): unknown => {
  const content = text.repeat(repetitions)
  const payload = step.bytes.repeat(repetitions)
  switch (kind) {
    case "text":
      assert.strictEqual(connection.sendText(sink, content), utf8(content).length)
      return { type: "text", text: content }
    case "bytes":
      assert.strictEqual(connection.sendBytes(sink, toBytes(payload)), payload.length)
      return { type: "bytes", bytes: payload }
    case "compressed":
      assert.strictEqual(connection.sendCompressed(sink, true, toBytes(payload)), payload.length)
      return { type: "compressed", isText: true, bytes: payload }
    case "ping":
      connection.sendPing(sink, toBytes(step.bytes))
      return { type: "ping", bytes: step.bytes }
    case "pong":
      connection.sendPong(sink, toBytes(step.bytes))
      return { type: "pong", bytes: step.bytes }
    default:
      connection.sendClose(sink, code, text)
      return { type: "close", code, reason: text }
  }
}

/** Carries what one has written to the other, in pieces. */
const deliver = (from: Peer, to: Peer, places: ReadonlyArray<number>): void => {
  const pieces = split(from.sink.text, places)
  from.sink.text = ""
  for (const piece of pieces) {
    to.connection.receive(toBytes(piece))
    drain(to.connection, to.events)
  }
}

describe("a client and a server", () => {
  it.prop(
    "agree on every message and on how they close",
    [Arbitrary.array(step, { maxLength: 12 }), cuts, integer(0, 0xffff_ffff), isValidCode],
    ([steps, places, seed, code]) => {
      let key = seed
      const maskingKey = () => (key = Math.imul(key, 0x9e3779b1) + 1)
      const client = makePeer(new Connection(Rules.forClient(limits, true, maskingKey)))
      const server = makePeer(new Connection(Rules.forServer(limits, true)))
      for (const step of steps) {
        const [from, to] = step.isFromClient ? [client, server] : [server, client]
        const isSending = !from.connection.isCloseSent
        if (!isSending) continue
        const event = perform(from, step)
        // Only what comes before the close frame is for the other one.
        to.expected.push(event)
        if (step.kind === "close") to.expected.push({ type: "closed" })
        deliver(from, to, places)
      }
      for (const [from, to] of [
        [client, server],
        [server, client]
      ] as const) {
        if (!from.connection.isCloseSent) to.expected.push({ type: "close", code, reason: "" }, { type: "closed" })
        from.connection.sendClose(from.sink, code, "")
        deliver(from, to, places)
      }
      for (const peer of [client, server]) {
        assert.deepStrictEqual<unknown>(peer.events, peer.expected)
        assert.isTrue(peer.connection.isCloseSent && peer.connection.isCloseReceived)
        assert.strictEqual(peer.connection.bufferedLength, 0)
      }
    },
    { arbitrary: { runs: 1500, size: 40 }, timeout: 60_000 }
  )

  it("an error is told to the other one by a close frame", () => {
    const client = makePeer(machine({ role: "client" }))
    const server = makePeer(machine({ limits: { maxFrameSize: 10 } }))
    client.connection.sendText(client.sink, "a".repeat(11))
    deliver(client, server, [])
    const [error] = server.events
    assert.deepInclude(error, { type: "error", code: 1009, reason: "frame-too-large" })
    server.connection.sendClose(server.sink, 1009, String(error?.["message"]))
    deliver(server, client, [])
    assert.deepStrictEqual(client.events, [
      { type: "close", code: 1009, reason: "A frame is too large" },
      { type: "closed" }
    ])
  })
})
