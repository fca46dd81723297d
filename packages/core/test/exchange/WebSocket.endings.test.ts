import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { fork, events, logged, makeHost, sendAll, type Step } from "../support/WebSocketSteps.ts"

/** What the peer does, beside the steps of the application. */
type Peer = "finish" | "disconnect"

interface Row {
  readonly name: string
  readonly path: ReadonlyArray<Step | Peer>
  /** The calls that follow the end of an application that returns, fails or is interrupted. */
  readonly calls: readonly [returned: Calls, failed: Calls]
  readonly logs: readonly [returned: string, failed: string, interrupted: string]
}
type Calls = ReadonlyArray<ReadonlyArray<unknown>>

const nothing = ""
const failure = "Error: the application failed"
const unanswered =
  "Error: the application returned without accepting or refusing the WebSocket; a yield* may be missing before a send"
const truncated =
  "Error: the application returned before its response was complete; a yield* may be missing before a send"

const both = (...calls: Calls): Row["calls"] => [calls, calls]
const silent: Row["logs"] = [nothing, nothing, nothing]
const ended: Calls = [["channel end"]]

const rows: ReadonlyArray<Row> = [
  {
    name: "before it has answered the handshake",
    path: [],
    calls: both(["end", "unanswered"]),
    logs: [unanswered, failure, failure]
  },
  {
    name: "before it has answered the handshake of a peer that has left",
    path: ["disconnect"],
    calls: both(["end", "disconnected"]),
    logs: silent
  },
  {
    name: "in an open session",
    path: ["accept", "message"],
    calls: [
      [["close", 1000, ""], ...ended],
      [["close", 1011, "internal error"], ...ended]
    ],
    logs: [nothing, failure, failure]
  },
  {
    name: "in a session that the peer has closed",
    path: ["accept", "finish"],
    calls: both(...ended),
    logs: silent
  },
  {
    name: "in a session whose peer is gone",
    path: ["accept", "disconnect"],
    calls: both(...ended),
    logs: silent
  },
  {
    name: "after its close",
    path: ["accept", "close"],
    calls: both(...ended),
    logs: [nothing, failure, nothing]
  },
  {
    name: "after its close and the peer's answer",
    path: ["accept", "close", "finish"],
    calls: both(...ended),
    logs: [nothing, failure, nothing]
  },
  {
    name: "after its close, with a peer that is gone without an answer",
    path: ["accept", "close", "disconnect"],
    calls: both(...ended),
    logs: silent
  },
  {
    name: "in a response in place of a session",
    path: ["responseStart", "body"],
    calls: both(["end", "truncated"]),
    logs: [truncated, failure, failure]
  },
  {
    name: "in a response whose peer has left",
    path: ["responseStart", "disconnect"],
    calls: both(["end", "disconnected"]),
    logs: silent
  },
  {
    name: "after a response in place of a session",
    path: ["responseStart", "lastBody"],
    calls: both(["end", "complete"]),
    logs: [nothing, failure, nothing]
  },
  {
    name: "after a refusal",
    path: ["close"],
    calls: both(["end", "complete"]),
    logs: [nothing, failure, nothing]
  },
  {
    name: "after a refusal whose peer has left",
    path: ["close", "disconnect"],
    calls: both(["end", "complete"]),
    logs: [nothing, failure, nothing]
  }
]

const exits = [Exit.void, Exit.fail("why"), Exit.interrupt()]

const walk = (path: Row["path"]) =>
  Effect.gen(function* () {
    const host = makeHost()
    for (const step of path) {
      if (step === "finish") host.exchange.finish(1000, "")
      else if (step === "disconnect") host.exchange.disconnect("client_closed")
      else yield* host.exchange.send(events[step])
    }
    host.calls.length = 0
    return host
  })

describe("WebSocketExchange", () => {
  describe("an application that ends", () => {
    it.effect.each(rows)("$name", ({ path, calls, logs }) =>
      Effect.gen(function* () {
        for (const [index, exit] of exits.entries()) {
          const host = yield* walk(path)
          host.exchange.onApplicationExit(exit)
          assert.deepStrictEqual(host.calls, Exit.isSuccess(exit) ? calls[0] : calls[1])
          assert.strictEqual((yield* logged(host)).join(), logs[index])
        }
      })
    )

    it.effect("dying is a failure too", () =>
      Effect.gen(function* () {
        const host = yield* walk(["accept"])
        host.exchange.onApplicationExit(Exit.die(new Error("broken")))
        assert.deepStrictEqual(host.calls, [["close", 1011, "internal error"], ...ended])
        assert.deepStrictEqual(yield* logged(host), [failure])
      })
    )

    it.effect("takes the session with it: what a fiber that was left behind sends fails", () =>
      Effect.gen(function* () {
        for (const exit of exits) {
          const host = yield* walk(["accept"])
          const fiber = yield* fork(
            Effect.andThen(Effect.andThen(host.exchange.receive, host.exchange.receive), Effect.void)
          )
          host.exchange.onApplicationExit(exit)
          const before = host.calls.length
          for (const step of ["message", "keepalive", "close", "responseStart"] as const) {
            const error = yield* Effect.flip(host.exchange.send(events[step]))
            assert.strictEqual(error.message, `${events[step].type}: the application has closed the session`)
          }
          assert.strictEqual(host.calls.length, before)
          // The peer's answer is the end for that fiber, too.
          assert.isUndefined(fiber.pollUnsafe())
          host.exchange.finish(1000, "")
          assert.deepStrictEqual(fiber.pollUnsafe(), Exit.void)
        }
      })
    )

    it.effect("that is answered for by the driver sends nothing any more", () =>
      Effect.gen(function* () {
        const host = yield* walk([])
        host.exchange.onApplicationExit(Exit.void)
        // A driver that answers 500 drops the exchange.
        host.exchange.disconnect("server_error")
        const before = host.calls.length
        yield* sendAll(host.exchange, ["accept", "message", "close"])
        assert.strictEqual(host.calls.length, before)
      })
    )
  })
})
