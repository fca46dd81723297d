import { assert, describe, it } from "@effect/vitest"
import { Connection } from "../../src/protocol/Connection.ts"
import { Rules } from "../../src/protocol/Rules.ts"
import { frame, hex, key, toHex, utf8 } from "../support/Frames.ts"
import { machine, noLimits, TextSink, written } from "../support/Machine.ts"

const lengths = [0, 1, 2, 124, 125, 126, 127, 128, 255, 256, 65_534, 65_535, 65_536, 100_000]

const masked = (send: (connection: Connection, sink: TextSink) => unknown): string => {
  const sink = new TextSink()
  send(new Connection(Rules.forClient(noLimits, false, () => 0x37fa213d)), sink)
  return sink.text
}

describe("RFC 6455 §5.7: examples", () => {
  it("text from a server and from a client", () => {
    assert.strictEqual(toHex(written((to, sink) => to.sendText(sink, "Hello"))), "81 05 48 65 6c 6c 6f")
    assert.strictEqual(toHex(masked((to, sink) => to.sendText(sink, "Hello"))), "81 85 37 fa 21 3d 7f 9f 4d 51 58")
  })

  it("a ping from a server and a pong from a client", () => {
    const hello = new TextEncoder().encode("Hello")
    assert.strictEqual(toHex(written((to, sink) => to.sendPing(sink, hello))), "89 05 48 65 6c 6c 6f")
    assert.strictEqual(toHex(masked((to, sink) => to.sendPong(sink, hello))), "8a 85 37 fa 21 3d 7f 9f 4d 51 58")
  })

  it("256 bytes and 64 KiB", () => {
    const header = (size: number): string =>
      toHex(written((to, sink) => to.sendBytes(sink, new Uint8Array(size))).slice(0, -size))
    assert.strictEqual(header(256), "82 7e 01 00")
    assert.strictEqual(header(65_536), "82 7f 00 00 00 00 00 01 00 00")
  })
})

describe("frames of every length", () => {
  for (const length of lengths) {
    it(`${length} bytes`, () => {
      const content = "0123456789abcdef".repeat(length / 16 + 1).slice(0, length)
      const array = Uint8Array.from(Buffer.from(content))
      const unmasked = { key: undefined }
      assert.strictEqual(
        written((to, sink) => to.sendText(sink, content)),
        frame(1, content, unmasked)
      )
      assert.strictEqual(
        written((to, sink) => to.sendBytes(sink, array)),
        frame(2, content, unmasked)
      )
      const compressed = written((to, sink) => to.sendCompressed(sink, false, array))
      assert.strictEqual(compressed, frame(2, content, { ...unmasked, reserved: 4 }))
      assert.strictEqual(
        masked((to, sink) => to.sendText(sink, content)),
        frame(1, content, { key })
      )
      assert.strictEqual(
        masked((to, sink) => to.sendBytes(sink, array)),
        frame(2, content, { key })
      )
    })
  }

  it("a length beyond 32 bits", () => {
    let header = ""
    const sink = { write: (data: string | Uint8Array) => void (header ||= String(data)) }
    // Only the length is looked at; nothing of that size is made.
    const huge = { length: 2 ** 33 + 5 } as Uint8Array
    machine().sendBytes(sink, huge)
    assert.strictEqual(toHex(header), "82 7f 00 00 00 02 00 00 00 05")
  })
})

describe("text", () => {
  it("is sent as UTF-8, its length counted in bytes", () => {
    for (const content of ["\u{e9}", "\u{20ac}".repeat(41), "\u{20ac}".repeat(42), "\u{1f600}".repeat(20_000)]) {
      const expected = frame(1, utf8(content), { key: undefined })
      assert.strictEqual(
        written((to, sink) => to.sendText(sink, content)),
        expected
      )
      assert.strictEqual(
        masked((to, sink) => to.sendText(sink, content)),
        frame(1, utf8(content))
      )
    }
  })

  it("half a surrogate pair becomes U+FFFD, since UTF-8 cannot have it", () => {
    assert.strictEqual(
      written((to, sink) => to.sendText(sink, "\ud800")),
      hex("81 03 ef bf bd")
    )
  })
})

describe("writes", () => {
  const count = (send: (connection: Connection, sink: TextSink) => unknown): number => {
    const sink = new TextSink()
    send(machine(), sink)
    return sink.writes
  }

  it("one for ASCII of any length, and for short bytes", () => {
    assert.strictEqual(
      count((to, sink) => to.sendText(sink, "a".repeat(100_000))),
      1
    )
    assert.strictEqual(
      count((to, sink) => to.sendText(sink, "\u{e9}".repeat(60))),
      1
    )
    assert.strictEqual(
      count((to, sink) => to.sendBytes(sink, new Uint8Array(125))),
      1
    )
    assert.strictEqual(
      count((to, sink) => to.sendClose(sink, 1000, "reason")),
      1
    )
  })

  it("long arrays are handed over without a copy", () => {
    const array = new Uint8Array(126)
    const pieces: Array<unknown> = []
    machine().sendBytes({ write: (data) => void pieces.push(data) }, array)
    assert.strictEqual(pieces.length, 2)
    assert.strictEqual(pieces[1], array)
  })

  it("an application's array is not masked in place", () => {
    const array = new Uint8Array(200)
    masked((to, sink) => to.sendBytes(sink, array))
    assert.deepStrictEqual(array, new Uint8Array(200))
  })
})

describe("control frames", () => {
  it("have up to 125 bytes", () => {
    const long = new Uint8Array(200)
    assert.strictEqual(
      written((to, sink) => to.sendPing(sink, long)),
      frame(9, "\0".repeat(125), { key: undefined })
    )
    assert.strictEqual(
      written((to, sink) => to.sendPong(sink, long)),
      frame(10, "\0".repeat(125), { key: undefined })
    )
  })

  it("a close frame of a client is masked too", () => {
    assert.strictEqual(
      masked((to, sink) => to.sendClose(sink, 1000, "bye")),
      frame(8, `${hex("03 e8")}bye`)
    )
    assert.strictEqual(
      masked((to, sink) => to.sendClose(sink, undefined, "")),
      frame(8, "")
    )
  })

  it("every frame of a client asks for a key of its own", () => {
    let keys = 0
    const connection = new Connection(Rules.forClient(noLimits, false, () => keys++))
    const sink = new TextSink()
    connection.sendText(sink, "")
    connection.sendPing(sink, new Uint8Array(0))
    connection.sendBytes(sink, new Uint8Array(0))
    assert.strictEqual(toHex(sink.text), "81 80 00 00 00 00 89 80 00 00 00 01 82 80 00 00 00 02")
  })
})
