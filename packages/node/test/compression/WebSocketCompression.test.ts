import type { DeflateParameters } from "@pagi/websocket/protocol/PerMessageDeflate"
import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { constants, inflateRawSync } from "node:zlib"
import { storedPayload } from "../../src/compression/MessageDeflater.ts"
import { WebSocketCompression } from "../../src/compression/WebSocketCompression.ts"
import { compress, decompress, defaults, DeflatePeer, makeMessage } from "../support/DeflatePeer.ts"

const integer = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))

/** Small values, and some around the sizes of windows, output chunks and stored blocks. */
const length = Schema.Union([integer(0, 300), Schema.Literals([4095, 4096, 8192, 8193, 32_768, 40_000, 70_000])])

const message = Arbitrary.schema(
  Schema.Struct({ kind: Schema.Literals(["zeros", "text", "noise"]), length, seed: integer(0, 3) })
).pipe(Arbitrary.map(({ kind, length, seed }) => makeMessage(kind, length, seed)))

const parameters: Schema.Schema<DeflateParameters> = Schema.Struct({
  serverNoContextTakeover: Schema.Boolean,
  clientNoContextTakeover: Schema.Boolean,
  serverMaxWindowBits: integer(9, 15),
  clientMaxWindowBits: integer(8, 15)
})

/** Sends the messages both ways at the same time, each after the one before it. */
const converse = async (agreed: DeflateParameters, messages: ReadonlyArray<Uint8Array>): Promise<void> => {
  const server = new WebSocketCompression(agreed)
  const client = new DeflatePeer(agreed)
  const there = async (): Promise<void> => {
    for (const message of messages) {
      const received = await decompress(server, await client.compress(message), message.length)
      assert.deepStrictEqual(received, new Uint8Array(message))
    }
  }
  const back = async (): Promise<void> => {
    for (const message of messages) {
      const received = await client.decompress(await compress(server, message))
      assert.isTrue(received.equals(message))
    }
  }
  await Promise.all([there(), back()])
  server.close()
  client.close()
}

const hex = (text: string): Uint8Array => Uint8Array.from(text.split(" "), (byte) => Number.parseInt(byte, 16))

const hello = Buffer.from("Hello")

/** Runs a test with a compression that is closed afterwards. */
const withCompression = async (
  agreed: Partial<DeflateParameters>,
  run: (compression: WebSocketCompression) => Promise<void>
): Promise<void> => {
  const compression = new WebSocketCompression({ ...defaults, ...agreed })
  await run(compression)
  compression.close()
}

describe("WebSocketCompression", () => {
  it.effect.prop(
    "understands zlib and is understood by it, both ways at once",
    [parameters, Arbitrary.array(message, { maxLength: 6 })],
    ([agreed, messages]) => Effect.promise(() => converse(agreed, messages)),
    { arbitrary: { runs: 200, size: 20 }, timeout: 60_000 }
  )

  // Longer than every window, so that there is something to refer to at every distance.
  const long = makeMessage("text", 40_000, 1)
  const messages = [
    long.subarray(0, 700),
    long,
    long.subarray(39_000),
    new Uint8Array(0),
    makeMessage("noise", 5000, 1),
    long
  ]

  for (const windowBits of [9, 10, 11, 12, 13, 14, 15]) {
    for (const serverNoContextTakeover of [false, true]) {
      for (const clientNoContextTakeover of [false, true]) {
        const agreed = {
          serverNoContextTakeover,
          clientNoContextTakeover,
          serverMaxWindowBits: windowBits,
          clientMaxWindowBits: windowBits
        }
        const takeovers = `server ${serverNoContextTakeover ? "forgets" : "keeps"}, client ${clientNoContextTakeover ? "forgets" : "keeps"}`
        it(`keeps to windows of ${windowBits} bits (${takeovers})`, () => converse(agreed, messages))
      }
    }
  }

  describe("compressing", () => {
    it("refers to earlier messages if the context is kept", () =>
      withCompression({}, async (compression) => {
        const first = await compress(compression, long.subarray(0, 2000))
        const second = await compress(compression, long.subarray(0, 2000))
        assert.isBelow(second.length, first.length / 10)
      }))

    it("makes payloads that stand for themselves if it is not", () =>
      withCompression({ serverNoContextTakeover: true }, async (compression) => {
        for (let count = 0; count < 3; count++) {
          const payload = await compress(compression, long.subarray(0, 2000))
          const inflated = inflateRawSync(payload, { finishFlush: constants.Z_SYNC_FLUSH })
          assert.isTrue(inflated.equals(long.subarray(0, 2000)))
        }
      }))

    it("leaves out the tail, wherever the chunks of the output end", () =>
      withCompression({}, async (compression) => {
        const client = new DeflatePeer()
        // All output lengths from just before a chunk of 4096 bytes ends to just behind it: one of noise is a few bytes longer.
        for (let length = 4070; length < 4100; length++) {
          const message = makeMessage("noise", length, length)
          const payload = await compress(compression, message)
          assert.isTrue((await client.decompress(payload)).equals(message))
          assert.notDeepEqual([...payload.subarray(-4)], [0, 0, 0xff, 0xff])
        }
        client.close()
      }))

    it("makes an empty message one byte, also behind another one (RFC 7692 §7.2.3.6)", () =>
      withCompression({}, async (compression) => {
        for (const message of ["", "", "Hello", "", ""]) {
          const payload = await compress(compression, Buffer.from(message))
          if (message === "") assert.deepStrictEqual(payload, Uint8Array.of(0))
        }
      }))

    it("leaves the message as it was", () =>
      withCompression({}, async (compression) => {
        const message = new Uint8Array(long)
        await compress(compression, message)
        assert.deepStrictEqual(message, new Uint8Array(long))
      }))
  })

  describe("decompressing", () => {
    for (const [name, payload] of [
      ["one compressed block (§7.2.3.1)", "f2 48 cd c9 c9 07 00"],
      ["a block without compression (§7.2.3.3)", "00 05 00 fa ff 48 65 6c 6c 6f 00"],
      ["a final block (§7.2.3.4)", "f3 48 cd c9 c9 07 00 00"],
      ["two blocks (§7.2.3.5)", "f2 48 05 00 00 00 ff ff ca c9 c9 07 00"],
      ["a final block without the empty one behind it", "f3 48 cd c9 c9 07 00"],
      ["two final blocks", "f3 48 05 00 cb c9 c9 07 00 00"],
      ["a final block and one that is not", "f3 48 05 00 ca c9 c9 07 00"]
    ] as const) {
      it(`understands ${name}`, () =>
        withCompression({}, async (compression) => {
          assert.deepStrictEqual(await decompress(compression, hex(payload)), new Uint8Array(hello))
          // And what comes after it.
          assert.deepStrictEqual(await decompress(compression, hex(payload)), new Uint8Array(hello))
        }))
    }

    it("understands references to earlier messages (§7.2.3.2)", () =>
      withCompression({}, async (compression) => {
        assert.deepStrictEqual(await decompress(compression, hex("f2 48 cd c9 c9 07 00")), new Uint8Array(hello))
        assert.deepStrictEqual(await decompress(compression, hex("f2 00 11 00 00")), new Uint8Array(hello))
        assert.deepStrictEqual(await decompress(compression, hex("f2 00 11 00 00")), new Uint8Array(hello))
      }))

    it("refuses them if the client has promised to forget", () =>
      withCompression({ clientNoContextTakeover: true }, async (compression) => {
        assert.deepStrictEqual(await decompress(compression, hex("f2 48 cd c9 c9 07 00")), new Uint8Array(hello))
        assert.strictEqual(await decompress(compression, hex("f2 00 11 00 00")), "invalid")
      }))

    it("refuses them behind a final block", () =>
      withCompression({}, async (compression) => {
        assert.deepStrictEqual(await decompress(compression, hex("f3 48 cd c9 c9 07 00 00")), new Uint8Array(hello))
        assert.strictEqual(await decompress(compression, hex("f2 00 11 00 00")), "invalid")
      }))

    it("refuses references to what is further back than the window that was agreed on", () =>
      withCompression({ clientMaxWindowBits: 9 }, async (compression) => {
        const client = new DeflatePeer()
        const noise = makeMessage("noise", 2000, 1)
        const payloads = [await client.compress(noise), await client.compress(noise)] as const
        assert.deepStrictEqual(await decompress(compression, payloads[0]), new Uint8Array(noise))
        assert.strictEqual(await decompress(compression, payloads[1]), "invalid")
        client.close()
      }))

    it("understands an empty message", () =>
      withCompression({}, async (compression) => {
        for (let count = 0; count < 3; count++) {
          assert.deepStrictEqual(await decompress(compression, Uint8Array.of(0)), new Uint8Array(0))
        }
      }))

    it("gives bytes that are the receiver's own, even to be transferred", () =>
      withCompression({}, async (compression) => {
        const client = new DeflatePeer()
        for (const length of [5, 8192, 20_000, 5]) {
          const message = makeMessage("text", length, length)
          const bytes = await decompress(compression, await client.compress(message))
          if (typeof bytes === "string") throw new Error(bytes)
          assert.strictEqual(bytes.buffer.byteLength, length)
          structuredClone(bytes, { transfer: [bytes.buffer as ArrayBuffer] })
        }
        client.close()
      }))
  })

  it("keeps the order of messages that are given without waiting", async () => {
    await withCompression({}, async (server) => {
      const client = new WebSocketCompression(defaults)
      const sent = Array.from({ length: 50 }, (_, index) => makeMessage("text", (index * 977) % 20_000, index))
      const payloads: Array<Uint8Array> = []
      await new Promise<void>((resolve) => {
        for (const message of sent) {
          client.compress(message, (payload) => {
            if (payloads.push(payload) === sent.length) resolve()
          })
        }
      })
      const received: Array<Uint8Array | string> = []
      await new Promise<void>((resolve) => {
        for (const payload of payloads) {
          server.decompress(payload, 0, (result) => {
            if (received.push(result) === sent.length) resolve()
          })
        }
      })
      assert.deepStrictEqual(
        received,
        sent.map((message) => new Uint8Array(message))
      )
      client.close()
    })
  })

  it("calls back later, never before it returns", () =>
    withCompression({}, async (compression) => {
      let hasReturned = false
      const compressed = new Promise<void>((resolve) =>
        compression.compress(new Uint8Array(0), () => {
          assert.isTrue(hasReturned)
          resolve()
        })
      )
      const decompressed = new Promise<void>((resolve) =>
        compression.decompress(new Uint8Array(0), 0, () => {
          assert.isTrue(hasReturned)
          resolve()
        })
      )
      hasReturned = true
      await Promise.all([compressed, decompressed])
    }))

  it("can write a message without compressing it", () => {
    for (const length of [0, 1, 65_535, 65_536, 200_000]) {
      const message = makeMessage("noise", length, 1)
      const payload = storedPayload(message)
      const inflated = inflateRawSync(Buffer.concat([payload, hex("00 00 ff ff")]), {
        finishFlush: constants.Z_SYNC_FLUSH
      })
      assert.isTrue(inflated.equals(message))
    }
  })
})
