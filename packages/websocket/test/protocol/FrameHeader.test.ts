import { toBytes } from "@pagi/core/bytes/ByteString"
import { assert, describe, it } from "@effect/vitest"
import { FrameHeader } from "../../src/protocol/FrameHeader.ts"
import { frame, hex, key } from "../support/Frames.ts"
import { read, refusal } from "../support/Machine.ts"

const compression = { compression: true }
const client = { role: "client" } as const
const unmasked = { key: undefined }

/** The reason for which two bytes are refused, or what is made of them. */
const refusalOf = (digits: string, options = {}): string => refusal(hex(digits), options)

/** A header, read from the bytes. */
const headerOf = (digits: string, role: "server" | "client" = "server"): FrameHeader => {
  const header = new FrameHeader(role, true)
  const bytes = toBytes(hex(digits))
  assert.isUndefined(header.read(new DataView(bytes.buffer), 0, bytes.length, false))
  return header
}

describe("RFC 6455 §5.7: examples", () => {
  it("a single-frame unmasked text message", () => {
    assert.deepStrictEqual(read(hex("81 05 48 65 6c 6c 6f"), client), [{ type: "text", text: "Hello" }])
  })

  it("a single-frame masked text message", () => {
    assert.deepStrictEqual(read(hex("81 85 37 fa 21 3d 7f 9f 4d 51 58")), [{ type: "text", text: "Hello" }])
  })

  it("a fragmented unmasked text message", () => {
    assert.deepStrictEqual(read(hex("01 03 48 65 6c 80 02 6c 6f"), client), [{ type: "text", text: "Hello" }])
  })

  it("an unmasked ping request and a masked ping response", () => {
    assert.deepStrictEqual(read(hex("89 05 48 65 6c 6c 6f"), client), [{ type: "ping", bytes: "Hello" }])
    assert.deepStrictEqual(read(hex("8a 85 37 fa 21 3d 7f 9f 4d 51 58")), [{ type: "pong", bytes: "Hello" }])
  })

  it("256 bytes of a binary message in a single unmasked frame", () => {
    const bytes = "\x80".repeat(256)
    assert.deepStrictEqual(read(hex("82 7e 01 00") + bytes, client), [{ type: "bytes", bytes }])
  })

  it("64 KiB of a binary message in a single unmasked frame", () => {
    const bytes = "\x80".repeat(65_536)
    assert.deepStrictEqual(read(hex("82 7f 00 00 00 00 00 01 00 00") + bytes, client), [{ type: "bytes", bytes }])
  })
})

describe("RFC 6455 §5.2: reserved bits and opcodes", () => {
  it("any of RSV1, RSV2 and RSV3 without an extension → 1002", () => {
    for (const first of ["91", "a1", "b1", "c1", "d1", "e1", "f1", "c0", "c9", "98", "c3"]) {
      assert.strictEqual(refusalOf(`${first} 80`), "1002 reserved-bits", first)
    }
  })

  it("RSV2 and RSV3 with compression → 1002", () => {
    for (const first of ["91", "a1", "d1", "e1", "f2"]) {
      assert.strictEqual(refusalOf(`${first} 80`, compression), "1002 reserved-bits", first)
    }
  })

  it("RFC 7692 §6.1: RSV1 belongs to the first frame of a message alone → 1002", () => {
    for (const first of ["c0", "40", "c8", "c9", "ca"]) {
      assert.strictEqual(refusalOf(`${first} 80`, compression), "1002 unexpected-compression", first)
    }
    const continued = frame(1, "a", { isFinal: false, reserved: 4 }) + frame(0, "b", { reserved: 4 })
    assert.strictEqual(refusal(continued, compression), "1002 unexpected-compression")
    assert.strictEqual(refusal(frame(1, "a", { reserved: 4 }), compression), "compressed")
    assert.strictEqual(refusal(frame(2, "a", { reserved: 4 }), compression), "compressed")
  })

  it("reserved opcodes → 1002, whatever else is in their header", () => {
    for (const opcode of ["3", "4", "5", "6", "7", "b", "c", "d", "e", "f"]) {
      assert.strictEqual(refusalOf(`8${opcode} 80`), "1002 reserved-opcode", opcode)
      assert.strictEqual(refusalOf(`0${opcode} 80`), "1002 reserved-opcode", opcode)
      assert.strictEqual(refusalOf(`8${opcode} ff`), "1002 reserved-opcode", opcode)
      assert.strictEqual(refusalOf(`8${opcode} 05`, client), "1002 reserved-opcode", opcode)
    }
  })
})

describe("RFC 6455 §5.5: control frames", () => {
  it("fragmented → 1002", () => {
    for (const first of ["08", "09", "0a"]) {
      assert.strictEqual(refusalOf(`${first} 80`), "1002 fragmented-control-frame", first)
      assert.strictEqual(refusalOf(`${first} 00`, client), "1002 fragmented-control-frame", first)
    }
  })

  it("longer than 125 bytes → 1002, without waiting for the length", () => {
    for (const first of ["88", "89", "8a"]) {
      for (const second of ["fe", "ff"]) {
        assert.strictEqual(refusalOf(`${first} ${second}`), "1002 control-frame-too-long", first)
      }
      assert.strictEqual(refusalOf(`${first} 7e`, client), "1002 control-frame-too-long", first)
    }
    assert.strictEqual(refusal(frame(9, "a".repeat(125))), "ping")
  })
})

describe("RFC 6455 §5.1: masking", () => {
  it("a frame from a client without a mask → 1002", () => {
    for (const first of ["81", "82", "01", "88", "89", "8a"]) {
      assert.strictEqual(refusalOf(`${first} 00`), "1002 unmasked-frame", first)
    }
  })

  it("a frame from a server with a mask → 1002", () => {
    for (const first of ["81", "82", "01", "88", "89", "8a"]) {
      assert.strictEqual(refusalOf(`${first} 80`, client), "1002 masked-frame", first)
    }
  })

  it("every key unmasks, whichever bits it has", () => {
    for (const digits of ["00 00 00 00", "ff ff ff ff", "80 00 00 01", "01 02 03 04", "ff 00 7f 80"]) {
      const bytes = hex("00 01 7f 80 ff 41 42 43 44 45 46 47 48 49 4a 4b 4c 4d 4e 4f 50 51 52 53")
      assert.deepStrictEqual(read(frame(2, bytes, { key: hex(digits) })), [{ type: "bytes", bytes }])
    }
  })
})

describe("RFC 6455 §5.4: order of frames", () => {
  it("a continuation without a message → 1002", () => {
    assert.strictEqual(refusalOf("80 80"), "1002 unexpected-continuation")
    assert.strictEqual(refusalOf("00 80"), "1002 unexpected-continuation")
    assert.strictEqual(refusalOf("80 00", client), "1002 unexpected-continuation")
    assert.strictEqual(refusal(frame(1, "a") + frame(0, "b")), "1002 unexpected-continuation")
  })

  it("a message inside of another → 1002", () => {
    const first = frame(1, "a", { isFinal: false })
    for (const second of ["81 80", "82 80", "01 80", "02 80"]) {
      assert.strictEqual(refusal(first + hex(second)), "1002 unfinished-message", second)
    }
    assert.strictEqual(
      refusal(frame(1, "a", { ...unmasked, isFinal: false }) + hex("81 00"), client),
      "1002 unfinished-message"
    )
  })

  it("the first broken rule is told, in the order of the bits", () => {
    assert.strictEqual(refusalOf("b3 00"), "1002 reserved-bits")
    assert.strictEqual(refusalOf("4b 7f", compression), "1002 unexpected-compression")
    assert.strictEqual(refusalOf("0b 7f"), "1002 reserved-opcode")
    assert.strictEqual(refusalOf("09 7f"), "1002 fragmented-control-frame")
    assert.strictEqual(refusalOf("89 7f"), "1002 control-frame-too-long")
    assert.strictEqual(refusalOf("80 00"), "1002 unmasked-frame")
  })
})

describe("RFC 6455 §5.2: payload length", () => {
  it("is read from one, two or eight bytes", () => {
    assert.deepInclude(headerOf("82 80 00 00 00 00"), { length: 0, size: 6 })
    assert.deepInclude(headerOf("82 fd 00 00 00 00"), { length: 125, size: 6 })
    assert.deepInclude(headerOf("82 fe 00 7e 00 00 00 00"), { length: 126, size: 8 })
    assert.deepInclude(headerOf("82 fe ff ff 00 00 00 00"), { length: 65_535, size: 8 })
    assert.deepInclude(headerOf("82 ff 00 00 00 00 00 01 00 00 00 00 00 00"), { length: 65_536, size: 14 })
    assert.deepInclude(headerOf("82 ff 00 1f ff ff ff ff ff ff 00 00 00 00"), { length: Number.MAX_SAFE_INTEGER })
    assert.deepInclude(headerOf("82 7f 00 00 00 01 00 00 00 00", "client"), { length: 2 ** 32, size: 10 })
  })

  it("that would fit into fewer bytes → 1002", () => {
    for (const length of [
      "fe 00 00",
      "fe 00 01",
      "fe 00 7d",
      "ff 00 00 00 00 00 00 00 00",
      "ff 00 00 00 00 00 00 ff ff"
    ]) {
      assert.strictEqual(refusalOf(`82 ${length}`), "1002 malformed-length", length)
    }
    assert.strictEqual(refusalOf("82 7e 00 7d", client), "1002 malformed-length")
  })

  it("with the highest bit set → 1002", () => {
    assert.strictEqual(refusalOf("82 ff 80 00 00 00 00 00 00 00"), "1002 malformed-length")
    assert.strictEqual(refusalOf("82 ff ff ff ff ff ff ff ff ff"), "1002 malformed-length")
  })

  it("beyond what a number holds exactly → 1009, also without limits", () => {
    const noLimits = { limits: { maxFrameSize: 0, maxMessageSize: 0, maxFragments: 0 } }
    for (const length of ["00 20 00 00 00 00 00 01", "7f ff ff ff ff ff ff ff", "00 00 00 00 1f ff ff e9"]) {
      assert.strictEqual(refusalOf(`82 ff ${length} 00 00 00 00`, noLimits), "1009 message-too-large", length)
    }
    assert.strictEqual(refusalOf("82 ff 00 00 00 00 1f ff ff e8 00 00 00 00", noLimits), "")
  })
})

describe("how early a header is judged", () => {
  it("one byte says nothing", () => {
    assert.strictEqual(refusalOf("ff"), "")
  })

  it("a header waits for its last byte, and a payload of no bytes for nothing", () => {
    const wire = frame(1, "", { key })
    for (let length = 0; length < wire.length; length++) assert.strictEqual(refusal(wire.slice(0, length)), "")
    assert.strictEqual(refusal(wire), "text")
  })

  it("a length is judged before the key and the payload are there", () => {
    assert.strictEqual(refusalOf("82 fe 00 7d"), "1002 malformed-length")
    assert.strictEqual(refusalOf("82 fe 00"), "")
  })
})
