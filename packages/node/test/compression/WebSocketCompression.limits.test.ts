import { assert, beforeEach, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type * as Zlib from "node:zlib"
import { constants, deflateRawSync } from "node:zlib"
import { vi } from "vitest"
import { WebSocketCompression } from "../../src/compression/WebSocketCompression.ts"
import { compress, decompress, defaults, makeMessage } from "../support/DeflatePeer.ts"
import { hooks, streams, underWay } from "../support/ZlibStreams.ts"
import { turns, until } from "../support/Until.ts"

// Vitest knows `vi.mock` only by an import from itself.
vi.mock("node:zlib", async (importOriginal) => {
  const { recording } = await import("../support/ZlibStreams.ts")
  return recording(await importOriginal<typeof Zlib>())
})

beforeEach(() => {
  streams.length = 0
  hooks.onWrite = () => {}
})

/** The payload of a message on its own. */
const payloadOf = (message: Uint8Array): Uint8Array =>
  deflateRawSync(message, { finishFlush: constants.Z_SYNC_FLUSH }).subarray(0, -4)

/** Decompresses one payload with a compression of its own. */
const decompressOnce = async (payload: Uint8Array, maxSize = 0): Promise<Uint8Array | string> => {
  const compression = new WebSocketCompression(defaults)
  const result = await decompress(compression, payload, maxSize)
  compression.close()
  return result
}

const concat = (...parts: ReadonlyArray<Uint8Array>): Uint8Array => Buffer.concat(parts)

describe("limits of a WebSocketCompression", () => {
  describe("for the size of a message", () => {
    /** Zeros, in pieces of 16 MiB that do not refer to one another. */
    const bomb = (mebibytes: number): Uint8Array => {
      const piece = deflateRawSync(new Uint8Array(16 * 1_048_576), { finishFlush: constants.Z_FULL_FLUSH })
      return Buffer.concat(Array.from({ length: mebibytes / 16 }, () => piece)).subarray(0, -4)
    }

    it("a gibibyte of zeros is given up after 64 KiB", async () => {
      const payload = bomb(1024)
      const compression = new WebSocketCompression(defaults)
      assert.strictEqual(await decompress(compression, payload, 65_536), "too-large")
      assert.strictEqual(streams.length, 1)
      for (const { outputBytes, stream } of streams) {
        assert.isAtMost(outputBytes, 65_536 + 8192)
        assert.isBelow(stream.bytesWritten, 1000)
        assert.isTrue(stream.destroyed)
      }
      compression.close()
    })

    it("so is one whose first byte is too much", async () => {
      assert.strictEqual(await decompressOnce(bomb(16), 1), "too-large")
      assert.isAtMost(streams[0]?.outputBytes ?? Number.NaN, 8192)
    })

    it("so is one of many final blocks", async () => {
      const piece = deflateRawSync(new Uint8Array(60_000))
      assert.strictEqual(await decompressOnce(concat(piece, piece, piece), 150_000), "too-large")
      assert.isTrue(streams.every(({ stream }) => stream.destroyed))
    })

    it("a message may be just as large as it", async () => {
      for (const size of [2, 8191, 8192, 8193, 65_536]) {
        const message = makeMessage("text", size, 1)
        assert.deepStrictEqual(await decompressOnce(payloadOf(message), size), new Uint8Array(message))
        assert.strictEqual(await decompressOnce(payloadOf(message), size - 1), "too-large")
      }
    })

    it("0 means none", async () => {
      const result = await decompressOnce(bomb(64), 0)
      assert.strictEqual(result.length, 64 * 1_048_576)
    })

    it("is one for each message, not for all", async () => {
      const compression = new WebSocketCompression(defaults)
      const client = new WebSocketCompression(defaults)
      for (let count = 0; count < 5; count++) {
        const result = await decompress(compression, await compress(client, makeMessage("text", 1000, count)), 1000)
        assert.strictEqual(result.length, 1000)
      }
      compression.close()
      client.close()
    })
  })

  describe("for what is understood", () => {
    for (const [name, payload] of [
      ["nothing", []],
      ["a reserved type of block", [0x07]],
      ["a stored block whose lengths disagree", [0x00, 0x05, 0x00, 0x05, 0x00]],
      ["a reference to before the beginning", [0xf2, 0x00, 0x11, 0x00, 0x00]],
      ["a stored block that has been cut off", [0x00, 0x05, 0x00, 0xfa, 0xff, 0x48]],
      ["a compressed block that has been cut off", [0xf2, 0x48, 0xcd, 0xc9, 0xc9]],
      ["a tail that has not been taken off", [0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0x00, 0x00, 0xff, 0xff]],
      ["a final block that has been cut off", [0x01, 0x05, 0x00, 0xfa, 0xff, 0x48]],
      ["a final block that has been cut off, and ends with the tail", [0x01, 0x04, 0x00, 0xfb, 0xff]],
      ["text behind a final block", [0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, ...Buffer.from("text")]]
    ] as const) {
      it(`${name} is invalid`, async () => {
        assert.strictEqual(await decompressOnce(Uint8Array.from(payload)), "invalid")
      })
    }

    const message = makeMessage("text", 3000, 1)
    const whole = payloadOf(message)

    it("a payload that has been cut off is not taken for the message, and mostly for none", async () => {
      let invalid = 0
      for (let length = 0; length < whole.length; length++) {
        const result = await decompressOnce(whole.subarray(0, length), 10_000)
        if (result === "invalid") invalid++
        else assert.notDeepEqual(result, new Uint8Array(message))
      }
      assert.isAbove(invalid / whole.length, 0.85)
    })

    it.effect.prop(
      "a damaged payload gives a result of some kind, and no more than the limit",
      [Schema.Array(Schema.Tuple([Schema.Int, Schema.Int]))],
      ([damages]) =>
        Effect.promise(async () => {
          const payload = new Uint8Array(whole)
          for (const [place, value] of damages) payload[Math.abs(place) % payload.length] = value
          const result = await decompressOnce(payload, 10_000)
          if (typeof result === "string") assert.include(["invalid", "too-large"], result)
          else assert.isAtMost(result.length, 10_000)
        }),
      { arbitrary: { runs: 500 }, timeout: 60_000 }
    )

    it.effect.prop(
      "so do random bytes",
      [Schema.Uint8Array],
      ([payload]) =>
        Effect.promise(async () => {
          const result = await decompressOnce(payload, 10_000)
          if (typeof result === "string") assert.include(["invalid", "too-large"], result)
        }),
      { arbitrary: { runs: 1000 }, timeout: 60_000 }
    )

    it("a message has no more than 2 final blocks", async () => {
      const block = deflateRawSync(Buffer.from("a"))
      const blocks = (count: number): Uint8Array => concat(...Array.from({ length: count }, () => block))
      const text = (count: number): Uint8Array => Uint8Array.from({ length: count }, () => 0x61)
      assert.deepStrictEqual(await decompressOnce(blocks(2)), text(2))
      assert.strictEqual(await decompressOnce(blocks(3)), "invalid")
      assert.isTrue(streams.every(({ stream }) => stream.destroyed))
    })

    it.live("nothing is answered any more after a message that was not understood", () =>
      Effect.gen(function* () {
        const compression = new WebSocketCompression(defaults)
        const results: Array<unknown> = []
        compression.decompress(Uint8Array.of(0x07), 0, (result) => {
          results.push(result)
          compression.decompress(whole, 0, (result) => results.push(result))
        })
        compression.decompress(whole, 0, (result) => results.push(result))
        yield* until("the first is answered", () => results.length > 0)
        yield* turns(20)
        assert.deepStrictEqual(results, ["invalid"])
        const sent = yield* Effect.promise(() => compress(compression, message))
        assert.isBelow(sent.length, message.length)
        compression.close()
      })
    )
  })

  describe("for the whole process", () => {
    const share = (length: number): number => Math.min(8, Math.max(1, Math.ceil(length / 8192)))

    for (const [name, length, limit] of [
      ["small", 1024, 16],
      ["large", 65_536, 2]
    ] as const) {
      it(`there are no more than ${limit} ${name} messages under way, and as many when there are enough`, async () => {
        let most = 0
        hooks.onWrite = () => {
          most = Math.max(most, underWay().length)
        }
        const message = makeMessage("text", length, 1)
        const sessions = Array.from({ length: 40 }, () => new WebSocketCompression(defaults))
        await Promise.all(
          sessions.map(async (session) => {
            for (let count = 0; count < 3; count++) await compress(session, message)
          })
        )
        assert.strictEqual(most, limit)
        for (const session of sessions) session.close()
      })
    }

    it.effect.prop(
      "messages of all sizes, both ways, keep to it",
      [
        Arbitrary.array(Arbitrary.schema(Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 80_000 }))), {
          minLength: 30,
          maxLength: 60
        })
      ],
      ([lengths]) =>
        Effect.promise(async () => {
          let most = 0
          hooks.onWrite = () => {
            most = Math.max(
              most,
              underWay().reduce((sum, length) => sum + share(length), 0)
            )
          }
          await Promise.all(
            lengths.map(async (length, index) => {
              const session = new WebSocketCompression(defaults)
              const message = makeMessage("text", length, index)
              const [payload, received] = await Promise.all([
                compress(session, message),
                decompress(session, payloadOf(message))
              ])
              assert.isAtLeast(payload.length, 1)
              assert.deepStrictEqual(received, new Uint8Array(message))
              session.close()
            })
          )
          assert.isAbove(most, 8)
          assert.isAtMost(most, 16)
        }),
      { arbitrary: { runs: 10 }, timeout: 60_000 }
    )

    it("a session that sends much does not keep others waiting", async () => {
      const message = makeMessage("text", 65_536, 1)
      const busy = [new WebSocketCompression(defaults), new WebSocketCompression(defaults)]
      const writesOfBusy: Array<number> = []
      hooks.onWrite = () => {
        if (streams.length > busy.length) writesOfBusy.push(streams[0]?.writes ?? 0, streams[1]?.writes ?? 0)
      }
      for (const session of busy) for (let count = 0; count < 20; count++) session.compress(message, () => {})
      const other = new WebSocketCompression(defaults)
      await compress(other, message)
      assert.deepStrictEqual(writesOfBusy.slice(0, 2), [1, 1])
      for (const session of [...busy, other]) session.close()
    })
  })

  it("a message that zlib has no memory for is sent as it is, and the next one compressed", async () => {
    const compression = new WebSocketCompression(defaults)
    const client = new WebSocketCompression(defaults)
    const message = makeMessage("text", 70_000, 1)
    for (const fails of [false, true, false]) {
      hooks.failNextWrite = fails
      const payload = await compress(compression, message)
      assert.strictEqual(payload.length > message.length, fails)
      assert.deepStrictEqual(await decompress(client, payload), new Uint8Array(message))
    }
    compression.close()
    client.close()
  })
})
