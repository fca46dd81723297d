import { assert, describe, it } from "@effect/vitest"
import type { Input } from "@pagi/core/options/ServerOptions"
import type { Scope } from "@pagi/core/contract/Scope"
import * as TestServer from "@pagi/core/testing/TestServer"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Logger from "effect/Logger"
import * as TestClock from "effect/testing/TestClock"
import * as Drain from "../src/Drain.ts"

/** A connection on which nothing happens. */
const idle = { protocol: "http/1.1", endReason: "complete", drain: () => {}, abort: () => {} } as const

/** A server whose applications never end, with a connection for each of these scopes, and what it logs while it drains. */
const drain = (options: Input, ...scopes: ReadonlyArray<object>) =>
  Effect.gen(function* () {
    const lines: Array<string> = []
    const logger = Logger.make(({ logLevel, message }) => void lines.push(`${logLevel} ${String(message)}`))
    const { server } = yield* TestServer.make(() => Effect.never, { options })
    const { registry, runner } = server
    const ends = scopes.map((parts) => {
      const scope = parts as Scope // As far as messages look at it.
      const fiber = runner.run(scope, Effect.never, () => Effect.void, { onApplicationExit: () => {} })
      const end = (): void => {
        fiber?.interruptUnsafe()
        registry.remove(connection)
      }
      const connection = { ...idle, abort: end }
      registry.add(connection)
      return end
    })
    const draining = yield* Effect.forkChild(
      Effect.provideService(Drain.drain(server), Logger.CurrentLoggers, new Set([logger])),
      { startImmediately: true }
    )
    return { ends, lines, server, ended: Fiber.await(draining) }
  })

const slow = { type: "http", method: "GET", path: "/slow", httpVersion: "1.1" }
const events = { type: "sse", method: "GET", path: "/events", httpVersion: "1.1" }
const chat = { type: "websocket", path: "/chat", httpVersion: "1.1" }

describe("a drain", () => {
  it.effect("says what it waits for, and again while that takes long", () =>
    Effect.gen(function* () {
      const { ended, ends, lines } = yield* drain({ shutdownTimeout: "12 seconds" }, slow, chat, events, slow)
      yield* TestClock.adjust("99 millis")
      assert.deepStrictEqual(lines, [])
      yield* TestClock.adjust("1 milli")
      assert.deepStrictEqual(lines, [
        "Info waiting for 4 connections (2 requests, 1 WebSocket, 1 event stream), for up to 12s"
      ])
      yield* TestClock.adjust("1900 millis")
      for (const end of ends.slice(2)) end()
      yield* TestClock.adjust("3 seconds")
      yield* TestClock.adjust("5 seconds")
      assert.deepStrictEqual(lines.slice(1), [
        "Info still waiting for 2 connections (1 request, 1 WebSocket) after 5s, for up to 7s: GET /slow, WebSocket /chat",
        "Info still waiting for 2 connections (1 request, 1 WebSocket) after 10s, for up to 2s: GET /slow, WebSocket /chat"
      ])
      for (const end of ends) end()
      assert.isTrue(Exit.isSuccess(yield* ended))
      yield* TestClock.adjust("20 seconds")
      assert.lengthOf(lines, 3)
    })
  )

  it.effect("says that its time is over, and nothing after that", () =>
    Effect.gen(function* () {
      const { ended, lines } = yield* drain({ shutdownTimeout: "1 second" }, slow)
      yield* TestClock.adjust("100 millis")
      yield* TestClock.adjust("900 millis")
      assert.isTrue(Exit.isFailure(yield* ended))
      yield* TestClock.adjust("20 seconds")
      assert.deepStrictEqual(lines, [
        "Info waiting for 1 connection (1 request), for up to 1s",
        "Warn 1 connection did not finish within 1s, and had to be closed"
      ])
    })
  )

  it.effect("does not name a limit that there is not", () =>
    Effect.gen(function* () {
      const { ended, ends, lines } = yield* drain({ shutdownTimeout: 0 }, chat)
      yield* TestClock.adjust("100 millis")
      yield* TestClock.adjust("4900 millis")
      assert.deepStrictEqual(lines, [
        "Info waiting for 1 connection (1 WebSocket)",
        "Info still waiting for 1 connection (1 WebSocket) after 5s: WebSocket /chat"
      ])
      for (const end of ends) end()
      yield* ended
    })
  )

  it.effect("says nothing where there is nothing to wait for, or soon will not be", () =>
    Effect.gen(function* () {
      const { lines } = yield* drain({})
      assert.deepStrictEqual(lines, [])
      const waiting = yield* drain({ shutdownTimeout: "6 seconds" })
      waiting.server.registry.add(idle)
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(waiting.lines, [])
    })
  )
})
