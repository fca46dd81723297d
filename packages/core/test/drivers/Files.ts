/** Responses whose content is a file. */
import { assert, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import type { HttpSendEvent } from "../../src/contract/Event.ts"
import { FileUnreadable } from "../../src/contract/FileSource.ts"
import type { MemoryFiles } from "../../src/testing/MemoryFiles.ts"
import { last, piece, type Send, sendAll, start, trailers } from "./support/Applications.ts"
import { answering, content, file, path, text, withHead } from "./support/FileAnswers.ts"
import { ask, assertCost, finish, makeHarness, readFor, summaries, turn } from "./support/Harness.ts"
import { valuesOf, type Version } from "./support/Version.ts"

const locked = new FileUnreadable({ message: "it is locked" })

interface Marks {
  readonly writeHighWatermark?: number
  readonly writeLowWatermark?: number
}

const setUp = (version: Version, answer: (send: Send) => Effect.Effect<unknown, unknown>, options: Marks = {}) =>
  Effect.gen(function* () {
    const { application, files, scopes } = answering(answer)
    return { files, harness: yield* makeHarness(version, application, { files, options }), scopes }
  })

export const testFiles = (version: Version): void => {
  it.effect("has the length of the file, and leaves the connection as it was", () =>
    Effect.gen(function* () {
      const { files, harness } = yield* setUp(version, withHead())
      const client = harness.connect()
      const exchanges = client.transport.together(() => [client.request(), client.request()])
      yield* readFor(client, 20)
      for (const { response } of exchanges) {
        assert.deepStrictEqual(valuesOf(response.headers, "content-length"), ["200000"])
        assert.isTrue(response.body === text)
        assert.strictEqual(response.state, "complete")
      }
      assert.isTrue(client.mayAskAgain)
      assert.deepStrictEqual([files.opened, files.closed], [2, 2])
      assert.deepStrictEqual(summaries(harness), ["GET / 200 200000 complete", "GET / 200 200000 complete"])
      yield* finish(harness, client)
    })
  )

  for (const size of [500, 5000]) {
    it.effect(`of ${size} bytes has its length also when opening it takes longer than a turn`, () =>
      Effect.gen(function* () {
        const part = { offset: content.length - size, length: 6000 }
        const { files, harness } = yield* setUp(version, withHead(206, [["x-a", "b"]], part))
        const gate = Latch.makeUnsafe()
        files.beforeOpen = gate.await
        const { client, exchange } = yield* ask(harness)
        assert.isUndefined(exchange.response.status)
        yield* gate.open
        yield* turn
        assert.deepStrictEqual(valuesOf(exchange.response.headers, "content-length"), [String(size)])
        assert.strictEqual(exchange.response.body, text.slice(-size))
        yield* finish(harness, client)
      })
    )
  }

  for (const [what, method, status, part, lengths] of [
    ["to HEAD", "HEAD", 200, {}, ["200000"]],
    ["to HEAD, and small,", "HEAD", 200, { length: 10 }, ["10"]],
    ["to HEAD, and just too large to come whole,", "HEAD", 200, { length: 1001 }, ["1001"]],
    ["with 304", "GET", 304, { length: 1000 }, undefined],
    ["with 304, and too large to come whole,", "GET", 304, { length: 1001 }, undefined],
    ["from beyond its end", "GET", 200, { offset: 300_000 }, ["0"]]
  ] as const) {
    it.effect(`${what} has a length at most, and nothing of it is read`, () =>
      Effect.gen(function* () {
        const { files, harness } = yield* setUp(version, withHead(status, [], part))
        const client = harness.connect()
        const exchanges = client.transport.together(() => [client.request({ method }), client.request({ method })])
        yield* turn
        for (const { response } of exchanges) {
          assert.deepInclude(response, { status, body: "", state: "complete" })
          if (lengths !== undefined) assert.deepStrictEqual(valuesOf(response.headers, "content-length"), [...lengths])
        }
        assert.isTrue(client.mayAskAgain)
        assert.strictEqual(files.pieces, 0)
        assert.strictEqual(files.opened, files.closed)
        assert.deepStrictEqual(
          harness.log.map(({ bytes, outcome }) => [bytes, outcome]),
          [
            [0, "complete"],
            [0, "complete"]
          ]
        )
        yield* finish(harness, client)
      })
    )
  }

  for (const length of [500, 200_000]) {
    it.effect(`of ${length} bytes may follow pieces, and precede trailers`, () =>
      Effect.gen(function* () {
        const events = [start(200, [], true), piece("before "), file({ length }), trailers([["x-sum", "1"]])]
        const { harness } = yield* setUp(version, (send) => sendAll(send, events))
        const client = harness.connect()
        const exchange = client.request()
        yield* readFor(client, 20)
        assert.isTrue(exchange.response.body === `before ${text.slice(0, length)}`)
        assert.deepInclude(exchange.response, { trailers: [["x-sum", "1"]], state: "complete" })
        yield* finish(harness, client)
      })
    )
  }

  it.effect("may have the length that the application states", () =>
    Effect.gen(function* () {
      const { harness } = yield* setUp(version, withHead(200, [["Content-Length", "200000"]]))
      const client = harness.connect()
      const exchange = client.request()
      yield* readFor(client, 20)
      assert.isTrue(exchange.response.body === text)
      assert.strictEqual(exchange.response.state, "complete")
      yield* finish(harness, client)
    })
  )

  for (const length of [100, 5000]) {
    it.effect(`of ${length} bytes that contradict the stated length is a 500`, () =>
      Effect.gen(function* () {
        for (const stated of [length - 1, length + 1]) {
          const answer = withHead(200, [["content-length", String(stated)]], { length })
          const { files, harness } = yield* setUp(version, answer)
          const { client, exchange } = yield* ask(harness)
          assert.deepInclude(exchange.response, { status: 500, state: "complete" })
          assert.deepStrictEqual([files.opened, files.closed], [1, 1])
          assert.match(harness.errors.join(), /the response was broken off: the body (exceeds|ends)/)
          assertCost(harness, client)
          yield* finish(harness, client)
        }
      })
    )
  }

  it.effect("before the start is out of order, and no file is opened", () =>
    Effect.gen(function* () {
      const { files, harness } = yield* setUp(version, (send) =>
        Effect.catch(send(file()), (error) => sendAll(send, [start(404), last(error.message)]))
      )
      const { client, exchange } = yield* ask(harness)
      assert.deepInclude(exchange.response, {
        status: 404,
        body: "http.response.body: http.response.start has not been sent"
      })
      assert.strictEqual(files.opened, 0)
      yield* finish(harness, client)
    })
  )
}

/** What comes before the file, and what the application does when that cannot be sent. */
const missing = (...events: ReadonlyArray<HttpSendEvent>) => ({
  or: (instead: (send: Send) => Effect.Effect<unknown, unknown>) => (send: Send) =>
    Effect.andThen(
      sendAll(send, events),
      Effect.catch(send(file()), () => instead(send))
    )
})

const notFound = (send: Send) => sendAll(send, [start(404, [["x-b", "2"]]), last("nothing here")])

export const testUnreadableFiles = (version: Version): void => {
  it.effect("leaves room for another start, at once or later", () =>
    Effect.gen(function* () {
      for (const delay of [Effect.void, Effect.yieldNow, turn]) {
        for (const pause of [Effect.void, turn]) {
          const answer = missing(start(200, [["x-a", "1"]])).or((send) => Effect.andThen(pause, notFound(send)))
          const { files, harness } = yield* setUp(version, answer)
          files.beforeOpen = Effect.andThen(delay, Effect.fail(locked))
          const client = harness.connect()
          const exchanges = client.transport.together(() => [client.request(), client.request()])
          yield* readFor(client, 5)
          for (const { response } of exchanges) {
            assert.deepInclude(response, { status: 404, body: "nothing here", state: "complete" })
            const names = response.headers.map(([name]) => name)
            assert.deepStrictEqual(names.toSorted(), ["content-length", "date", "x-b"])
          }
          assert.strictEqual(files.opened, 0)
          yield* finish(harness, client)
          assert.deepStrictEqual(harness.errors, [])
        }
      }
    })
  )

  it.effect("does so for HEAD too, also when trailers were announced", () =>
    Effect.gen(function* () {
      const { files, harness } = yield* setUp(version, missing(start(200, [], true)).or(notFound))
      files.beforeOpen = Effect.andThen(turn, Effect.fail(locked))
      const { client, exchange } = yield* ask(harness, { method: "HEAD" })
      yield* turn
      assert.deepInclude(exchange.response, { status: 404, body: "", state: "complete" })
      assert.deepStrictEqual(valuesOf(exchange.response.headers, "content-length"), ["12"])
      yield* finish(harness, client)
    })
  )

  it.effect("behind other content leaves the response as it was", () =>
    Effect.gen(function* () {
      const failures: Array<string> = []
      const answer = missing(start(200), piece("some, ")).or((send) =>
        Effect.andThen(
          Effect.catch(send(start(404)), ({ reason }) => Effect.sync(() => void failures.push(reason._tag))),
          send(last("no more"))
        )
      )
      const { files, harness } = yield* setUp(version, answer)
      files.beforeOpen = Effect.fail(locked)
      const { client, exchange } = yield* ask(harness)
      assert.deepInclude(exchange.response, { status: 200, body: "some, no more", state: "complete" })
      assert.deepStrictEqual(failures, ["EventOutOfOrder"])
      yield* finish(harness, client)
    })
  )

  it.effect("is a 500 when the application has nothing else to send", () =>
    Effect.gen(function* () {
      for (const delay of [Effect.void, turn]) {
        const { files, harness } = yield* setUp(version, withHead())
        files.beforeOpen = Effect.andThen(delay, Effect.fail(locked))
        const { client, exchange } = yield* ask(harness)
        yield* turn
        assert.deepInclude(exchange.response, { status: 500, state: "complete" })
        yield* finish(harness, client)
      }
    })
  )

  for (const [name, breakIt] of [
    ["becomes shorter", (files: MemoryFiles) => files.set(path, content.subarray(0, 150_000))],
    ["cannot be read on", (files: MemoryFiles) => void (files.beforeRead = Effect.fail(locked))]
  ] as const) {
    it.effect(`breaks the response off when it ${name} on its way, which is logged once`, () =>
      Effect.gen(function* () {
        const { files, harness, scopes } = yield* setUp(version, withHead())
        const { client, exchange } = yield* ask(harness, {}, { capacity: 1000 })
        breakIt(files)
        yield* readFor(client, 400)
        const { body, headers, state } = exchange.response
        assert.deepStrictEqual(valuesOf(headers, "content-length"), ["200000"])
        assert.strictEqual(state, "broken")
        assert.isTrue(text.slice(0, 150_000).startsWith(body))
        assert.deepStrictEqual([files.opened, files.closed], [1, 1])
        assert.strictEqual(harness.errors.length, 1)
        assert.match(harness.errors[0] ?? "", /the response was broken off/)
        assert.strictEqual(scopes[0]?.connection.disconnectReason, "server_error")
        assert.strictEqual(harness.log[0]?.outcome, "server_error")
        assertCost(harness, client)
        yield* finish(harness, client)
      })
    )
  }
}

export const testFilesUnderWay = (version: Version): void => {
  it.effect("never has more than the high mark and a piece waiting for the peer", () =>
    Effect.gen(function* () {
      const marks = { writeHighWatermark: 40_000, writeLowWatermark: 10_000 }
      const { files, harness, scopes } = yield* setUp(version, withHead(), marks)
      const client = harness.connect({ capacity: 10_000 })
      const exchange = client.request()
      let maximum = 0
      for (let round = 0; round < 100; round++) {
        yield* turn
        maximum = Math.max(maximum, scopes[0]?.transport.bufferedAmount ?? 0)
        client.read()
      }
      assert.isAbove(maximum, 40_000 - 16_384)
      assert.isAtMost(maximum, 40_000 + 16_384)
      assert.isTrue(exchange.response.body === text)
      assert.deepStrictEqual([files.opened, files.closed], [1, 1])
      assert.isTrue(files.inUse.every((inUse) => inUse >= 0 && inUse <= 40_000 + 16_384 + 200))
      yield* finish(harness, client)
    })
  )

  it.effect("is closed when the peer leaves in the middle, or gives it up", () =>
    Effect.gen(function* () {
      for (const isGivenUp of [false, true]) {
        const { files, harness } = yield* setUp(version, withHead(), { writeHighWatermark: 20_000 })
        const { client, exchange } = yield* ask(harness, {}, { capacity: 1000 })
        assert.deepStrictEqual([files.opened, files.closed], [1, 0])
        if (isGivenUp) exchange.abandon()
        else client.transport.fail()
        yield* turn
        assert.deepStrictEqual([files.opened, files.closed], [1, 1])
        assert.deepStrictEqual(harness.errors, [])
        assert.strictEqual(harness.log[0]?.outcome, "client_closed")
        client.transport.fail()
        yield* turn
        yield* finish(harness)
      }
    })
  )

  it.effect("is closed when the application gives up, and the response stays unfinished", () =>
    Effect.gen(function* () {
      const { files, harness } = yield* setUp(version, (send) =>
        Effect.andThen(send(start()), Effect.raceFirst(send(file()), Effect.andThen(turn, Effect.fail("too slow"))))
      )
      const client = harness.connect({ capacity: 1000 })
      const exchange = client.request()
      yield* turn
      yield* readFor(client, 300)
      assert.deepStrictEqual([files.opened, files.closed], [1, 1])
      assert.isBelow(exchange.response.body.length, content.length)
      assert.strictEqual(exchange.response.state, "broken")
      yield* finish(harness, client)
    })
  )

  it.effect("is not mixed with anything else", () =>
    Effect.gen(function* () {
      const refusals: Array<string> = []
      const { harness } = yield* setUp(version, (send) =>
        Effect.gen(function* () {
          yield* send(start())
          const attempt = Effect.catch(send(last("other")), (error) => Effect.sync(() => refusals.push(error.message)))
          yield* Effect.all([send(file()), attempt], { concurrency: "unbounded" })
        })
      )
      const client = harness.connect({ capacity: 1000 })
      const exchange = client.request()
      yield* readFor(client, 300)
      assert.isTrue(exchange.response.body === text)
      assert.deepStrictEqual(refusals, [
        "http.response.body: a file is being sent; nothing may follow before that send has ended"
      ])
      yield* finish(harness, client)
    })
  )
}
