import { assert, describe, it } from "@effect/vitest"
import type { DisconnectReason } from "@pagi/core/DisconnectReason"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Latch from "effect/Latch"
import * as TestClock from "effect/testing/TestClock"
import { hello, last, piece, recorded, respond, start } from "@pagi/core/test/drivers/support/Applications"
import { converse, finish, makeHarness, statuses, turn } from "./support/DriverHarness.ts"
import { get, lines, post } from "./support/Machine.ts"

describe("an application that does not answer", () => {
  it.effect("→ 500 with connection: close, behind which nothing that was pipelined is served", () =>
    Effect.gen(function* () {
      const harness = yield* makeHarness(recorded<unknown>(() => Effect.void).application)
      const transport = yield* converse(harness, get() + get())
      assert.deepStrictEqual(statuses(transport.text), [500])
      assert.match(transport.text, /connection: close\r\n/)
      assert.strictEqual(transport.ending, "ended")
      assert.strictEqual(harness.log.length, 1)
      yield* finish(harness, transport)
    })
  )

  it.effect("fails in a close-delimited response → reset, so that no client takes it for complete", () =>
    Effect.gen(function* () {
      const { application } = recorded<unknown>((_, __, send) =>
        Effect.gen(function* () {
          yield* send(start())
          yield* send(piece("part"))
          yield* Effect.yieldNow
          return yield* Effect.fail("broken")
        })
      )
      const harness = yield* makeHarness(application)
      const transport = yield* converse(harness, lines("GET / HTTP/1.0"))
      assert.match(transport.text, /\r\n\r\npart$/)
      assert.strictEqual(transport.ending, "reset")
      yield* finish(harness)
    })
  )
})

describe("a peer that leaves during an exchange", () => {
  it.effect("in a close-delimited response: reset, since the end would make it look complete", () =>
    Effect.gen(function* () {
      const { application } = recorded<unknown>((_, __, send) =>
        Effect.gen(function* () {
          yield* send(start())
          yield* send(piece("part"))
          yield* Effect.never
        })
      )
      const harness = yield* makeHarness(application)
      const transport = yield* converse(harness, lines("GET / HTTP/1.0"))
      transport.pushEnd()
      assert.strictEqual(transport.ending, "reset")
      yield* TestClock.adjust("6 seconds")
      yield* finish(harness)
    })
  )

  it.effect("a pipelined request behind the response is not left waiting for a peer that is gone", () =>
    Effect.gen(function* () {
      const mayAnswer = Latch.makeUnsafe()
      const reasons: Array<DisconnectReason> = []
      const { application, scopes } = recorded<unknown>((scope, _, send) =>
        scope.path === "/"
          ? Effect.andThen(mayAnswer.await, respond(send, "ok"))
          : Effect.flatMap(scope.connection.disconnected, (reason) => Effect.sync(() => reasons.push(reason)))
      )
      const harness = yield* makeHarness(application)
      const transport = yield* converse(harness, get() + lines("GET /wait HTTP/1.1", "Host: a"))
      mayAnswer.openUnsafe()
      transport.pushEnd()
      yield* turn
      assert.strictEqual(scopes.length, 2)
      assert.deepStrictEqual(reasons, ["client_closed"])
      yield* finish(harness)
    })
  )
})

describe("the server ends", () => {
  it.effect("abort while a response waits for its peer resets, so that it cannot be taken for complete", () =>
    Effect.gen(function* () {
      const { application } = recorded<unknown>((_, __, send) =>
        Effect.gen(function* () {
          yield* send(start())
          yield* send(piece("x".repeat(100)))
          yield* send(last("x".repeat(400)))
        })
      )
      const harness = yield* makeHarness(application)
      const transport = harness.connect({ capacity: 200 })
      transport.push(lines("GET / HTTP/1.0"))
      yield* turn
      assert.strictEqual(transport.ending, "open")
      harness.server.registry.abort("server_shutdown")
      assert.strictEqual(transport.ending, "reset")
      yield* finish(harness)
    })
  )
})

describe("giving way", () => {
  it.effect("is for those without a request, then for those that take less than they ask for, then for others", () =>
    Effect.gen(function* () {
      const { application } = recorded<unknown>(({ path }, _, send) =>
        path === "/busy" ? Effect.never : respond(send, "x".repeat(700))
      )
      const harness = yield* makeHarness(application)
      const unread = harness.connect({ capacity: 100 })
      unread.push(get())
      const busy = yield* converse(harness, lines("GET /busy HTTP/1.1", "Host: a"))
      const idle = yield* converse(harness, get())
      const head = yield* converse(harness, "GET / HT")
      const fresh = harness.connect()
      const pipelining = harness.connect()
      pipelining.push(lines("GET /busy HTTP/1.1", "Host: a").repeat(2))
      const all = [idle, head, fresh, unread, pipelining, busy]
      for (const [index, transport] of all.entries()) {
        assert.isTrue(all.slice(index).every(({ ending }) => ending === "open"))
        assert.isTrue(harness.server.registry.dropLeast())
        assert.notStrictEqual(transport.ending, "open")
      }
      assert.isFalse(harness.server.registry.dropLeast())
      // The applications of those that were asked for something end a moment after their clients have left.
      yield* TestClock.adjust("10 seconds")
      yield* finish(harness)
    })
  )
})

describe("drain", () => {
  it.effect("idle connections close a moment later, fresh ones after a second", () =>
    Effect.gen(function* () {
      const harness = yield* makeHarness(recorded(hello).application)
      const idle = yield* converse(harness, get())
      const fresh = harness.connect()
      harness.server.registry.drain()
      const late = harness.connect()
      assert.strictEqual(idle.ending, "open")
      yield* TestClock.adjust("400 millis")
      assert.strictEqual(idle.ending, "ended")
      yield* TestClock.adjust("600 millis")
      assert.strictEqual(fresh.ending, "open")
      assert.strictEqual(late.ending, "open")
      yield* TestClock.adjust("200 millis")
      assert.strictEqual(fresh.ending, "destroyed")
      assert.strictEqual(late.ending, "destroyed")
      yield* finish(harness, idle)
      assert.isTrue(Exit.isSuccess(yield* Effect.exit(harness.server.registry.empty)))
    })
  )

  it.effect("the next request on an idle connection, which was under way, is answered with connection: close", () =>
    Effect.gen(function* () {
      const harness = yield* makeHarness(recorded(hello).application)
      const idle = yield* converse(harness, get())
      harness.server.registry.drain()
      idle.read()
      idle.push(get())
      yield* turn
      assert.match(idle.text, /^HTTP\/1\.1 200 OK\r\n(.+\r\n)*connection: close\r\n/i)
      assert.strictEqual(idle.ending, "ended")
      yield* finish(harness, idle)
    })
  )

  it.effect("a first request that was under way is answered, with connection: close", () =>
    Effect.gen(function* () {
      const harness = yield* makeHarness(recorded(hello).application)
      const fresh = harness.connect()
      const begun = yield* converse(harness, get().slice(0, 10))
      harness.server.registry.drain()
      fresh.push(get())
      begun.push(get().slice(10))
      for (const transport of [fresh, begun]) {
        assert.match(transport.text, /^HTTP\/1\.1 200 [^]*connection: close\r\n/)
        assert.strictEqual(transport.ending, "ended")
      }
      yield* finish(harness, fresh, begun)
    })
  )

  it.effect("busy connections finish with connection: close, and pipelined leftovers are not started", () =>
    Effect.gen(function* () {
      const mayAnswer = Latch.makeUnsafe()
      const { application, scopes } = recorded<unknown>((_, __, send) =>
        Effect.andThen(mayAnswer.await, respond(send, "ok"))
      )
      const harness = yield* makeHarness(application)
      const transport = yield* converse(harness, get() + get())
      harness.server.registry.drain()
      assert.strictEqual(transport.ending, "open")
      const empty = yield* Effect.forkChild(harness.server.registry.empty, { startImmediately: true })
      mayAnswer.openUnsafe()
      yield* turn
      assert.match(transport.text, /^HTTP\/1\.1 200 [^]*connection: close\r\n[^]*\r\n\r\nok$/)
      assert.strictEqual(transport.ending, "ended")
      assert.strictEqual(scopes.length, 1)
      assert.isUndefined(empty.pollUnsafe())
      yield* finish(harness, transport)
      yield* Fiber.join(empty)
    })
  )

  it.effect("idle connections have two seconds where others serve, which may become known later", () =>
    Effect.gen(function* () {
      const harness = yield* makeHarness(recorded(hello).application)
      const [idle, late] = [yield* converse(harness, get()), yield* converse(harness, get())]
      harness.server.leaving.begunAt = harness.server.deadlines.now
      harness.server.registry.drain()
      harness.server.leaving.othersServe = true
      yield* TestClock.adjust("1800 millis")
      assert.strictEqual(idle.ending, "open")
      late.read()
      late.push(get())
      yield* turn
      assert.match(late.text, /^HTTP\/1\.1 200 OK\r\n(.+\r\n)*connection: close\r\n/i)
      assert.strictEqual(late.ending, "ended")
      yield* TestClock.adjust("600 millis")
      assert.strictEqual(idle.ending, "ended")
      yield* finish(harness, idle, late)
    })
  )

  it.effect("a response that has begun ends the connection only if it has said so: another request may follow", () =>
    Effect.gen(function* () {
      const mayEnd = Latch.makeUnsafe()
      const { application, scopes } = recorded<unknown>((_, __, send) =>
        Effect.gen(function* () {
          yield* send({ type: "http.response.start", status: 200, headers: [["content-length", "2"]] })
          yield* send({ type: "http.response.body", body: "o", more: true })
          yield* mayEnd.await
          yield* send({ type: "http.response.body", body: "k" })
        })
      )
      const harness = yield* makeHarness(application)
      const [asking, silent] = [yield* converse(harness, get()), yield* converse(harness, get())]
      assert.match(asking.text, /^HTTP\/1\.1 200 [^]*\r\n\r\no$/)
      harness.server.registry.drain()
      mayEnd.openUnsafe()
      yield* turn
      assert.strictEqual(asking.ending, "open")
      asking.read()
      asking.push(get())
      yield* turn
      assert.match(asking.text, /^HTTP\/1\.1 200 [^]*connection: close\r\n[^]*\r\n\r\nok$/)
      assert.strictEqual(asking.ending, "ended")
      assert.strictEqual(scopes.length, 3)
      yield* TestClock.adjust("400 millis")
      assert.strictEqual(silent.ending, "ended")
      yield* finish(harness, asking, silent)
    })
  )

  it.effect("a connection that only waits for the rest of an unwanted body closes at once", () =>
    Effect.gen(function* () {
      const harness = yield* makeHarness(recorded(hello).application)
      const transport = yield* converse(harness, post("Content-Length: 100") + "abc")
      assert.strictEqual(transport.ending, "open")
      harness.server.registry.drain()
      assert.strictEqual(transport.ending, "ended")
      yield* finish(harness, transport)
    })
  )
})
