import { toBytes } from "@pagi/core/bytes/ByteString"
import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import type { Connection } from "../../src/protocol/Connection.ts"
import { close, frame, utf8 } from "../support/Frames.ts"
import {
  anyFrame,
  boolean,
  bytes,
  conversation,
  cuts,
  integer,
  likelyFrame,
  mutate,
  mutation,
  oneOf,
  split,
  type WireMessage
} from "../support/Generators.ts"
import { machine, type MachineOptions, type PlainEvent, readLent, readPieces, TextSink } from "../support/Machine.ts"

const options = (role: "server" | "client"): MachineOptions => ({ role, compression: true })

const expectedOf = (messages: ReadonlyArray<WireMessage>): ReadonlyArray<unknown> =>
  messages.map((message) => message.event)

const wireOf = (messages: ReadonlyArray<WireMessage>): string => messages.map((message) => message.wire).join("")

for (const role of ["server", "client"] as const) {
  const messages = conversation(role === "server")

  describe(`Connection properties: ${role}`, () => {
    it.prop(
      "any split of valid messages gives their events, in lent memory or not",
      [messages, cuts, integer(1, 4)],
      ([sent, places, rhythm]) => {
        const pieces = split(wireOf(sent), places)
        const expected = expectedOf(sent)
        assert.deepStrictEqual<unknown>(readPieces(pieces, options(role)), expected)
        assert.deepStrictEqual<unknown>(readLent(pieces, options(role)), expected)
        assert.deepStrictEqual<unknown>(
          readLent(pieces, options(role), (index) => index % rhythm === 0),
          expected
        )
      },
      { arbitrary: { runs: 600, size: 40 }, timeout: 60_000 }
    )

    it.prop(
      "byte by byte gives the same events",
      [messages],
      ([sent]) => {
        const wire = wireOf(sent).slice(0, 5000)
        const whole = readPieces([wire], options(role))
        assert.deepStrictEqual(readPieces([...wire], options(role)), whole)
        assert.deepStrictEqual(readLent([...wire], options(role)), whole)
      },
      { arbitrary: { runs: 100, size: 30 }, timeout: 60_000 }
    )
  })
}

const agree = (wire: string, places: ReadonlyArray<number>, options: MachineOptions): ReadonlyArray<PlainEvent> => {
  const whole = readPieces([wire], options)
  const pieces = split(wire, places)
  assert.deepStrictEqual(readPieces(pieces, options), whole)
  assert.deepStrictEqual(readLent(pieces, options), whole)
  return whole
}

describe("whatever a peer sends", () => {
  const anyOptions = Arbitrary.all({ role: oneOf<"server" | "client">("server", "client"), compression: boolean })

  it.prop(
    "random bytes neither throw nor hang, and mean the same in any split",
    [bytes(60), cuts, anyOptions],
    ([wire, places, options]) => {
      assert.isBelow(agree(wire, places, options).length, 60)
    },
    { arbitrary: { runs: 5000, size: 60 }, timeout: 60_000 }
  )

  it.prop(
    "frames of any kind",
    [Arbitrary.array(anyFrame, { maxLength: 8 }), cuts, anyOptions],
    ([frames, places, options]) => {
      agree(frames.join(""), places, options)
    },
    { arbitrary: { runs: 5000, size: 40 }, timeout: 60_000 }
  )

  it.prop(
    "frames in an order that may be wrong",
    [Arbitrary.array(likelyFrame, { maxLength: 12 }), cuts],
    ([frames, places]) => {
      agree(frames.join(""), places, { compression: true, limits: { maxFragments: 3, maxMessageSize: 140 } })
    },
    { arbitrary: { runs: 5000, size: 40 }, timeout: 60_000 }
  )

  it.prop(
    "mutations of valid messages",
    [conversation(true), Arbitrary.array(mutation, { minLength: 1, maxLength: 3 }), cuts],
    ([sent, mutations, places]) => {
      const wire = mutations.reduce(mutate, wireOf(sent).slice(0, 4000))
      agree(wire, places, { compression: true, limits: { maxFrameSize: 3000 } })
    },
    { arbitrary: { runs: 2000, size: 40 }, timeout: 60_000 }
  )

  it.prop(
    "text that is not UTF-8 fails with the byte that makes it so, wherever frames end",
    [
      Arbitrary.array(oneOf("a", "\u{e9}", "\u{20ac}", "\u{1f600}"), { maxLength: 30 }),
      oneOf("\xff", "\xc0", "\xf5", "\xe9a"),
      cuts
    ],
    ([characters, mistake, places]) => {
      const valid = utf8(characters.join(""))
      const parts = split(valid, places)
      const wire =
        parts.map((part, index) => frame(index === 0 ? 1 : 0, part, { isFinal: false })).join("") +
        frame(0, `${mistake}${"a".repeat(50)}`).slice(0, 6 + mistake.length)
      const pieces = [...wire]
      const last = pieces.pop() ?? ""
      const before = readPieces(pieces, { limits: { maxFragments: 0 } })
      assert.deepStrictEqual(before, [])
      const [error] = readPieces([...pieces, last], { limits: { maxFragments: 0 } })
      assert.deepInclude(error, { type: "error", code: 1007, reason: "invalid-text" })
    },
    { arbitrary: { runs: 1000, size: 40 }, timeout: 60_000 }
  )
})

const payload = Uint8Array.of(0x61, 0xff)

const actions = {
  receive: (connection: Connection, _: TextSink, wire: string) => connection.receive(toBytes(wire)),
  receiveLent: (connection: Connection, _: TextSink, wire: string) => {
    const memory = toBytes(wire)
    connection.receive(memory, true)
    connection.keep()
    memory.fill(0xa5)
  },
  keep: (connection: Connection) => connection.keep(),
  next: (connection: Connection) => connection.next(),
  sendText: (connection: Connection, sink: TextSink) => connection.sendText(sink, "\u{20ac}"),
  sendBytes: (connection: Connection, sink: TextSink) => connection.sendBytes(sink, payload),
  sendCompressed: (connection: Connection, sink: TextSink) => connection.sendCompressed(sink, true, payload),
  sendPing: (connection: Connection, sink: TextSink) => connection.sendPing(sink, payload),
  sendPong: (connection: Connection, sink: TextSink) => connection.sendPong(sink, payload),
  sendClose: (connection: Connection, sink: TextSink) => connection.sendClose(sink, 1000, "")
}

const action = Arbitrary.all([
  oneOf<keyof typeof actions>(
    "receive",
    "receive",
    "receiveLent",
    "keep",
    "next",
    "next",
    "next",
    "sendText",
    "sendBytes",
    "sendCompressed",
    "sendPing",
    "sendPong",
    "sendClose"
  ),
  oneOf(
    "",
    frame(1, "abc"),
    frame(1, "ab", { isFinal: false }),
    frame(0, "\xe2\x82", { isFinal: false }),
    frame(0, "\xac"),
    frame(9, "p"),
    frame(2, "x".repeat(200)).slice(0, 50),
    close(1000),
    frame(3, ""),
    "\x81"
  )
])

describe("every state × input", () => {
  it.prop(
    "no order of calls throws, sends behind a close frame, or gets out of a final state",
    [Arbitrary.array(action, { maxLength: 40 }), oneOf<"server" | "client">("server", "client")],
    ([calls, role]) => {
      const connection = machine({ role, compression: true })
      const sink = new TextSink()
      let hasEnded = false
      let lengthWhenClosed: number | undefined
      for (const [name, wire] of calls) {
        const result = actions[name](connection, sink, wire)
        if (connection.isCloseSent) lengthWhenClosed ??= sink.text.length
        if (name !== "next" || typeof result !== "object") continue
        if (hasEnded) assert.strictEqual(result.type, "closed")
        hasEnded ||= result.type === "closed" || result.type === "error" || result.type === "close"
        if (result.type === "close") assert.isTrue(connection.isCloseReceived)
      }
      assert.strictEqual(
        connection.isCloseSent,
        calls.some(([name]) => name === "sendClose")
      )
      if (lengthWhenClosed !== undefined) assert.strictEqual(sink.text.length, lengthWhenClosed)
      if (hasEnded) assert.strictEqual(connection.bufferedLength, 0)
    },
    { arbitrary: { runs: 5000, size: 40 }, timeout: 60_000 }
  )
})
