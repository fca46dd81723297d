/** The ground of categories 1 to 5 of the Autobahn test suite, from the sentences of RFC 6455 and at the machine. */
import { assert, describe, it } from "@effect/vitest"
import { binary, chop, fragments, frame, ping, pong, text } from "../support/Frames.ts"
import { type PlainEvent, read, readLent, readPieces, refusal } from "../support/Machine.ts"

const typesOf = (events: ReadonlyArray<PlainEvent>): string => events.map((event) => event.type).join(" ")

/** What comes of bytes that arrive at once, in small pieces, and byte by byte, which must be the same. */
const arrive = (wire: string): ReadonlyArray<PlainEvent> => {
  const events = read(wire)
  for (const size of [1, 7, 997]) {
    if (size === 1 && wire.length > 5000) continue
    assert.deepStrictEqual(readPieces(chop(wire, size), {}), events)
    assert.deepStrictEqual(readLent(chop(wire, size), {}), events)
  }
  return events
}

describe("1: framing (RFC 6455 §5.2)", () => {
  for (const length of [0, 125, 126, 127, 128, 65_535, 65_536]) {
    it(`a message of ${length} bytes`, () => {
      const content = "*".repeat(length)
      assert.deepStrictEqual(arrive(text(content)), [{ type: "text", text: content }])
      const bytes = "\xfe".repeat(length)
      assert.deepStrictEqual(arrive(binary(bytes)), [{ type: "bytes", bytes }])
    })
  }
})

describe("2: pings and pongs (RFC 6455 §5.5.2 and §5.5.3)", () => {
  it("2.1 to 2.4: a ping has up to 125 bytes of any kind", () => {
    for (const content of ["", "Hello, world!", "\x00\xff\xfe\xfd\xfc\xfb\x00\xff", "\xfe".repeat(125)]) {
      assert.deepStrictEqual(arrive(ping(content)), [{ type: "ping", bytes: content }])
    }
  })

  it("2.5: with 126 bytes it is refused", () => {
    assert.strictEqual(refusal(ping("\xfe".repeat(126))), "1002 control-frame-too-long")
  })

  it("2.7 to 2.9: a pong that nobody asked for means nothing to what follows", () => {
    assert.deepStrictEqual(arrive(pong("") + pong("unsolicited") + ping("p")), [
      { type: "pong", bytes: "" },
      { type: "pong", bytes: "unsolicited" },
      { type: "ping", bytes: "p" }
    ])
  })

  it("2.10 and 2.11: ten pings in a row", () => {
    const names = Array.from({ length: 10 }, (_, index) => `payload-${index}`)
    assert.deepStrictEqual<unknown>(
      arrive(names.map((name) => ping(name)).join("")),
      names.map((bytes) => ({ type: "ping", bytes }))
    )
  })
})

describe("3: reserved bits (RFC 6455 §5.2)", () => {
  it("3.1 to 3.7: any that is set ends the connection, behind what was sound", () => {
    for (let reserved = 1; reserved < 8; reserved++) {
      for (const opcode of [1, 2, 8, 9, 10]) {
        const events = arrive(text("a") + frame(opcode, "b", { reserved }) + ping(""))
        assert.strictEqual(typesOf(events), "text error closed")
        assert.deepInclude(events[1], { code: 1002, reason: "reserved-bits" })
      }
    }
  })
})

describe("4: opcodes (RFC 6455 §5.2)", () => {
  for (const opcode of [3, 4, 5, 6, 7, 11, 12, 13, 14, 15]) {
    it(`${opcode} ends the connection, with and without a payload`, () => {
      for (const content of ["", "reserved opcode payload"]) {
        const events = arrive(text("a") + frame(opcode, content) + ping(""))
        assert.strictEqual(typesOf(events), "text error closed")
        assert.deepInclude(events[1], { code: 1002, reason: "reserved-opcode" })
      }
    })
  }
})

describe("5: fragmentation (RFC 6455 §5.4)", () => {
  const first = (content: string): string => frame(1, content, { isFinal: false })
  const middle = (content: string): string => frame(0, content, { isFinal: false })
  const last = (content: string): string => frame(0, content)

  it("5.1 and 5.2: control frames cannot be fragmented", () => {
    for (const opcode of [8, 9, 10]) {
      const events = arrive(frame(opcode, "a", { isFinal: false }) + last("b"))
      assert.deepInclude(events[0], { code: 1002, reason: "fragmented-control-frame" })
    }
  })

  it("5.3 to 5.5: a message in two frames", () => {
    assert.deepStrictEqual(arrive(first("frag") + last("ment")), [{ type: "text", text: "fragment" }])
    assert.deepStrictEqual(arrive(fragments(2, ["\xff", "\xfe"]).join("")), [{ type: "bytes", bytes: "\xff\xfe" }])
  })

  it("5.6 to 5.8: control frames between them are told at once", () => {
    assert.deepStrictEqual(arrive(first("frag") + ping("p") + pong("q") + last("ment")), [
      { type: "ping", bytes: "p" },
      { type: "pong", bytes: "q" },
      { type: "text", text: "fragment" }
    ])
  })

  it("5.9 to 5.14: there has to be something to continue", () => {
    for (const wire of [
      last("a"),
      middle("a"),
      last(""),
      text("a") + last("b"),
      first("a") + last("b") + middle("c")
    ]) {
      const events = arrive(wire + text("z"))
      assert.deepInclude(events.at(-2), { code: 1002, reason: "unexpected-continuation" })
    }
  })

  it("5.15 to 5.18: a message cannot begin inside of another", () => {
    for (const wire of [first("a") + text("b"), first("a") + first("b"), first("a") + binary("b")]) {
      const events = arrive(wire + last("c"))
      assert.strictEqual(typesOf(events), "error closed")
      assert.deepInclude(events[0], { code: 1002, reason: "unfinished-message" })
    }
  })

  it("5.19 and 5.20: five frames with pings between them, and pauses", () => {
    const wire = [first("1"), middle("2"), ping("a"), middle("3"), middle("4"), ping("b"), last("5")]
    const expected = [
      { type: "ping", bytes: "a" },
      { type: "ping", bytes: "b" },
      { type: "text", text: "12345" }
    ]
    assert.deepStrictEqual<unknown>(arrive(wire.join("")), expected)
    assert.deepStrictEqual<unknown>(readPieces(wire), expected)
  })

  it("empty frames are frames, anywhere in a message", () => {
    assert.deepStrictEqual(arrive(first("") + middle("") + last("")), [{ type: "text", text: "" }])
    assert.deepStrictEqual(arrive(first("") + middle("a") + middle("") + last("b")), [{ type: "text", text: "ab" }])
    assert.deepStrictEqual(arrive(first("ab") + last("") + text("c")), [
      { type: "text", text: "ab" },
      { type: "text", text: "c" }
    ])
    assert.deepStrictEqual(arrive(fragments(2, ["", "", ""]).join("")), [{ type: "bytes", bytes: "" }])
  })
})
