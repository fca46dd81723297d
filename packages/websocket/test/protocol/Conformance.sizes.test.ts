/** The ground of categories 9 and 10 of the Autobahn test suite: large messages, in few frames and in many. */
import { toBytes } from "@pagi/core/bytes/ByteString"
import { assert, describe, it } from "@effect/vitest"
import type { Connection } from "../../src/protocol/Connection.ts"
import type { Event } from "../../src/protocol/Event.ts"
import { frame, key } from "../support/Frames.ts"
import { machine, noLimits, TextSink } from "../support/Machine.ts"

const KiB = 1024
const MiB = 1024 * KiB

/** Gives the bytes to a machine in lent pieces of a size, and answers with its only event. */
const deliver = (connection: Connection, wire: Uint8Array, size: number): Event => {
  const memory = new Uint8Array(size)
  let found: Event | undefined
  for (let start = 0; start < wire.length; start += size) {
    const piece = wire.subarray(start, start + size)
    memory.set(piece)
    connection.receive(memory.subarray(0, piece.length), true)
    const event = connection.next()
    connection.keep()
    if (event.type === "need-data") continue
    assert.isUndefined(found)
    found = event
  }
  assert.strictEqual(connection.next().type, "need-data")
  if (found === undefined) throw new Error("there was no message")
  return found
}

/** One message in masked frames of a size, written piece by piece since it is large. */
const encode = (opcode: number, content: Uint8Array, frameSize: number): Uint8Array => {
  const keyBytes = toBytes(key)
  const count = Math.max(1, Math.ceil(content.length / frameSize))
  const wire = new Uint8Array(content.length + count * 14)
  let end = 0
  for (let index = 0; index < count; index++) {
    const part = content.subarray(index * frameSize, (index + 1) * frameSize)
    wire[end++] = (index === 0 ? opcode : 0) + (index === count - 1 ? 0x80 : 0)
    if (part.length < 126) wire[end++] = 0x80 + part.length
    else if (part.length < 65_536) {
      wire.set([0xfe, part.length >> 8, part.length & 0xff], end)
      end += 3
    } else {
      wire[end++] = 0xff
      new DataView(wire.buffer).setBigUint64(end, BigInt(part.length))
      end += 8
    }
    wire.set(keyBytes, end)
    end += 4
    for (let place = 0; place < part.length; place++)
      wire[end + place] = (part[place] ?? 0) ^ (keyBytes[place & 3] ?? 0)
    end += part.length
  }
  return wire.subarray(0, end)
}

const makeContent = (length: number, isAscii: boolean): Uint8Array => {
  const pattern = Buffer.from(isAscii ? "BAsd7&jh23" : "\u{e9}t\u{e9} \u{65e5}\u{672c} \u{1f600} ")
  const content = new Uint8Array(length).fill(0x20)
  for (let start = 0; start + pattern.length <= length; start += pattern.length) content.set(pattern, start)
  return content
}

/** Shared by all tests, because making them takes time. */
const contents = { ascii: makeContent(16 * MiB, true), unicode: makeContent(16 * MiB, false) }

const checkText = (kind: keyof typeof contents, length: number, frameSize: number, pieceSize: number): void => {
  const content = kind === "ascii" ? contents.ascii.subarray(0, length) : makeContent(length, false)
  const event = deliver(machine({ limits: noLimits }), encode(1, content, frameSize), pieceSize)
  assert.isTrue(event.type === "text" && event.text === Buffer.from(content).toString())
}

const checkBytes = (length: number, frameSize: number, pieceSize: number): void => {
  const content = contents.unicode.subarray(0, length)
  const event = deliver(machine({ limits: noLimits }), encode(2, content, frameSize), pieceSize)
  assert.isTrue(event.type === "bytes" && Buffer.compare(event.bytes, content) === 0)
}

describe("9.1 and 9.2: a message in one frame", () => {
  for (const length of [64 * KiB, 256 * KiB, MiB, 4 * MiB, 8 * MiB, 16 * MiB]) {
    it(`${length / KiB} KiB`, { timeout: 30_000 }, () => {
      checkText("ascii", length, length, 65_536)
      checkText("unicode", length, length, 65_536)
      checkBytes(length, length, 65_536)
    })
  }
})

describe("9.3 and 9.4: 4 MiB in frames of a size", () => {
  for (const size of [64, 256, KiB, 4 * KiB, 16 * KiB, 64 * KiB, 256 * KiB, MiB, 4 * MiB]) {
    it(`${size} bytes`, { timeout: 30_000 }, () => {
      checkText("unicode", 4 * MiB, size, 65_536)
      checkBytes(4 * MiB, size, 65_536)
    })
  }

  it("16 MiB in frames of 64 bytes", { timeout: 60_000 }, () => {
    checkText("ascii", 16 * MiB, 64, 65_536)
    checkBytes(16 * MiB, 64, 65_536)
  })
})

describe("9.5 and 9.6: 1 MiB in pieces of a size", () => {
  for (const size of [64, 128, 256, 512, KiB, 2 * KiB]) {
    it(`${size} bytes`, { timeout: 30_000 }, () => {
      checkText("unicode", MiB, MiB, size)
      checkText("ascii", MiB, MiB, size)
      checkBytes(MiB, MiB, size)
    })
  }
})

describe("9.7 and 9.8: a thousand messages, one after another", () => {
  for (const length of [0, 16, 64, 256, 1024, 4096]) {
    it(`of ${length} bytes`, () => {
      const wire = toBytes(frame(1, "a".repeat(length)) + frame(2, "b".repeat(length)))
      const connection = machine()
      const sink = new TextSink()
      for (let round = 0; round < 500; round++) {
        connection.receive(Uint8Array.from(wire), round % 2 === 0)
        for (let event = connection.next(); event.type !== "need-data"; event = connection.next()) {
          if (event.type === "text") connection.sendText(sink, event.text)
          else if (event.type === "bytes") connection.sendBytes(sink, event.bytes)
          else throw new Error(event.type)
        }
        connection.keep()
      }
      const echo = frame(1, "a".repeat(length), { key: undefined }) + frame(2, "b".repeat(length), { key: undefined })
      assert.isTrue(sink.text === echo.repeat(500))
    })
  }
})

describe("10: a peer that fragments by itself", () => {
  it("10.1.1: 65536 bytes in frames of 1300", () => {
    checkText("ascii", 65_536, 1300, 65_536)
    checkText("unicode", 65_536, 1300, 1460)
    checkBytes(65_536, 1300, 999)
  })
})
