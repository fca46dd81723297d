import { assert, describe, it } from "@effect/vitest"
import type { DisconnectReason } from "@pagi/core/DisconnectReason"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as TestClock from "effect/testing/TestClock"
import { fragments, text } from "./support/Frames.ts"
import { finishSessions, makePuppetHarness, openSession, type Session } from "./support/Puppets.ts"
import { assertNothingLeft, finish, logLines, makeHarness, turn } from "./support/SessionHarness.ts"

describe("a peer that leaves without a close frame", () => {
  const reasons: ReadonlyArray<readonly [how: string, leave: (session: Session) => void, reason: DisconnectReason]> = [
    ["closes its side", ({ peer }) => peer.end(), "client_closed"],
    ["closes altogether", ({ transport }) => transport.fail(), "client_closed"],
    ["cannot be read from", ({ transport }) => transport.fail("read_error"), "read_error"],
    ["cannot be written to", ({ transport }) => transport.fail("write_error"), "write_error"],
    ["gives no sign of life", ({ transport }) => transport.fail("client_timeout"), "client_timeout"]
  ]
  for (const [how, leave, reason] of reasons) {
    it.effect(`${how}: 1006 ${reason}, behind the messages that came before`, () =>
      Effect.gen(function* () {
        const harness = yield* makePuppetHarness()
        const session = yield* openSession(harness)
        const { app, peer, transport } = session
        peer.write(text("a") + text("b") + (fragments(1, ["half", "whole"])[0] ?? ""))
        yield* app.text("four")
        yield* turn
        leave(session)
        yield* turn
        assert.deepStrictEqual(peer.read(), ["text four"])
        if (reason === "client_closed" && how === "closes its side") assert.strictEqual(transport.ending, "destroyed")
        yield* app.listen
        assert.deepStrictEqual(app.notes, ["text a", "text b", `disconnect 1006 ${reason}`])
        assert.deepStrictEqual(logLines(harness), [`101 4 ${reason}`])
        yield* app.text("into the void")
        yield* finishSessions(harness, session)
        assert.deepStrictEqual(harness.errors, [])
      })
    )

    it.effect(`${how} while our close frame waits for an answer: the same`, () =>
      Effect.gen(function* () {
        const harness = yield* makePuppetHarness()
        const session = yield* openSession(harness)
        yield* session.app.listen
        yield* session.app.close()
        leave(session)
        yield* turn
        assert.deepStrictEqual(session.app.notes, [`disconnect 1006 ${reason}`])
        assert.deepStrictEqual(logLines(harness), [`101 0 ${reason}`])
        yield* finishSessions(harness, session)
      })
    )

    it.effect(`${how} after both have closed: nothing is wrong`, () =>
      Effect.gen(function* () {
        const harness = yield* makePuppetHarness()
        const session = yield* openSession(harness)
        yield* session.app.listen
        session.peer.close(1000)
        leave(session)
        yield* turn
        assert.deepStrictEqual(session.app.notes, ["disconnect 1000"])
        assert.deepStrictEqual(logLines(harness), ["101 0 complete"])
        yield* finishSessions(harness, session)
      })
    )
  }
})

describe("the application", () => {
  it.effect("ends the session with 1000 when it returns, behind what it has sent", () =>
    Effect.gen(function* () {
      const harness = yield* makePuppetHarness()
      const session = yield* openSession(harness)
      const { app, peer, transport } = session
      peer.text("nobody wants this")
      yield* app.text("last")
      app.return()
      yield* turn
      assert.deepStrictEqual(peer.read(), ["text last", "close 1000"])
      peer.close(1000)
      assert.strictEqual(transport.ending, "ended")
      assert.deepStrictEqual(logLines(harness), ["101 4 complete"])
      yield* finish(harness, session)
      assert.deepStrictEqual(harness.errors, [])
    })
  )

  it.effect("ends it with 1011 when it fails, which is logged once", () =>
    Effect.gen(function* () {
      const harness = yield* makePuppetHarness()
      const session = yield* openSession(harness)
      const { app, peer } = session
      yield* app.text("last")
      app.fail("broken")
      yield* turn
      assert.deepStrictEqual(peer.read(), ["text last", "close 1011 internal error"])
      assert.strictEqual(harness.errors.length, 1)
      peer.close(1011)
      yield* finish(harness, session)
      assert.strictEqual(harness.errors.length, 1)
      assert.deepStrictEqual(
        harness.log.map(({ outcome }) => outcome),
        ["server_error"]
      )
    })
  )

  for (const [how, ending] of [
    ["returns", Effect.void],
    ["fails", Effect.fail("broken")],
    ["dies", Effect.die("broken")]
  ] as const) {
    it.effect(`may do so at once: ${how} right behind the accept`, () =>
      Effect.gen(function* () {
        const harness = yield* makeHarness((_scope, _receive, send) =>
          Effect.andThen(send({ type: "websocket.accept" }), ending)
        )
        const { peer, transport } = harness.connect({ behind: text("early") })
        yield* turn
        assert.deepStrictEqual(peer.read(), [how === "returns" ? "close 1000" : "close 1011 internal error"])
        assert.strictEqual(harness.errors.length, how === "returns" ? 0 : 1)
        peer.close(1000)
        assert.strictEqual(transport.ending, "ended")
        yield* finish(harness, { peer })
      })
    )

    it.effect(`${how} after the peer has closed or left: nobody cares`, () =>
      Effect.gen(function* () {
        const harness = yield* makePuppetHarness()
        for (const leave of ["close", "end"] as const) {
          const session = yield* openSession(harness)
          session.peer[leave]()
          yield* turn
          yield* session.app.text("into the void")
          if (how === "returns") session.app.return()
          else session.app.fail("broken")
          yield* finish(harness, session)
        }
        assert.deepStrictEqual(harness.errors, [])
        assert.strictEqual(harness.log.length, 2)
      })
    )
  }

  it.effect("that fails after its own close is logged, and the session ends as it was going to", () =>
    Effect.gen(function* () {
      const harness = yield* makePuppetHarness()
      const session = yield* openSession(harness)
      const { app, peer } = session
      yield* app.close(4000)
      app.fail("broken")
      yield* turn
      assert.strictEqual(harness.errors.length, 1)
      peer.close(4000)
      assert.deepStrictEqual(peer.read(), ["close 4000"])
      assert.deepStrictEqual(logLines(harness), ["101 0 complete"])
      yield* finish(harness, session)
    })
  )

  it.effect("that ends leaves the peer 5 s to answer", () =>
    Effect.gen(function* () {
      const harness = yield* makePuppetHarness()
      const { app, transport } = yield* openSession(harness)
      app.return()
      yield* TestClock.adjust("4900 millis")
      assert.strictEqual(transport.ending, "open")
      yield* TestClock.adjust("300 millis")
      assert.strictEqual(transport.ending, "destroyed")
      assert.deepStrictEqual(logLines(harness), ["101 0 client_timeout"])
      assertNothingLeft(harness)
    })
  )

  it.effect("that does not end is interrupted disconnectGrace after the connection has", () =>
    Effect.gen(function* () {
      const harness = yield* makePuppetHarness({ disconnectGrace: "3 seconds" })
      const { app, peer } = yield* openSession(harness)
      peer.close()
      yield* TestClock.adjust("1500 millis")
      peer.end()
      yield* TestClock.adjust("2900 millis")
      assert.isUndefined(app.exit)
      assert.strictEqual(harness.server.registry.size, 1)
      yield* TestClock.adjust("300 millis")
      assert.isTrue(app.exit !== undefined && Exit.isFailure(app.exit))
      assert.deepStrictEqual(harness.errors, [])
      yield* finish(harness)
    })
  )

  it.effect("is interrupted at once with disconnectGrace 0", () =>
    Effect.gen(function* () {
      const harness = yield* makePuppetHarness({ disconnectGrace: 0 })
      const { app, peer } = yield* openSession(harness)
      peer.end()
      yield* turn
      assert.isDefined(app.exit)
      yield* finish(harness)
    })
  )

  it.effect("is not interrupted when it ends within the grace, and then nothing is left", () =>
    Effect.gen(function* () {
      const harness = yield* makePuppetHarness({ disconnectGrace: "3 seconds" })
      const session = yield* openSession(harness)
      session.peer.end()
      yield* TestClock.adjust("2 seconds")
      yield* finishSessions(harness, session)
      assert.isTrue(session.app.exit !== undefined && Exit.isSuccess(session.app.exit))
    })
  )

  it.effect("of an earlier request may outlive the session: the connection counts until it ends, too", () =>
    Effect.gen(function* () {
      const harness = yield* makePuppetHarness()
      const session = yield* openSession(harness, { earlier: 2 })
      const { app, driver, peer } = session
      driver.onEarlierEnd()
      peer.close()
      peer.end()
      app.return()
      yield* turn
      assert.strictEqual(harness.server.registry.size, 1)
      driver.onEarlierEnd()
      assertNothingLeft(harness)
    })
  )
})
