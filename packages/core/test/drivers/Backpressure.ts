/** Applications wait for peers that do not read, and peers for applications that do not receive. */
import { assert, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import { informational, last, piece, readBody, recorded, respond, start, streaming } from "./support/Applications.ts"
import { ask, finish, makeHarness, readFor, turn } from "./support/Harness.ts"
import type { Version } from "./support/Version.ts"

const marks = { writeHighWatermark: 1000, writeLowWatermark: 200 }

/** Bytes that a driver may have handed to the transport beyond what the marks allow for: a frame of the usual size. */
const handedOver = 16_384 + 1000

export const testUploads = (version: Version): void => {
  it.effect("an application that does not receive leaves the content with the peer, and gets it all later", () =>
    Effect.gen(function* () {
      const mayRead = Latch.makeUnsafe()
      const { application } = recorded<unknown>((_, receive, send) =>
        Effect.gen(function* () {
          yield* mayRead.await
          const body = yield* readBody(receive)
          yield* respond(send, String(body?.length))
        })
      )
      const harness = yield* makeHarness(version, application)
      const client = harness.connect()
      const exchange = client.request({ method: "POST", more: true, fields: [["content-length", "1000000"]] })
      for (let sent = 0; sent < 100; sent++) exchange.send("x".repeat(10_000))
      exchange.end()
      yield* readFor(client, 5)
      assert.isAtLeast(exchange.unsent, 1_000_000 - 65_536 - 10_000)
      mayRead.openUnsafe()
      yield* readFor(client, 100)
      assert.strictEqual(exchange.unsent, 0)
      assert.strictEqual(exchange.response.body, "1000000")
      yield* finish(harness, client)
    })
  )
}

export const testDownloads = (version: Version): void => {
  it.effect("send suspends above the high mark and goes on at the low mark", () =>
    Effect.gen(function* () {
      const { application, progress, scopes } = streaming(100, 500)
      const harness = yield* makeHarness(version, application, { options: marks })
      const { client, exchange } = yield* ask(harness, {}, { capacity: 500 })
      const amounts: Array<number> = []
      const transport = scopes[0]?.transport
      transport?.onDrain(() => amounts.push(transport.bufferedAmount))
      const suspendedAt = progress.sent
      assert.isAtLeast(suspendedAt * 100, 1000)
      assert.isAtMost(suspendedAt * 100, 1000 + 500 + handedOver)
      assert.deepStrictEqual(progress.edges, [`high at ${suspendedAt}`])
      for (let reads = 0; reads < 100 && progress.edges.length === 1; reads++) {
        assert.strictEqual(progress.sent, suspendedAt)
        client.read()
        yield* turn
      }
      assert.isAbove(progress.sent, suspendedAt)
      assert.strictEqual(progress.edges[1], `drain at ${suspendedAt}`)
      assert.isAtMost(amounts[0] ?? Number.NaN, marks.writeLowWatermark)
      yield* readFor(client, 300)
      assert.isTrue(progress.isComplete)
      assert.deepInclude(exchange.response, { body: "x".repeat(50_000), state: "complete" })
      yield* finish(harness, client)
    })
  )

  for (const pieceSize of [30, 900, 5000, 100_000]) {
    it.effect(`pieces of ${pieceSize} bytes that are taken at once suspend nothing`, () =>
      Effect.gen(function* () {
        const { application, progress } = streaming(pieceSize, 20)
        const harness = yield* makeHarness(version, application, { options: marks })
        const { client, exchange } = yield* ask(harness)
        assert.isTrue(progress.isComplete)
        assert.strictEqual(exchange.response.body.length, 20 * pieceSize)
        assert.strictEqual(exchange.response.state, "complete")
        yield* finish(harness, client)
      })
    )
  }

  it.effect("interim responses above the high mark suspend nothing either", () =>
    Effect.gen(function* () {
      const { application } = recorded<unknown>((_, __, send) =>
        Effect.andThen(send(informational(103, [["link", "x".repeat(2000)]])), respond(send, "ok"))
      )
      const harness = yield* makeHarness(version, application, { options: marks })
      const { client, exchange } = yield* ask(harness)
      assert.strictEqual(exchange.response.informational.length, 1)
      assert.deepInclude(exchange.response, { status: 200, body: "ok", state: "complete" })
      yield* finish(harness, client)
    })
  )

  it.effect("an endless response to a peer that never reads keeps buffers below the high mark and a piece", () =>
    Effect.gen(function* () {
      let most = 0
      const { application } = recorded<unknown>((scope, _, send) =>
        Effect.gen(function* () {
          yield* send(start())
          while (scope.connection.isConnected) {
            yield* send(piece("x".repeat(700)))
            most = Math.max(most, scope.transport.bufferedAmount)
          }
        })
      )
      const harness = yield* makeHarness(version, application, { options: marks })
      const client = harness.connect({ capacity: 3000 })
      client.request()
      for (let turns = 0; turns < 5; turns++) yield* turn
      assert.isAtMost(most, 1000 + 700 + 10)
      assert.isAtMost(client.transport.bufferedAmount, 1000 + 700 + handedOver)
      client.transport.fail()
      yield* finish(harness)
    })
  )

  it.effect("the last send of a response wakes every other send that waits", () =>
    Effect.gen(function* () {
      const { application } = recorded<unknown>((_, __, send) =>
        Effect.gen(function* () {
          yield* send(start())
          const waiting = yield* Effect.forkChild(send(piece("x".repeat(50_000))), { startImmediately: true })
          assert.isUndefined(waiting.pollUnsafe())
          yield* send(last())
          yield* Effect.yieldNow
          assert.isDefined(waiting.pollUnsafe())
        })
      )
      const harness = yield* makeHarness(version, application, { options: marks })
      const { client } = yield* ask(harness, {}, { capacity: 100 })
      assert.deepStrictEqual(harness.errors, [])
      client.transport.fail()
      yield* turn
      yield* finish(harness)
    })
  )

  it.effect("many requests of a peer that reads nothing cost bounded memory, and are answered in the end", () =>
    Effect.gen(function* () {
      const { application, scopes } = recorded<unknown>((_, __, send) => respond(send, "x".repeat(2000)))
      const harness = yield* makeHarness(version, application, { options: marks })
      const client = harness.connect({ capacity: 3000 })
      const exchanges = Array.from({ length: 100 }, () => client.request())
      yield* turn
      // Heads are held up by no mark.
      assert.isAtMost(client.transport.bufferedAmount, 1000 + handedOver + 100 * 100)
      yield* readFor(client, 200)
      assert.strictEqual(scopes.length, 100)
      for (const { response } of exchanges) assert.deepInclude(response, { body: "x".repeat(2000), state: "complete" })
      yield* finish(harness, client)
    })
  )
}
