/** Peers that leave during an exchange, and servers that end it. */
import { assert, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Latch from "effect/Latch"
import * as EffectScope from "effect/Scope"
import * as TestClock from "effect/testing/TestClock"
import type { DisconnectReason } from "../../src/contract/DisconnectReason.ts"
import { echo, last, piece, readBody, recorded, respond, start } from "./support/Applications.ts"
import { ask, assertNothingLeft, finish, makeHarness, outcomes, readFor, turn } from "./support/Harness.ts"
import type { Client, ClientExchange, Version } from "./support/Version.ts"

/** Waits in `receive`; notes what happens in what order, and fails then. */
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

/** Waits for its interruption, and takes a second for its finalizer. */
const stubborn = () => {
  const notes: Array<string> = []
  const app = recorded<unknown>((scope) =>
    Effect.onInterrupt(Effect.never, () => Effect.sync(() => notes.push("interrupted"))).pipe(
      Effect.ensuring(
        Effect.andThen(
          Effect.sleep("1 second"),
          Effect.sync(() => notes.push(`finalized ${scope.connection.disconnectReason}`))
        )
      )
    )
  )
  return { ...app, notes }
}

const leaving: ReadonlyArray<
  readonly [name: string, leave: (client: Client, exchange: ClientExchange) => void, reason: DisconnectReason]
> = [
  ["closes its side", ({ transport }) => transport.pushEnd(), "client_closed"],
  ["closes altogether", ({ transport }) => transport.fail(), "client_closed"],
  ["gives the exchange up", (_, exchange) => exchange.abandon(), "client_closed"],
  ["cannot be read from", ({ transport }) => transport.fail("read_error"), "read_error"],
  ["cannot be written to", ({ transport }) => transport.fail("write_error"), "write_error"],
  ["gives no sign of life", ({ transport }) => transport.fail("client_timeout"), "client_timeout"]
]

export const testLeaving = (version: Version): void => {
  for (const [name, leave, reason] of leaving) {
    it.effect(`${name}: the state, the callbacks and then the event tell; sends are dropped, nothing is logged`, () =>
      Effect.gen(function* () {
        const { application, notes } = watching()
        const harness = yield* makeHarness(version, application)
        const { client, exchange } = yield* ask(harness)
        assert.deepStrictEqual(notes, [])
        leave(client, exchange)
        yield* turn
        assert.deepStrictEqual(notes, expectedNotes(reason))
        assert.isUndefined(exchange.response.status)
        assert.deepStrictEqual(harness.errors, [])
        assert.deepStrictEqual(outcomes(harness), [`499 ${reason}`])
        yield* finish(harness, client)
      })
    )

    it.effect(`${name} during the response: it is told, and the application interrupted after disconnectGrace`, () =>
      Effect.gen(function* () {
        const notes: Array<string> = []
        const { application } = recorded<unknown>(({ connection }, receive, send) =>
          Effect.gen(function* () {
            connection.onDisconnect((reason) => notes.push(`${reason} ${connection.isConnected}`))
            connection.onComplete(() => notes.push("complete"))
            yield* send(start())
            yield* send(piece("part"))
            notes.push(String(yield* readBody(receive)))
            yield* send(piece("nobody reads this"))
            yield* Effect.never
          }).pipe(Effect.onInterrupt(() => Effect.sync(() => notes.push("interrupted"))))
        )
        const harness = yield* makeHarness(version, application, { options: { disconnectGrace: "5 seconds" } })
        const { client, exchange } = yield* ask(harness, { method: "POST", more: true })
        leave(client, exchange)
        yield* turn
        assert.deepStrictEqual(notes, [`${reason} false`, "undefined"])
        yield* TestClock.adjust("4900 millis")
        assert.strictEqual(notes.length, 2)
        yield* TestClock.adjust("300 millis")
        yield* turn
        assert.deepStrictEqual(notes.slice(2), ["interrupted"])
        assert.deepStrictEqual(harness.errors, [])
        assert.deepStrictEqual(outcomes(harness), [`200 ${reason}`])
        yield* finish(harness, client)
      })
    )
  }

  it.effect("every request that it has sent before is answered, as far as that takes no waiting", () =>
    Effect.gen(function* () {
      const harness = yield* makeHarness(version, recorded(echo).application)
      const client = harness.connect()
      const exchanges = client.transport.together(() => [client.request(), client.request()])
      client.transport.pushEnd()
      yield* turn
      for (const { response } of exchanges) assert.deepInclude(response, { body: "GET / ", state: "complete" })
      assert.strictEqual(client.transport.ending, "ended")
      yield* finish(harness, client)
    })
  )

  it.effect("a response that is complete is not disturbed by an end that comes in the same turn", () =>
    Effect.gen(function* () {
      const mayAnswer = Latch.makeUnsafe()
      const { application } = recorded<unknown>((_, __, send) =>
        Effect.andThen(mayAnswer.await, respond(send, "x".repeat(50_000)))
      )
      const harness = yield* makeHarness(version, application)
      const client = harness.connect({ capacity: 1000 })
      const exchange = client.request()
      mayAnswer.openUnsafe()
      client.transport.pushEnd()
      yield* readFor(client, 60)
      assert.strictEqual(exchange.response.body.length, 50_000)
      assert.strictEqual(exchange.response.state, "complete")
      assert.strictEqual(client.transport.ending, "ended")
      yield* finish(harness, client)
    })
  )

  it.effect("an application that does not end is interrupted, and waited for with its finalizers", () =>
    Effect.gen(function* () {
      const { application, notes } = stubborn()
      const harness = yield* makeHarness(version, application, { options: { disconnectGrace: "5 seconds" } })
      const { client } = yield* ask(harness)
      client.transport.fail()
      yield* TestClock.adjust("4900 millis")
      assert.deepStrictEqual(notes, [])
      assert.strictEqual(harness.server.registry.size, 1)
      assert.strictEqual(harness.log.length, 1, "the exchange is over for the access log")
      yield* TestClock.adjust("300 millis")
      assert.deepStrictEqual(notes, ["interrupted"])
      assert.strictEqual(harness.server.registry.size, 1, "the connection counts until its applications have ended")
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(notes, ["interrupted", "finalized client_closed"])
      assert.deepStrictEqual(harness.errors, [])
      yield* finish(harness)
      assert.strictEqual(harness.server.deadlines.size, 0)
    })
  )

  it.effect("an application that cannot be interrupted is waited for, and costs nobody else anything", () =>
    Effect.gen(function* () {
      const { application } = recorded<unknown>((scope, _, send) =>
        scope.path === "/good"
          ? respond(send, "good")
          : Effect.andThen(send(start()), Effect.uninterruptible(Effect.sleep("1 hour")))
      )
      const harness = yield* makeHarness(version, application, { options: { disconnectGrace: 0 } })
      const { client } = yield* ask(harness)
      client.transport.fail()
      yield* TestClock.adjust("30 minutes")
      assert.strictEqual(harness.server.registry.size, 1)
      const other = yield* ask(harness, { path: "/good" })
      assert.deepInclude(other.exchange.response, { body: "good", state: "complete" })
      yield* TestClock.adjust("31 minutes")
      yield* finish(harness, other.client)
      assert.deepStrictEqual(harness.errors, [])
    })
  )

  for (const [name, leave] of leaving.slice(0, 3)) {
    it.effect(`${name}: with a grace of 0 the application is interrupted at once`, () =>
      Effect.gen(function* () {
        let interrupted = 0
        const { application } = recorded<unknown>(() =>
          Effect.onInterrupt(Effect.never, () => Effect.sync(() => interrupted++))
        )
        const harness = yield* makeHarness(version, application, { options: { disconnectGrace: 0 } })
        const { client, exchange } = yield* ask(harness)
        leave(client, exchange)
        yield* turn
        assert.strictEqual(interrupted, 1)
        yield* finish(harness, client)
      })
    )
  }

  it.effect("an application that ends within the grace is not interrupted, and leaves no deadline behind", () =>
    Effect.gen(function* () {
      const exits: Array<Exit.Exit<unknown>> = []
      const { application } = recorded<unknown>((scope) =>
        Effect.onExit(Effect.andThen(scope.connection.disconnected, Effect.sleep("2 seconds")), (exit) =>
          Effect.sync(() => exits.push(exit))
        )
      )
      const harness = yield* makeHarness(version, application)
      const { client } = yield* ask(harness)
      client.transport.fail()
      yield* TestClock.adjust("2 seconds")
      assert.deepStrictEqual(exits.map(Exit.isSuccess), [true])
      yield* finish(harness)
      yield* TestClock.adjust("200 millis")
      assert.strictEqual(harness.server.deadlines.size, 0)
    })
  )
}

export const testServerEnds = (version: Version): void => {
  it.effect("by closing the scope of its connections: applications are told why, interrupted, and waited for", () =>
    Effect.gen(function* () {
      const notes: Array<string> = []
      const { application } = recorded<unknown>((scope, _, send) =>
        Effect.gen(function* () {
          scope.connection.onDisconnect((reason) => notes.push(reason))
          if (scope.path === "/started") yield* send(start())
          yield* Effect.never
        }).pipe(Effect.ensuring(Effect.sync(() => notes.push("finalized"))))
      )
      const harness = yield* makeHarness(version, application)
      const fresh = harness.connect()
      const begun = harness.connect()
      begun.transport.allButTheLast(() => begun.request())
      const busy = yield* ask(harness)
      const started = yield* ask(harness, { path: "/started" })
      yield* EffectScope.close(harness.connections, Exit.void)
      yield* turn
      assert.deepStrictEqual(notes.toSorted(), ["finalized", "finalized", "server_shutdown", "server_shutdown"])
      for (const { transport } of [fresh, begun, busy.client, started.client]) {
        assert.strictEqual(transport.ending, "destroyed")
      }
      for (const { response } of [busy.exchange, started.exchange]) assert.strictEqual(response.state, "broken")
      assert.deepStrictEqual(harness.errors, [])
      assertNothingLeft(harness)
    })
  )

  it.effect("by an abort: every connection ends, and exchanges see the reason", () =>
    Effect.gen(function* () {
      const { application, notes } = watching()
      const harness = yield* makeHarness(version, application)
      const { client: busy } = yield* ask(harness)
      const fresh = harness.connect()
      harness.server.registry.abort("server_shutdown")
      yield* turn
      assert.deepStrictEqual(notes, expectedNotes("server_shutdown"))
      assert.deepStrictEqual([busy.transport.ending, fresh.transport.ending], ["destroyed", "destroyed"])
      assert.deepStrictEqual(outcomes(harness), ["499 server_shutdown"])
      assertNothingLeft(harness)
    })
  )

  it.effect("by an abort: the connection counts until its application has ended, which is interrupted", () =>
    Effect.gen(function* () {
      const { application, notes } = stubborn()
      const harness = yield* makeHarness(version, application, { options: { disconnectGrace: "5 seconds" } })
      yield* ask(harness)
      harness.server.registry.abort("server_shutdown")
      yield* turn
      assert.strictEqual(harness.server.registry.size, 1)
      yield* TestClock.adjust("5200 millis")
      assert.deepStrictEqual(notes, ["interrupted"])
      yield* TestClock.adjust("1 second")
      yield* turn
      assert.deepStrictEqual(notes, ["interrupted", "finalized server_shutdown"])
      assertNothingLeft(harness)
    })
  )
}
