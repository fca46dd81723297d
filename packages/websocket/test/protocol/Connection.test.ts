import { toBytes } from "@pagi/core/bytes/ByteString"
import { assert, describe, it } from "@effect/vitest"
import type { Connection } from "../../src/protocol/Connection.ts"
import { binary, close, fragments, frame, hex, ping, pong, text } from "../support/Frames.ts"
import { drain, machine, noLimits, read, readPieces, refusal, TextSink, written } from "../support/Machine.ts"

const client = { role: "client" } as const
const closed = { type: "closed" }

type StateName = "open" | "closeSent" | "closeReceived" | "failed" | "closed"

/** A machine in each state, and the events on the way there. */
const inState: Readonly<Record<StateName, () => Connection>> = {
  open: () => machine(),
  closeSent: () => {
    const connection = machine()
    connection.sendClose(new TextSink(), 1000, "")
    return connection
  },
  closeReceived: () => {
    const connection = machine()
    connection.receive(toBytes(close(1000)))
    assert.strictEqual(connection.next().type, "close")
    return connection
  },
  failed: () => {
    const connection = machine()
    connection.receive(toBytes(hex("83 80")))
    assert.strictEqual(connection.next().type, "error")
    return connection
  },
  closed: () => {
    const connection = inState.closeReceived()
    connection.sendClose(new TextSink(), 1000, "")
    return connection
  }
}

const states: ReadonlyArray<StateName> = ["open", "closeSent", "closeReceived", "failed", "closed"]

/** What each input comes to while frames are read; afterwards all of them are dropped. */
const inputs: Readonly<Record<string, readonly [wire: string, events: ReadonlyArray<unknown>]>> = {
  text: [text("a"), [{ type: "text", text: "a" }]],
  binary: [binary("a"), [{ type: "bytes", bytes: "a" }]],
  "fragmented text": [fragments(1, ["a", "b"]).join(""), [{ type: "text", text: "ab" }]],
  "the first fragment": [frame(1, "a", { isFinal: false }), []],
  ping: [ping("a"), [{ type: "ping", bytes: "a" }]],
  pong: [pong(""), [{ type: "pong", bytes: "" }]],
  close: [close(1001, "bye"), [{ type: "close", code: 1001, reason: "bye" }, closed]],
  "a close frame without a code": [close(), [{ type: "close", code: 1005, reason: "" }, closed]],
  nothing: ["", []],
  "half a header": [hex("81"), []]
}

describe("the state table: receiving", () => {
  for (const state of states) {
    for (const [name, [wire, events]] of Object.entries(inputs)) {
      it(`${name} in state ${state}`, () => {
        const connection = inState[state]()
        connection.receive(toBytes(wire))
        const isReading = state === "open" || state === "closeSent"
        assert.deepStrictEqual<unknown>(drain(connection), isReading ? events : [closed])
      })
    }
    for (let opcode = 0; opcode < 16; opcode++) {
      if ([0, 1, 2, 8, 9, 10].includes(opcode)) continue
      it(`opcode ${opcode} in state ${state}`, () => {
        const connection = inState[state]()
        connection.receive(toBytes(frame(opcode, "a")))
        const events = drain(connection).map((event) => event.type)
        assert.deepStrictEqual(events, state === "open" || state === "closeSent" ? ["error", "closed"] : ["closed"])
        assert.strictEqual(connection.bufferedLength, 0)
      })
    }
  }

  it("after a close frame or an error nothing is kept of what still comes", () => {
    for (const state of ["closeReceived", "failed", "closed"] as const) {
      const connection = inState[state]()
      connection.receive(new Uint8Array(100))
      assert.strictEqual(connection.bufferedLength, 0)
      assert.deepStrictEqual(drain(connection), [closed])
    }
  })
})

const sends: Readonly<
  Record<string, readonly [send: (connection: Connection, sink: TextSink) => unknown, frame: string]>
> = {
  sendText: [(connection, sink) => connection.sendText(sink, "a"), "81 01 61"],
  sendBytes: [(connection, sink) => connection.sendBytes(sink, Uint8Array.of(0xff)), "82 01 ff"],
  sendCompressed: [(connection, sink) => connection.sendCompressed(sink, true, Uint8Array.of(2, 0)), "c1 02 02 00"],
  sendPing: [(connection, sink) => connection.sendPing(sink, Uint8Array.of(1)), "89 01 01"],
  sendPong: [(connection, sink) => connection.sendPong(sink, new Uint8Array(0)), "8a 00"],
  sendClose: [(connection, sink) => connection.sendClose(sink, 1000, "x"), "88 03 03 e8 78"]
}

describe("the state table: sending", () => {
  for (const state of states) {
    for (const [name, [send, expected]] of Object.entries(sends)) {
      it(`${name} in state ${state}`, () => {
        const sink = new TextSink()
        const isOpen = state !== "closeSent" && state !== "closed"
        send(inState[state](), sink)
        assert.strictEqual(sink.text, isOpen ? hex(expected) : "")
      })
    }
  }

  it("tells how many bytes of payload were sent", () => {
    const connection = machine()
    const sink = new TextSink()
    assert.strictEqual(connection.sendText(sink, "h\u{e9}llo"), 6)
    assert.strictEqual(connection.sendBytes(sink, new Uint8Array(200)), 200)
    assert.strictEqual(connection.sendCompressed(sink, false, new Uint8Array(3)), 3)
    connection.sendClose(sink, undefined, "")
    assert.strictEqual(connection.sendText(sink, "a"), 0)
    assert.strictEqual(connection.sendBytes(sink, new Uint8Array(2)), 0)
    assert.strictEqual(connection.sendCompressed(sink, false, new Uint8Array(3)), 0)
  })

  it("knows which close frames have gone", () => {
    const facts = (state: StateName): ReadonlyArray<boolean> => {
      const connection = inState[state]()
      return [connection.isCloseSent, connection.isCloseReceived]
    }
    assert.deepStrictEqual(facts("open"), [false, false])
    assert.deepStrictEqual(facts("closeSent"), [true, false])
    assert.deepStrictEqual(facts("closeReceived"), [false, true])
    assert.deepStrictEqual(facts("failed"), [false, false])
    assert.deepStrictEqual(facts("closed"), [true, true])
  })
})

describe("RFC 6455 §5.5.1 and §7.4: received close frames", () => {
  it("without a payload there is no code", () => {
    assert.deepStrictEqual(read(close()), [{ type: "close", code: 1005, reason: "" }, closed])
    assert.deepStrictEqual(read(close(undefined, "", { key: undefined }), client), [
      { type: "close", code: 1005, reason: "" },
      closed
    ])
  })

  it("one byte of payload → 1002", () => {
    assert.strictEqual(refusal(frame(8, hex("03"))), "1002 malformed-close")
    assert.strictEqual(refusal(frame(8, hex("03"), { key: undefined }), client), "1002 malformed-close")
  })

  it("a code that may not be in a close frame → 1002", () => {
    for (const code of [0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65_535]) {
      assert.strictEqual(refusal(close(code)), "1002 invalid-close-code", String(code))
    }
    assert.strictEqual(refusal(close(1006, hex("ff"))), "1002 invalid-close-code")
  })

  it("every other code is reported", () => {
    for (const code of [
      1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999
    ]) {
      assert.deepStrictEqual(read(close(code, "why")), [{ type: "close", code, reason: "why" }, closed])
    }
  })

  it("a reason that is not UTF-8 → 1007", () => {
    for (const reason of ["ff", "61 c3", "ed a0 80", "ce ba e1 bd b9 f4 90 80 80"]) {
      assert.strictEqual(refusal(close(1000, hex(reason))), "1007 invalid-close-reason", reason)
      assert.strictEqual(
        refusal(close(1000, hex(reason), { key: undefined }), client),
        "1007 invalid-close-reason",
        reason
      )
    }
    assert.deepStrictEqual(read(close(1000, hex("e2 82 ac ef bf bd"))), [
      { type: "close", code: 1000, reason: "\u{20ac}\u{fffd}" },
      closed
    ])
  })

  it("one that is not valid is not taken for the peer's close frame", () => {
    for (const wire of [frame(8, hex("03")), close(1005), close(1000, hex("ff"))]) {
      const connection = machine()
      connection.receive(toBytes(wire))
      assert.deepStrictEqual(
        drain(connection).map((event) => event.type),
        ["error", "closed"]
      )
      assert.isFalse(connection.isCloseReceived)
    }
  })

  it("a close frame inside of a message ends it", () => {
    assert.deepStrictEqual(read(frame(1, "a", { isFinal: false }) + close(1000) + frame(0, "b")), [
      { type: "close", code: 1000, reason: "" },
      closed
    ])
  })
})

describe("limits", () => {
  const small = { limits: { maxFrameSize: 10, maxMessageSize: 15, maxFragments: 3 } }

  it("a frame beyond its limit → 1009, when its header is there", () => {
    assert.strictEqual(refusal(binary("a".repeat(10)), small), "bytes")
    assert.strictEqual(refusal(binary("a".repeat(11)).slice(0, 6), small), "1009 frame-too-large")
    assert.strictEqual(
      refusal(frame(1, "a".repeat(11), { reserved: 4 }), { ...small, compression: true }),
      "1009 frame-too-large"
    )
    assert.strictEqual(
      refusal(binary("a".repeat(11), { key: undefined }), { ...small, ...client }),
      "1009 frame-too-large"
    )
  })

  it("a message beyond its limit → 1009, when the header of the frame that exceeds it is there", () => {
    const first = frame(2, "a".repeat(10), { isFinal: false })
    assert.strictEqual(refusal(first + frame(0, "a".repeat(5)), small), "bytes")
    assert.strictEqual(refusal(first + frame(0, "a".repeat(6)).slice(0, 6), small), "1009 message-too-large")
    assert.strictEqual(refusal(text("a".repeat(16)), { limits: { maxMessageSize: 15 } }), "1009 message-too-large")
  })

  it("more frames than allowed → 1009, also empty ones", () => {
    const open = frame(1, "", { isFinal: false }) + frame(0, "", { isFinal: false })
    assert.strictEqual(refusal(open + frame(0, ""), small), "text")
    assert.strictEqual(
      refusal(open + frame(0, "", { isFinal: false }) + frame(0, ""), small),
      "1009 too-many-fragments"
    )
    assert.strictEqual(refusal(open, { limits: { maxFragments: 1 } }), "1009 too-many-fragments")
    assert.strictEqual(refusal(text("a"), { limits: { maxFragments: 1 } }), "text")
  })

  it("do not count control frames, and apply to each message alone", () => {
    const message = fragments(1, ["a", "b", "c"])
    assert.strictEqual(
      refusal(
        (message[0] ?? "") + ping("a".repeat(125)) + pong("") + message.slice(1).join("") + message.join(""),
        small
      ),
      "ping pong text text"
    )
  })

  it("0 is no limit", () => {
    const message = fragments(
      2,
      Array.from({ length: 1000 }, () => "a".repeat(100))
    )
    assert.deepStrictEqual(read(message.join(""), { limits: noLimits }), [
      { type: "bytes", bytes: "a".repeat(100_000) }
    ])
  })
})

describe("messages of an error", () => {
  it("fit into a close frame", () => {
    const events = [
      ...read(hex("f1 80")),
      ...read(hex("8a fe")),
      ...read(hex("82 ff ff")),
      ...read(close(1000, hex("ff"))),
      ...read(text("").slice(0, 1) + hex("7f"))
    ]
    for (const event of events.filter(({ type }) => type === "error")) {
      const sent = written((connection, sink) => connection.sendClose(sink, 1002, String(event["message"])))
      assert.match(String(event["message"]), /^[ -~]{1,123}$/)
      assert.strictEqual(sent.slice(4), event["message"])
    }
  })
})

describe("memory", () => {
  it("what was lent is copied by keep, and only then", () => {
    const connection = machine()
    const memory = toBytes(text("first") + text("second") + ping("third").slice(0, 8))
    connection.receive(memory, true)
    assert.deepStrictEqual(connection.next(), { type: "text", text: "first" })
    connection.keep()
    memory.fill(0)
    assert.deepStrictEqual(drain(connection), [{ type: "text", text: "second" }])
    assert.strictEqual(connection.bufferedLength, 8)
    connection.receive(toBytes(ping("third").slice(8)))
    assert.deepStrictEqual(drain(connection), [{ type: "ping", bytes: "third" }])
    assert.strictEqual(connection.bufferedLength, 0)
  })

  it("bytes are a view of owned memory, and a copy of lent memory", () => {
    for (const isLent of [false, true]) {
      const connection = machine()
      const memory = toBytes(binary("a".repeat(300)))
      connection.receive(memory, isLent)
      const event = connection.next()
      assert.strictEqual(event.type, "bytes")
      assert.strictEqual("bytes" in event && event.bytes.buffer === memory.buffer, !isLent)
    }
  })

  it("an announced length takes no memory before its bytes come", () => {
    const connection = machine({ limits: noLimits })
    const before = process.memoryUsage().arrayBuffers
    connection.receive(toBytes(hex("82 ff 00 00 00 00 1f ff ff 00 00 00 00 00 61")))
    assert.deepStrictEqual(drain(connection), [])
    assert.isBelow(process.memoryUsage().arrayBuffers - before, 100_000)
    assert.strictEqual(connection.bufferedLength, 0)
  })

  it("of an unfinished message nothing is left to be looked at", () => {
    const connection = machine()
    connection.receive(toBytes(text("a".repeat(50)).slice(0, 30)), true)
    assert.deepStrictEqual(drain(connection), [])
    assert.strictEqual(connection.bufferedLength, 0)
  })

  it("two lent chunks one after another, the first not read yet", () => {
    const connection = machine()
    connection.receive(toBytes(text("a") + text("b").slice(0, 3)), true)
    connection.keep()
    connection.receive(toBytes(text("b").slice(3) + text("c")), true)
    connection.keep()
    assert.deepStrictEqual(
      drain(connection).map((event) => event["text"]),
      ["a", "b", "c"]
    )
  })
})

describe("compressed messages", () => {
  const options = { compression: true }

  it("are reported as they are, and are not checked for UTF-8", () => {
    const payload = hex("ff fe fd c3")
    assert.deepStrictEqual(read(frame(1, payload, { reserved: 4 }), options), [
      { type: "compressed", isText: true, bytes: payload }
    ])
    assert.deepStrictEqual(readPieces(fragments(1, ["\xff", "", "\xfe\xfd", "\xc3"], { reserved: 4 }), options), [
      { type: "compressed", isText: true, bytes: payload }
    ])
    assert.deepStrictEqual(read(frame(2, "", { reserved: 4 }), options), [
      { type: "compressed", isText: false, bytes: "" }
    ])
  })

  it("may alternate with messages that are not compressed (RFC 7692 §6)", () => {
    assert.strictEqual(
      refusal(text("a") + frame(1, "b", { reserved: 4 }) + binary("c") + frame(2, "d", { reserved: 4 }), options),
      "text compressed bytes compressed"
    )
    assert.strictEqual(refusal(text("a") + frame(1, hex("ff")), options), "1007 invalid-text")
  })
})
