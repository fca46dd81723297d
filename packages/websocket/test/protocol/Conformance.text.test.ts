/** The ground of categories 6 and 7 of the Autobahn test suite, from RFC 6455 and RFC 3629 and at the machine. */
import { toBytes } from "@pagi/core/bytes/ByteString"
import { assert, describe, it } from "@effect/vitest"
import { chop, close, fragments, frame, hex, key, ping, text, utf8 } from "../support/Frames.ts"
import { drain, machine, type PlainEvent, read, readLent, readPieces, refusal } from "../support/Machine.ts"
import { firstImpossible } from "../support/Utf8Reference.ts"

const many = { limits: { maxFragments: 0 } }

/** Bytes as the payload of text messages in every way in which they can come. */
const ways = (payload: string): ReadonlyArray<readonly [name: string, events: ReadonlyArray<PlainEvent>]> => {
  const whole = frame(1, payload)
  const perByte = fragments(1, payload === "" ? [""] : [...payload]).join("")
  const inThree = fragments(1, payload === "" ? ["", "", ""] : chop(payload, Math.ceil(payload.length / 3))).join("")
  return [
    ["whole", read(whole)],
    ["byte by byte", readPieces([...whole])],
    ["lent, byte by byte", readLent([...whole])],
    ["in frames of a byte", read(perByte, many)],
    ["in frames of a byte, byte by byte", readPieces([...perByte], many)],
    ["in three frames", read(inThree)],
    ["to a client", read(frame(1, payload, { key: undefined }), { role: "client" })],
    ["to a client, byte by byte", readLent([...frame(1, payload, { key: undefined })], { role: "client" })]
  ]
}

const accepts = (content: string): void => {
  for (const [way, events] of ways(utf8(content)))
    assert.deepStrictEqual(events, [{ type: "text", text: content }], way)
}

const refuses = (payload: string): void => {
  for (const [way, events] of ways(payload)) {
    assert.deepInclude(events[0], { type: "error", code: 1007, reason: "invalid-text" }, way)
    assert.strictEqual(events.length, 2, way)
  }
}

describe("6: UTF-8 in text messages (RFC 6455 §8.1)", () => {
  it("6.1: text may be empty, also in every frame", () => {
    accepts("")
    assert.deepStrictEqual(read(fragments(1, ["", "", ""]).join("")), [{ type: "text", text: "" }])
    assert.deepStrictEqual(read(fragments(1, ["", utf8("\u{1f600}"), ""]).join("")), [
      { type: "text", text: "\u{1f600}" }
    ])
  })

  it("6.2: valid text, cut anywhere", () => {
    accepts("Hello-\u{b5}@\u{df}\u{f6}\u{e4}\u{fc}\u{e0}\u{e1}-UTF-8!!")
    accepts("\u{3ba}\u{1f79}\u{3c3}\u{3bc}\u{3b5}")
    accepts("a\u{fffd}b\u{feff}c\0d")
  })

  it("6.3: text that is not UTF-8", () => {
    refuses(utf8("\u{3ba}\u{1f79}\u{3c3}\u{3bc}\u{3b5}") + hex("ed a0 80") + utf8("edited"))
    refuses(hex("ff"))
    refuses(`${"a".repeat(70)}\xff${"b".repeat(70)}`)
  })

  it("6.4: fails with the first byte that makes it invalid, without waiting for more", () => {
    const start = utf8("\u{3ba}\u{1f79}\u{3c3}\u{3bc}\u{3b5}")
    const payloads = [
      `${start}${hex("f4 90 80 80")}edited`,
      `${start}${hex("ed a0 80")}`,
      `${start}${hex("f0 8f bf bf")}`,
      `${start}${hex("c0 80")}`,
      `${start}${hex("e2 28 a1")}`
    ]
    for (const payload of payloads) {
      const failure = firstImpossible(payload)
      for (const wire of [frame(1, payload), frame(1, payload, { isFinal: false })]) {
        const before = wire.slice(0, 6 + failure)
        assert.deepStrictEqual(readPieces([before]), [])
        assert.deepStrictEqual(readPieces([...before]), [])
        const [error] = readPieces([before, wire.slice(6 + failure, 7 + failure)])
        assert.deepInclude(error, { code: 1007, reason: "invalid-text" })
      }
      const inFrames = fragments(1, [payload.slice(0, failure), payload.slice(failure), ""])
      assert.deepInclude(readPieces(inFrames.slice(0, 2))[0], { code: 1007, reason: "invalid-text" })
    }
  })

  it("6.5 to 6.7: the first and last character of every length", () => {
    for (const code of [0, 0x7f, 0x80, 0x7ff, 0x800, 0xffff, 0x1_0000, 0x10_ffff]) accepts(String.fromCodePoint(code))
  })

  it("6.8, 6.9: beyond U+10FFFF, and the lengths that UTF-8 once had", () => {
    for (const digits of [
      "f4 90 80 80",
      "f7 bf bf bf",
      "f8 88 80 80 80",
      "fb bf bf bf bf",
      "fc 84 80 80 80 80",
      "fd bf bf bf bf bf"
    ]) {
      refuses(hex(digits))
    }
  })

  it("6.10, 6.11: both sides of the surrogates, and the noncharacters, which are valid", () => {
    for (const code of [0xd7ff, 0xe000, 0xfffd, 0xfffe, 0xffff, 0x1_fffe, 0xf_ffff, 0x10_fffe]) {
      accepts(String.fromCodePoint(code))
    }
  })

  it("6.12 to 6.14: continuation bytes alone, and first bytes alone", () => {
    for (const digits of ["80", "bf", "80 bf", "80 bf 80 bf 80", "61 80"]) refuses(hex(digits))
    for (let byte = 0xc0; byte <= 0xff; byte++) refuses(`${String.fromCharCode(byte)} `)
  })

  it("6.15, 6.16: the last byte of a character is missing", () => {
    for (const digits of ["c2", "df", "e0 a0", "e1 80", "ed 9f", "ef bf", "f0 90 80", "f3 bf bf", "f4 8f bf"]) {
      refuses(hex(digits))
      refuses(`${hex(digits)}a`)
      refuses(hex(digits).repeat(2))
    }
  })

  it("6.17 to 6.19: longer than needed", () => {
    for (const digits of [
      "c0 af",
      "e0 80 af",
      "f0 80 80 af",
      "c1 bf",
      "e0 9f bf",
      "f0 8f bf bf",
      "c0 80",
      "e0 80 80",
      "f0 80 80 80"
    ]) {
      refuses(hex(digits))
    }
  })

  it("6.20, 6.21: surrogates, alone and in pairs", () => {
    for (const digits of [
      "ed a0 80",
      "ed ad bf",
      "ed af bf",
      "ed b0 80",
      "ed be 80",
      "ed bf bf",
      "ed a0 80 ed b0 80",
      "ed af bf ed bf bf"
    ]) {
      refuses(hex(digits))
    }
  })

  it("a character may be cut by frames and pieces at once, with pings in between", () => {
    const [first = "", second = "", third = "", fourth = ""] = fragments(1, [...utf8("\u{1f600}")])
    const wire = first + ping("a") + second + ping("") + third + fourth
    for (const size of [1, 2, 3, 5, 100]) {
      assert.deepStrictEqual(readPieces(chop(wire, size)).at(-1), { type: "text", text: "\u{1f600}" })
    }
  })

  it("binary messages are not looked at", () => {
    assert.strictEqual(refusal(frame(2, hex("ff fe ed a0 80"))), "bytes")
  })
})

describe("7: closing (RFC 6455 §5.5.1 and §7)", () => {
  const closeEvents = (code: number, reason = ""): ReadonlyArray<unknown> => [
    { type: "close", code, reason },
    { type: "closed" }
  ]

  it("7.1.1 to 7.1.4: nothing behind a close frame is read", () => {
    for (const behind of [close(1000), ping(""), text("a"), frame(3, ""), hex("ff ff ff"), "a".repeat(1000)]) {
      assert.deepStrictEqual<unknown>(read(text("a") + close(1000) + behind), [
        { type: "text", text: "a" },
        ...closeEvents(1000)
      ])
      assert.deepStrictEqual<unknown>(readPieces([close(1000), behind]), closeEvents(1000))
    }
  })

  it("7.1.5: a message that was not finished is dropped", () => {
    const [first = "", second = ""] = fragments(1, ["frag", "ment"])
    assert.deepStrictEqual<unknown>(read(first + close(1000) + second), closeEvents(1000))
  })

  it("7.1.6: behind a long message", () => {
    const events = readPieces(chop(text("x".repeat(65_536)) + close(1000) + ping(""), 1000))
    assert.deepStrictEqual<unknown>(events.slice(1), closeEvents(1000))
  })

  it("7.3.1 to 7.3.5: payloads of 0, 2 and up to 125 bytes", () => {
    assert.deepStrictEqual<unknown>(read(close()), closeEvents(1005))
    assert.deepStrictEqual<unknown>(read(close(1000)), closeEvents(1000))
    assert.deepStrictEqual<unknown>(read(close(1000, "Hello")), closeEvents(1000, "Hello"))
    assert.deepStrictEqual<unknown>(read(close(1000, "*".repeat(123))), closeEvents(1000, "*".repeat(123)))
  })

  it("7.3.2, 7.3.6: payloads of 1 and of more than 125 bytes", () => {
    assert.strictEqual(refusal(frame(8, "a")), "1002 malformed-close")
    assert.strictEqual(refusal(close(1000, "*".repeat(124))), "1002 control-frame-too-long")
  })

  it("7.5: a reason that is not UTF-8", () => {
    assert.strictEqual(
      refusal(close(1000, hex("ce ba e1 bd b9 cf 83 ce bc ce b5 ed a0 80"))),
      "1007 invalid-close-reason"
    )
  })

  it("7.7: valid codes", () => {
    for (const code of [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999]) {
      assert.deepStrictEqual<unknown>(readLent([...close(code)]), closeEvents(code))
    }
  })

  it("7.9, 7.13: codes that no close frame may have, with and without a reason", () => {
    for (const code of [0, 999, 1004, 1005, 1006, 1016, 1100, 2000, 2999, 5000, 65_535]) {
      for (const reason of ["", "reason"]) {
        assert.strictEqual(refusal(close(code, reason)), "1002 invalid-close-code", String(code))
      }
    }
  })

  it("a close frame in pieces is read when it is whole", () => {
    const connection = machine()
    const wire = close(1000, "bye", { key })
    connection.receive(toBytes(wire.slice(0, -1)))
    assert.deepStrictEqual(drain(connection), [])
    assert.isFalse(connection.isCloseReceived)
    connection.receive(toBytes(wire.slice(-1)))
    assert.deepStrictEqual<unknown>(drain(connection), closeEvents(1000, "bye"))
    assert.isTrue(connection.isCloseReceived)
  })
})
