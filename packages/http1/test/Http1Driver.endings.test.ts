import { assert, describe, it } from "@effect/vitest"
import type { DisconnectReason } from "@pagi/core/DisconnectReason"
import type { MemoryTransport } from "@pagi/core/testing/MemoryTransport"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Latch from "effect/Latch"
import * as EffectScope from "effect/Scope"
import * as TestClock from "effect/testing/TestClock"
import {
  echo,
  hello,
  last,
  piece,
  readBody,
  recorded,
  respond,
  start
} from "@pagi/core/test/drivers/support/Applications"
import { assertNothingLeft, converse, finish, makeHarness, statuses, turn } from "./support/DriverHarness.ts"
import { chunked, get, lines, post } from "./support/Machine.ts"

/** Applications that go wrong, and what the peer sees of it. */
const broken = {
  "fails before the start": recorded<unknown>(() => Effect.fail(new Error("broken"))),
  "dies before the start": recorded<unknown>(() => Effect.die(new Error("broken"))),
  "throws instead of returning an Effect": recorded<unknown>(() => {
    throw new Error("broken")
  }),
  "fails later": recorded<unknown>(() => Effect.andThen(Effect.yieldNow, Effect.fail(new Error("broken")))),
  "returns without a response": recorded<unknown>(() => Effect.void),
  "returns later without a response": recorded<unknown>(() => Effect.yieldNow),
  "reads the body and returns": recorded<unknown>((_, receive) => readBody(receive)),
  "sends an interim response only": recorded<unknown>((_, __, send) =>
    send({ type: "http.response.informational", status: 103 })
  )
}

describe("an application that does not answer", () => {
  for (const [name, { application }] of Object.entries(broken)) {
    it.effect(`${name} → 500, logged once, close`, () =>
      Effect.gen(function* () {
        const harness = yield* makeHarness(application)
        const transport = yield* converse(harness, get() + get())
        assert.deepStrictEqual(
          statuses(transport.text).filter((status) => status !== 103),
          [500]
        )
        assert.match(transport.text, /connection: close\r\n/)
        assert.notInclude(transport.text, "broken")
        assert.strictEqual(transport.ending, "ended")
        assert.strictEqual(harness.errors.length, 1)
        assert.deepStrictEqual(
          harness.log.map((record) => record.status),
          [500]
        )
        yield* finish(harness, transport)
      })
    )
  }

  for (const [name, later] of [
    ["at once", Effect.void],
    ["later", Effect.yieldNow]
  ] as const) {
    it.effect(`fails ${name} after the start → truncated without the last chunk, logged once`, () =>
      Effect.gen(function* () {
        const { application } = recorded<unknown>((_, __, send) =>
          Effect.gen(function* () {
            yield* send(start())
            yield* send(piece("part"))
            yield* later
            return yield* Effect.fail("broken")
          })
        )
        const harness = yield* makeHarness(application)
        const transport = yield* converse(harness, get() + get())
        assert.match(transport.text, /\r\n\r\n4\r\npart\r\n$/)
        assert.strictEqual(transport.ending, "closed")
        assert.strictEqual(harness.errors.length, 1)
        yield* finish(harness)
      })
    )
  }

  it.effect("fails after the start → its callbacks are told server_error, and nobody that it is complete", () =>
    Effect.gen(function* () {
      const notes: Array<string> = []
      const { application } = recorded<unknown>(({ connection }, _, send) =>
        Effect.gen(function* () {
          connection.onDisconnect((reason) => notes.push(`${reason} ${connection.isConnected}`))
          connection.onComplete(() => notes.push("complete"))
          yield* send(start())
          return yield* Effect.fail("broken")
        })
      )
      const harness = yield* makeHarness(application)
      const transport = yield* converse(harness, post("Content-Length: 3") + "abc")
      assert.deepStrictEqual(notes, ["server_error false"])
      transport.pushEnd()
      yield* finish(harness)
      assert.deepStrictEqual(notes, ["server_error false"])
    })
  )

  it.effect("returns before its response is complete → truncated, logged once", () =>
    Effect.gen(function* () {
      const { application } = recorded<unknown>((_, __, send) => Effect.andThen(send(start()), send(piece("part"))))
      const harness = yield* makeHarness(application)
      const transport = yield* converse(harness, get())
      assert.match(transport.text, /part\r\n$/)
      assert.strictEqual(transport.ending, "closed")
      assert.strictEqual(harness.errors.length, 1)
      yield* finish(harness)
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

  it.effect("fails after a start that has not been written → 500", () =>
    Effect.gen(function* () {
      const { application } = recorded<unknown>((_, __, send) => Effect.andThen(send(start()), Effect.fail("broken")))
      const harness = yield* makeHarness(application)
      const transport = yield* converse(harness, get())
      assert.deepStrictEqual(statuses(transport.text), [500])
      assert.strictEqual(harness.log[0]?.status, 500)
      yield* finish(harness, transport)
    })
  )

  it.effect("responses that were complete before are delivered, also to a peer that reads slowly", () =>
    Effect.gen(function* () {
      const good = "x".repeat(5000)
      const { application } = recorded<unknown>((scope, _, send) =>
        scope.path === "/good"
          ? respond(send, good)
          : Effect.andThen(send(start()), Effect.andThen(send(piece("part")), Effect.fail("broken")))
      )
      const harness = yield* makeHarness(application)
      const transport = harness.connect({ capacity: 1000 })
      transport.push(lines("GET /good HTTP/1.1", "Host: a") + get())
      let text = ""
      for (let reads = 0; reads < 10; reads++) text += transport.read()
      yield* turn
      assert.include(text, `\r\n\r\n${good}HTTP/1.1 200`)
      assert.isTrue(text.endsWith("\r\n\r\n4\r\npart\r\n"))
      assert.strictEqual(transport.ending, "closed")
      yield* finish(harness)
    })
  )
})

describe("an application's callbacks", () => {
  it.effect("may send while a piece is being written", () =>
    Effect.gen(function* () {
      const context = yield* Effect.context<never>()
      const { application } = recorded<unknown>((scope, _, send) =>
        Effect.gen(function* () {
          scope.transport.onHighWater(() => {
            Effect.runForkWith(context)(send(piece("inner")))
          })
          yield* send(start())
          yield* send(piece("x".repeat(2000)))
          yield* send(last("end"))
        })
      )
      const harness = yield* makeHarness(application, {
        options: { writeHighWatermark: 1000, writeLowWatermark: 100 }
      })
      const transport = harness.connect({ capacity: 500 })
      transport.push(get())
      let text = ""
      for (let reads = 0; reads < 10; reads++) {
        text += transport.read()
        yield* turn
      }
      assert.deepStrictEqual(text.match(/HTTP\/1\.1/g)?.length, 1)
      assert.isTrue(text.endsWith(`7d0\r\n${"x".repeat(2000)}\r\n5\r\ninner\r\n3\r\nend\r\n0\r\n\r\n`))
      transport.pushEnd()
      yield* finish(harness)
    })
  )
})

describe("a mistake of the application outside its fiber", () => {
  it.effect("costs one connection, not the server", () =>
    Effect.gen(function* () {
      const state = Object.defineProperty({}, "broken", {
        enumerable: true,
        get: () => {
          throw new Error("no value")
        }
      })
      const harness = yield* makeHarness(recorded(hello).application, { state })
      const transport = yield* converse(harness, get())
      assert.strictEqual(transport.ending, "closed")
      assert.lengthOf(harness.errors, 1)
      yield* finish(harness)
    })
  )
})

/** Waits in `receive`; notes what happens in what order. */
const watching = () => {
  const notes: Array<string> = []
  const app = recorded<unknown>((scope, receive, send) =>
    Effect.gen(function* () {
      const { connection } = scope
      const note = (text: string) => Effect.sync(() => notes.push(text))
      yield* readBody(receive)
      yield* Effect.forkChild(
        Effect.flatMap(connection.disconnected, (reason) => note(`disconnected: ${reason}`)),
        { startImmediately: true }
      )
      connection.onDisconnect((reason) => notes.push(`first: ${reason} ${connection.isConnected}`))
      connection.onDisconnect((reason) => notes.push(`second: ${connection.disconnectReason === reason}`))
      connection.onComplete(() => notes.push("complete"))
      const event = yield* receive
      notes.push(event.type)
      connection.onDisconnect((reason) => notes.push(`late: ${reason}`))
      yield* send(start())
      yield* send(last("nobody reads this"))
      notes.push(`${(yield* receive).type} again`)
      return yield* Effect.fail("because the peer is gone")
    })
  )
  return { ...app, notes }
}

const expectedNotes = (reason: DisconnectReason): ReadonlyArray<string> => [
  `disconnected: ${reason}`,
  `first: ${reason} false`,
  "second: true",
  "http.disconnect",
  `late: ${reason}`,
  "http.disconnect again"
]

describe("a peer that leaves during an exchange", () => {
  const leaving: ReadonlyArray<
    readonly [name: string, leave: (transport: MemoryTransport) => void, reason: DisconnectReason]
  > = [
    ["closes its side", (transport) => transport.pushEnd(), "client_closed"],
    ["closes altogether", (transport) => transport.fail(), "client_closed"],
    ["cannot be read from", (transport) => transport.fail("read_error"), "read_error"],
    ["cannot be written to", (transport) => transport.fail("write_error"), "write_error"],
    ["gives no sign of life", (transport) => transport.fail("client_timeout"), "client_timeout"]
  ]
  for (const [name, leave, reason] of leaving) {
    it.effect(
      `${name}: the state, the callbacks and then the event, in order; sends are dropped, nothing is logged`,
      () =>
        Effect.gen(function* () {
          const { application, notes } = watching()
          const harness = yield* makeHarness(application)
          const transport = yield* converse(harness, get())
          assert.deepStrictEqual(notes, [])
          leave(transport)
          yield* turn
          assert.deepStrictEqual(notes, expectedNotes(reason))
          assert.strictEqual(transport.text, "")
          assert.deepStrictEqual(harness.errors, [])
          assert.deepStrictEqual(
            harness.log.map((record) => record.status),
            [499]
          )
          assertNothingLeft(harness)
        })
    )
  }

  for (const [reason, body] of [
    ["protocol_error", "zz\r\n"],
    ["body_too_large", "6\r\nabcdef\r\n"]
  ] as const) {
    it.effect(`breaks off its own request: ${reason}, without a second answer or an error`, () =>
      Effect.gen(function* () {
        const reasons: Array<DisconnectReason> = []
        const { application } = recorded<unknown>((scope, receive, send) => {
          scope.connection.onDisconnect((reason) => reasons.push(reason))
          return Effect.andThen(readBody(receive), respond(send, "late"))
        })
        const harness = yield* makeHarness(application, { options: { maxBodySize: 5 } })
        const transport = yield* converse(harness, chunked("1\r\na\r\n"))
        transport.push(body)
        yield* turn
        assert.deepStrictEqual(reasons, [reason])
        assert.strictEqual(statuses(transport.text).length, 1)
        assert.deepStrictEqual(harness.errors, [])
        yield* finish(harness, transport)
      })
    )
  }

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

  it.effect("a complete response is not disturbed by the end that comes in the same turn", () =>
    Effect.gen(function* () {
      const mayAnswer = Latch.makeUnsafe()
      const { application } = recorded<unknown>((_, __, send) =>
        Effect.andThen(mayAnswer.await, respond(send, "x".repeat(500)))
      )
      const harness = yield* makeHarness(application)
      const transport = harness.connect({ capacity: 300 })
      transport.push(get())
      mayAnswer.openUnsafe()
      transport.pushEnd()
      yield* turn
      let text = transport.read()
      text += transport.read()
      text += transport.read()
      assert.isTrue(text.endsWith("x".repeat(500)))
      assert.strictEqual(transport.ending, "ended")
      yield* finish(harness)
    })
  )

  it.effect("every request that was received before the end is answered, as far as that takes no waiting", () =>
    Effect.gen(function* () {
      const harness = yield* makeHarness(recorded(echo).application)
      const transport = harness.connect()
      transport.push(get() + get())
      transport.pushEnd()
      assert.deepStrictEqual(statuses(transport.text), [200, 200])
      assert.strictEqual(transport.ending, "ended")
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

  it.effect("an application that does not end is interrupted after disconnectGrace, and its finalizers run", () =>
    Effect.gen(function* () {
      const notes: Array<string> = []
      const { application } = recorded<unknown>(() =>
        Effect.onInterrupt(Effect.never, () => Effect.sync(() => notes.push("interrupted"))).pipe(
          Effect.ensuring(
            Effect.andThen(
              Effect.sleep("1 second"),
              Effect.sync(() => notes.push("finalized"))
            )
          )
        )
      )
      const harness = yield* makeHarness(application, { options: { disconnectGrace: "5 seconds" } })
      const transport = yield* converse(harness, get())
      transport.fail()
      yield* TestClock.adjust("4900 millis")
      assert.deepStrictEqual(notes, [])
      assert.strictEqual(harness.server.registry.size, 1)
      assert.strictEqual(harness.log.length, 1, "the exchange is over for the access log")
      yield* TestClock.adjust("300 millis")
      assert.deepStrictEqual(notes, ["interrupted"])
      assert.strictEqual(harness.server.registry.size, 1, "the connection counts until its applications have ended")
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(notes, ["interrupted", "finalized"])
      assert.deepStrictEqual(harness.errors, [])
      yield* finish(harness)
      assert.strictEqual(harness.server.deadlines.size, 0)
    })
  )

  it.effect("with disconnectGrace 0 it is interrupted at once", () =>
    Effect.gen(function* () {
      const { application } = recorded<unknown>(() => Effect.never)
      const harness = yield* makeHarness(application, { options: { disconnectGrace: 0 } })
      const transport = yield* converse(harness, get())
      transport.fail()
      yield* turn
      yield* finish(harness)
    })
  )

  it.effect("an application that ends within the grace is not interrupted, and leaves no deadline behind", () =>
    Effect.gen(function* () {
      const exits: Array<Exit.Exit<unknown>> = []
      const { application } = recorded<unknown>((scope) =>
        Effect.onExit(Effect.andThen(scope.connection.disconnected, Effect.sleep("2 seconds")), (exit) =>
          Effect.sync(() => exits.push(exit))
        )
      )
      const harness = yield* makeHarness(application)
      const transport = yield* converse(harness, get())
      transport.fail()
      yield* TestClock.adjust("2 seconds")
      assert.deepStrictEqual(exits.map(Exit.isSuccess), [true])
      yield* finish(harness)
      yield* TestClock.adjust("200 millis")
      assert.strictEqual(harness.server.deadlines.size, 0)
    })
  )

  it.effect("applications that run on after their response are interrupted too", () =>
    Effect.gen(function* () {
      let interrupted = 0
      const { application } = recorded<unknown>((_, __, send) =>
        Effect.andThen(
          respond(send, "ok"),
          Effect.onInterrupt(Effect.never, () => Effect.sync(() => interrupted++))
        )
      )
      const harness = yield* makeHarness(application)
      const transport = yield* converse(harness, get() + get() + get())
      assert.strictEqual(statuses(transport.text).length, 3)
      transport.fail()
      yield* TestClock.adjust("6 seconds")
      assert.strictEqual(interrupted, 3)
      assert.deepStrictEqual(harness.errors, [])
      assert.deepStrictEqual(
        harness.log.map((record) => record.status),
        [200, 200, 200]
      )
      yield* finish(harness)
    })
  )
})

describe("the server ends", () => {
  it.effect("closing the scope of the connections ends everything, and tells applications why", () =>
    Effect.gen(function* () {
      const notes: Array<string> = []
      const { application } = recorded<unknown>((scope, _, send) =>
        Effect.gen(function* () {
          scope.connection.onDisconnect((reason) => notes.push(reason))
          if (scope.path === "/started") yield* send(start())
          yield* Effect.never
        }).pipe(Effect.ensuring(Effect.sync(() => notes.push("finalized"))))
      )
      const harness = yield* makeHarness(application)
      const transports = [harness.connect(), yield* converse(harness, "GET /"), yield* converse(harness, get())]
      transports.push(yield* converse(harness, lines("GET /started HTTP/1.1", "Host: a")))
      yield* EffectScope.close(harness.connections, Exit.void)
      yield* turn
      assert.deepStrictEqual(notes.toSorted(), ["finalized", "finalized", "server_shutdown", "server_shutdown"])
      assert.deepStrictEqual(
        transports.map((transport) => transport.ending),
        transports.map(() => "destroyed")
      )
      assert.deepStrictEqual(harness.errors, [])
      assertNothingLeft(harness)
    })
  )

  it.effect("abort ends every connection; exchanges see the reason", () =>
    Effect.gen(function* () {
      const { application, notes } = watching()
      const harness = yield* makeHarness(application)
      const busy = yield* converse(harness, get())
      const fresh = harness.connect()
      harness.server.registry.abort("server_shutdown")
      yield* turn
      assert.deepStrictEqual(notes, expectedNotes("server_shutdown"))
      assert.strictEqual(busy.ending, "destroyed")
      assert.strictEqual(fresh.ending, "destroyed")
      assertNothingLeft(harness)
    })
  )

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

  it.effect("a response that has started is finished, and the connection closes behind it", () =>
    Effect.gen(function* () {
      const mayAnswer = Latch.makeUnsafe()
      const { application } = recorded<unknown>((_, __, send) =>
        Effect.gen(function* () {
          yield* send(start())
          yield* mayAnswer.await
          yield* send(last("ok"))
        })
      )
      const harness = yield* makeHarness(application)
      const transport = yield* converse(harness, get())
      harness.server.registry.drain()
      mayAnswer.openUnsafe()
      yield* turn
      assert.match(transport.text, /2\r\nok\r\n0\r\n\r\n$/)
      assert.strictEqual(transport.ending, "ended")
      yield* finish(harness, transport)
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
