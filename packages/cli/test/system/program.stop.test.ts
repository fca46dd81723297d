import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import { join } from "node:path"
import * as Program from "../support/Program.ts"

const timeout = 90_000

const fixture = join(import.meta.dirname, "../fixtures/unending.ts")

/** Starts a server, asks for a path and stops the server; yields how that ended. */
const stop = (path: string, application = fixture) =>
  Effect.gen(function* () {
    const flags = ["--port", "0", "--shutdown-timeout", "0.5", "--no-access-log", "--log-level", "debug"]
    const program = yield* Program.start([...flags, application])
    const address = yield* Program.address(program)
    yield* Effect.promise(() => fetch(address).then((response) => response.text()))
    yield* program.line(/a thread listens to signals too/)
    if (path !== "") {
      const asking = Effect.promise(() => fetch(`${address}${path}`).catch(() => undefined))
      yield* Effect.forkChild(asking, { startImmediately: true })
      yield* program.line(new RegExp(`begins /${path}$`, "m"))
    }
    yield* program.signal("SIGTERM")
    const { code, stderr } = yield* program.result
    return { code, stderr }
  })

// All at the same time: each waits for the seconds that something may take to end.
describe.concurrent("pagi-server, told to stop, ends", () => {
  for (const path of ["uninterruptible", "finalizer"]) {
    it.live(
      `while a request goes on for ever: ${path}`,
      () =>
        Effect.gen(function* () {
          const { code, stderr } = yield* stop(path)
          assert.strictEqual(code, 6)
          assert.match(stderr, new RegExp(`left alone: GET /${path}$`, "m"))
        }),
      timeout
    )
  }

  it.live(
    "while what the application has opened is not released",
    () =>
      Effect.gen(function* () {
        const { code, stderr } = yield* stop("", `${fixture}:held`)
        assert.strictEqual(code, 6)
        assert.match(stderr, /the release of what the application's layers have opened has not ended within 6s 500ms/)
      }),
    timeout
  )
})

describe.concurrent("pagi-server that does not start", () => {
  it.live(
    "ends with the reason, also when what the application has opened is not released",
    () =>
      Effect.gen(function* () {
        const { code, stderr } = yield* Program.run(["--port", "0", `${fixture}:refusing`])
        assert.strictEqual(code, 5)
        const [why = "", rest = ""] = stderr.split("\n")
        assert.strictEqual(why, "error: application startup failed: no database")
        assert.match(rest, /^error: the release of what the application's layers have opened has not ended within 5s/)
      }),
    timeout
  )
})

describe("pagi-server, told to stop while the application computes, ends", () => {
  it.live(
    "before it was told to or since",
    () =>
      Effect.gen(function* () {
        for (const result of yield* Effect.all([stop("computing"), stop("", `${fixture}:stopping`)], {
          concurrency: 2
        })) {
          assert.strictEqual(result.code, 6)
          assert.match(
            result.stderr,
            /the application computes without end, .*: at compute \(.*unending.ts:\d+:\d+\)$/m
          )
          assert.notMatch(result.stderr, /debugger/)
        }
      }),
    timeout
  )

  it.live(
    "at once when it is told again",
    () =>
      Effect.gen(function* () {
        const program = yield* Program.start(["--port", "0", `${fixture}:stopping`])
        yield* Program.address(program)
        yield* program.signal("SIGTERM")
        const signals = Effect.repeat(program.signal("SIGTERM"), Schedule.spaced("100 millis"))
        const { code, stderr } = yield* Effect.raceFirst(program.result, Effect.andThen(signals, Effect.never))
        assert.strictEqual(code, 143)
        assert.match(stderr, /^error: the application computes without end, [^\n]*\n$/)
      }),
    timeout
  )
})
