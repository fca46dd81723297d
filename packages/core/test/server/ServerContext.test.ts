import { assert, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import type { LogLevel } from "effect/LogLevel"
import { MinimumLogLevel } from "effect/References"
import * as TestClock from "effect/testing/TestClock"
import { Deadline } from "../../src/server/Deadlines.ts"
import { type FileSource, FileUnreadable } from "../../src/contract/FileSource.ts"
import * as PagiApp from "../../src/contract/PagiApp.ts"
import * as ServerContext from "../../src/server/ServerContext.ts"
import * as ServerOptions from "../../src/options/ServerOptions.ts"

const files: FileSource = { open: () => Effect.fail(new FileUnreadable({ message: "there are no files" })) }

const bare = ServerContext.make({ state: {}, observer: undefined, files })

const services = (options: ServerOptions.Input = {}) =>
  Layer.merge(PagiApp.layer(PagiApp.make({})), ServerOptions.layer(options))

const make = (options?: ServerOptions.Input) => Effect.provide(bare, services(options))

describe("ServerContext", () => {
  it.effect("has no turns for requests unless an option asks for them", () =>
    Effect.gen(function* () {
      assert.isUndefined((yield* make({ healthPaths: ["/health"] })).turns)
      assert.isDefined((yield* make({ maxConcurrentRequests: 1 })).turns)
      assert.isDefined((yield* make({ maxQueueTime: 1 })).turns)
      const { turns } = yield* make({ requestDeadline: "4 seconds" })
      assert.strictEqual(turns?.deadlineTicks, 40)
    })
  )

  it.effect("counts the options' time limits in ticks", () =>
    Effect.gen(function* () {
      const { limits } = yield* make({
        timeout: "1 second",
        headersTimeout: "2 seconds",
        bodyTimeout: "3 seconds",
        requestTimeout: 0,
        writeTimeout: Duration.millis(301),
        sseIdleTimeout: "6 seconds",
        wsIdleTimeout: "7 seconds",
        disconnectGrace: "5 seconds"
      })
      assert.deepStrictEqual(limits, {
        idle: 10,
        headers: 20,
        body: 30,
        request: 0,
        write: 4,
        sseIdle: 60,
        wsIdle: 70,
        disconnectGrace: 50
      })
    })
  )

  it.effect(
    "runs effects of its own with the level of messages that the server logs, whatever the application's is",
    () =>
      Effect.gen(function* () {
        const levels: Array<LogLevel> = []
        const level = Effect.map(MinimumLogLevel, (found) => void levels.push(found))
        const { runner } = yield* bare.pipe(Effect.provideService(MinimumLogLevel, "Debug"), Effect.provide(services()))
        runner.background(level)
        assert.deepStrictEqual(levels, ["Debug"])
      })
  )

  it.effect("has a wheel that turns and a date that follows the clock", () =>
    Effect.gen(function* () {
      const { date, deadlines } = yield* make()
      const expired: Array<string> = []
      new Deadline(deadlines, { onDeadline: () => expired.push(date.value) }).start(10)
      yield* TestClock.adjust("2 seconds")
      assert.deepStrictEqual(expired, ["Thu, 01 Jan 1970 00:00:01 GMT"])
    })
  )

  it.effect("completes shuttingDown for everyone when the shutdown begins", () =>
    Effect.gen(function* () {
      const { beginShutdown, shuttingDown } = yield* make()
      const early = yield* Effect.forkChild(shuttingDown, { startImmediately: true })
      assert.isUndefined(early.pollUnsafe())
      yield* beginShutdown
      yield* beginShutdown
      assert.deepStrictEqual(early.pollUnsafe(), Exit.void)
      yield* shuttingDown
    })
  )
})
