import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as TestClock from "effect/testing/TestClock"
import { appendFileSync, readdirSync, readlinkSync, truncateSync } from "node:fs"
import { join } from "node:path"
import * as DirectoryClient from "../support/DirectoryClient.ts"

const content = Uint8Array.from({ length: 1_000_000 }, (_, index) => (index * 31) ^ (index >> 8))

/** Whether this process has the file open. */
const isOpen = (path: string): boolean =>
  readdirSync("/proc/self/fd").some((descriptor) => {
    try {
      return readlinkSync(`/proc/self/fd/${descriptor}`) === path
    } catch {
      return false
    }
  })

const setUp = Effect.gen(function* () {
  const { client, root } = yield* DirectoryClient.make({ big: content })
  const path = join(root, "big")
  return { path, client, exchange: yield* client.open({ path: "/big" }) }
})

describe("Directory: sending files", () => {
  it.effect("in pieces, each read when there is room for it", () =>
    Effect.gen(function* () {
      const { exchange, path } = yield* setUp
      yield* exchange.start
      const first = (yield* exchange.nextPiece) ?? new Uint8Array()
      assert.strictEqual(first.length, 65_536)
      const response = yield* exchange.response
      assert.deepStrictEqual(Buffer.from(response.bytes), Buffer.from(content))
      yield* exchange.exit
      assert.isFalse(isOpen(path))
    })
  )

  it.effect("a part from the middle", () =>
    Effect.gen(function* () {
      const { client } = yield* setUp
      const response = yield* client.request({ path: "/big", headers: [["range", "bytes=100000-299999"]] })
      assert.deepStrictEqual(Buffer.from(response.bytes), Buffer.from(content.subarray(100_000, 300_000)))
    })
  )

  it.effect("a file that becomes longer is sent as long as it was", () =>
    Effect.gen(function* () {
      const { exchange, path } = yield* setUp
      yield* exchange.start
      appendFileSync(path, "more")
      assert.strictEqual((yield* exchange.response).bytes.length, content.length)
    })
  )

  it.effect("a file that becomes shorter breaks the response off", () =>
    Effect.gen(function* () {
      const { exchange, path } = yield* setUp
      yield* exchange.start
      truncateSync(path, 500_000)
      const error = yield* Effect.flip(exchange.response)
      assert.strictEqual(error.reason, "truncated")
      const exit = yield* exchange.exit
      assert.isTrue(Exit.isFailure(exit))
      assert.include(String(Exit.isFailure(exit) ? exit.cause : ""), "the file became shorter while it was sent")
      assert.isFalse(isOpen(path))
    })
  )

  it.effect("a client that leaves has the file closed", () =>
    Effect.gen(function* () {
      const { exchange, path } = yield* setUp
      yield* exchange.start
      assert.isTrue(isOpen(path))
      yield* exchange.disconnect()
      yield* TestClock.adjust("5 seconds")
      yield* exchange.exit
      assert.isFalse(isOpen(path))
    })
  )
})
