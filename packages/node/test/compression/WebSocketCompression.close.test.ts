import { assert, beforeEach, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type * as Zlib from "node:zlib"
import { constants, deflateRawSync } from "node:zlib"
import { vi } from "vitest"
import { CompressionLimiter } from "../../src/compression/CompressionLimiter.ts"
import { WebSocketCompression } from "../../src/compression/WebSocketCompression.ts"
import { compress, decompress, defaults, makeMessage } from "../support/DeflatePeer.ts"
import { hooks, streams, underWay } from "../support/ZlibStreams.ts"
import { turns, until } from "../support/Until.ts"

// Vitest knows `vi.mock` only by an import from itself.
vi.mock("node:zlib", async (importOriginal) => {
  const { recording } = await import("../support/ZlibStreams.ts")
  return recording(await importOriginal<typeof Zlib>())
})

const message = makeMessage("text", 65_536, 1)
const payload = deflateRawSync(message, { finishFlush: constants.Z_SYNC_FLUSH }).subarray(0, -4)
const corrupt = Uint8Array.of(0x07, 0x07)

let limiter = new CompressionLimiter()

beforeEach(() => {
  streams.length = 0
  hooks.onWrite = () => {}
  limiter = new CompressionLimiter()
})

const make = (): WebSocketCompression => new WebSocketCompression(defaults, limiter)

const never = (): void => assert.fail("called although it was closed")

/** Nothing is left of what was closed: no memory of zlib's, and no place taken in the limiter. */
const nothingRemains = Effect.gen(function* () {
  yield* until("all streams are destroyed", () => streams.every(({ stream }) => stream.destroyed))
  yield* until("no thread works any more", () => underWay().length === 0)
  yield* turns(20)
  const started: Array<number> = []
  for (let index = 0; index < 16; index++) limiter.add({ length: 1, start: () => started.push(index) > 0 })
  assert.strictEqual(started.length, 16)
  for (const _ of started) limiter.release(1)
})

describe("closing a WebSocketCompression", () => {
  it("costs nothing if it has not been used, since there is nothing", () => {
    make().close()
    assert.strictEqual(streams.length, 0)
  })

  it.live("frees each way, of which one that was not used has nothing", () =>
    Effect.gen(function* () {
      for (const use of [compress, decompress] as const) {
        const compression = make()
        yield* Effect.promise(() => use(compression, use === compress ? message : payload))
        assert.strictEqual(streams.length, 1)
        compression.close()
        assert.isTrue(streams[0]?.stream.destroyed)
        streams.length = 0
      }
      yield* nothingRemains
    })
  )

  it.live("while a thread works frees everything when it is through", () =>
    Effect.gen(function* () {
      const compression = make()
      compression.compress(message, never)
      compression.decompress(payload, 0, never)
      assert.strictEqual(underWay().length, 2)
      compression.close()
      yield* nothingRemains
    })
  )

  for (const [name, input] of [
    ["what fails", corrupt],
    ["what ends with a final block", deflateRawSync(message)],
    ["what has more than one", Buffer.concat([deflateRawSync(message), deflateRawSync(message)])],
    ["a bomb", deflateRawSync(new Uint8Array(64 * 1_048_576))]
  ] as const) {
    it.live(`while a thread works on ${name} does so, too`, () =>
      Effect.gen(function* () {
        const compression = make()
        compression.decompress(input, 0, never)
        compression.close()
        yield* nothingRemains
        assert.isAtMost(streams[0]?.outputBytes ?? 0, 8192)
      })
    )
  }

  it.live("between two visits to a thread stops the work", () =>
    Effect.gen(function* () {
      const compression = make()
      compression.decompress(deflateRawSync(new Uint8Array(64 * 1_048_576)), 0, never)
      yield* until("there is output", () => (streams[0]?.outputBytes ?? 0) > 0)
      compression.close()
      yield* nothingRemains
      assert.isBelow(streams[0]?.outputBytes ?? Number.NaN, 1_048_576)
    })
  )

  it.live("while work waits for its turn has it never begin", () =>
    Effect.gen(function* () {
      const others = Array.from({ length: 2 }, make)
      const done = Promise.all(others.map((other) => compress(other, message)))
      const waiting = Array.from({ length: 100 }, make)
      for (const compression of waiting) {
        compression.compress(message, never)
        compression.compress(message, never)
        compression.decompress(payload, 0, never)
      }
      for (const compression of waiting) compression.close()
      yield* Effect.promise(() => done)
      for (const other of others) other.close()
      yield* nothingRemains
      assert.strictEqual(streams.length, 2)
    })
  )

  it.live("from within a callback ends what was given after it", () =>
    Effect.gen(function* () {
      for (const way of ["compress", "decompress"] as const) {
        const compression = make()
        let calls = 0
        const close = (): void => {
          calls++
          compression.close()
        }
        if (way === "compress") {
          compression.compress(message, close)
          compression.compress(message, never)
        } else {
          compression.decompress(payload, 0, close)
          compression.decompress(payload, 0, never)
        }
        yield* until("it is called back", () => calls > 0)
        yield* nothingRemains
        assert.strictEqual(calls, 1)
      }
    })
  )

  for (const [name, input, maxSize] of [
    ["invalid", corrupt, 0],
    ["too large", payload, 100]
  ] as const) {
    it.live(`after and during the answer that a message is ${name} is the same`, () =>
      Effect.gen(function* () {
        const during = make()
        const after = make()
        const isClosed = new Promise<void>((resolve) =>
          during.decompress(input, maxSize, () => {
            during.close()
            resolve()
          })
        )
        yield* Effect.promise(() => Promise.all([isClosed, decompress(after, input, maxSize)]))
        after.close()
        yield* nothingRemains
      })
    )
  }

  it.live("twice is closing once, and nothing is taken afterwards", () =>
    Effect.gen(function* () {
      const compression = make()
      yield* Effect.promise(() => compress(compression, message))
      compression.compress(message, never)
      compression.close()
      compression.close()
      compression.compress(message, never)
      compression.decompress(payload, 0, never)
      yield* nothingRemains
      compression.close()
      assert.strictEqual(streams.length, 1)
    })
  )

  it.live("gives its place to others at once, and they do not notice", () =>
    Effect.gen(function* () {
      const staying = Array.from({ length: 20 }, make)
      const results = staying.map((compression) => decompress(compression, payload))
      for (let count = 0; count < 200; count++) {
        const leaving = make()
        leaving.decompress(count % 2 === 0 ? corrupt : payload, 0, never)
        leaving.compress(message, never)
        leaving.close()
      }
      const more = staying.map((compression) => compress(compression, message))
      for (const result of yield* Effect.promise(() => Promise.all(results)))
        assert.strictEqual(result.length, message.length)
      yield* Effect.promise(() => Promise.all(more))
      for (const compression of staying) compression.close()
      yield* nothingRemains
    })
  )
})
