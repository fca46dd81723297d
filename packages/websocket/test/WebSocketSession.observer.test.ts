import { assert, describe, it } from "@effect/vitest"
import type { ConnectionEnd } from "@pagi/core/observe/ConnectionEnd"
import type { Input } from "@pagi/core/ServerOptions"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/testing/TestClock"
import { fragments, frame, text } from "./support/Frames.ts"
import { finishSessions, makePuppetHarness, openSession, type Session } from "./support/Puppets.ts"
import { type Harness, turn } from "./support/SessionHarness.ts"

const options: Input = { maxReceiveQueue: 2, wsIdleTimeout: "20 seconds" }

describe("observers are told why a session has ended:", () => {
  const endings: ReadonlyArray<
    readonly [
      what: string,
      act: (session: Session, harness: Harness) => Effect.Effect<unknown, unknown>,
      reason: ConnectionEnd
    ]
  > = [
    ["the client closes it", ({ peer }) => Effect.sync(() => peer.close(1000)), "client_closed"],
    ["the client closes its side", ({ peer }) => Effect.sync(() => peer.end()), "client_closed"],
    ["the client is lost", ({ transport }) => Effect.sync(() => transport.fail("read_error")), "connection_lost"],
    ["the client breaks a rule", ({ peer }) => Effect.sync(() => peer.write(frame(3, ""))), "protocol_error"],
    ["the client sends too much", ({ peer }) => Effect.sync(() => peer.write(text("a").repeat(4))), "limit"],
    ["the application closes it", ({ app }) => app.close(), "complete"],
    ["the application returns", ({ app }) => Effect.sync(() => app.return()), "complete"],
    ["the application fails", ({ app }) => Effect.sync(() => app.fail("broken")), "server_error"],
    ["nothing comes for too long", () => Effect.void, "idle_timeout"],
    ["the server drains", (_, { server }) => Effect.sync(() => server.registry.drain()), "server_shutdown"],
    [
      "the server stops",
      (_, { server }) => Effect.sync(() => server.registry.abort("server_shutdown")),
      "server_shutdown"
    ]
  ]
  for (const [what, act, reason] of endings) {
    it.effect(what, () =>
      Effect.gen(function* () {
        const harness = yield* makePuppetHarness(options)
        const session = yield* openSession(harness)
        yield* act(session, harness)
        yield* turn
        yield* TestClock.adjust("40 seconds")
        yield* finishSessions(harness, session)
        assert.deepStrictEqual(
          harness.events.filter((event) => event.startsWith("closed")),
          [`closed websocket ${reason}`]
        )
      })
    )
  }
})

it.effect("observers are told of each whole message, in either direction", () =>
  Effect.gen(function* () {
    const harness = yield* makePuppetHarness()
    const session = yield* openSession(harness)
    const { app, peer } = session
    const messages = () => harness.events.filter((event) => event.startsWith("message"))
    const [first = "", second = ""] = fragments(1, ["half", "whole"])
    peer.write(first)
    yield* turn
    assert.deepStrictEqual(messages(), [])
    peer.write(second)
    peer.ping()
    yield* app.text("answer")
    yield* turn
    assert.deepStrictEqual(messages(), ["message receive", "message transmit"])
    yield* app.close()
    peer.text("for nobody")
    yield* turn
    assert.deepStrictEqual(messages(), ["message receive", "message transmit"])
    yield* finishSessions(harness, session)
  })
)
