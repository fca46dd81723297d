import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { join } from "node:path"
import * as Program from "./support/Program.ts"
import * as Site from "./support/Site.ts"

const fixture = (name: string): string => join(import.meta.dirname, "fixtures", name)

/** Starts a server, stops it and yields how it ended and what it logged. */
const stop = (application: string, flags: ReadonlyArray<string> = []) =>
  Effect.gen(function* () {
    const program = yield* Program.start(["--port", "0", ...flags, fixture(application)])
    yield* Program.address(program)
    yield* program.signal("SIGTERM")
    const { code, stderr } = yield* program.result
    return { code, stderr }
  })

const timeout = 60_000

describe("pagi-server, told to stop,", () => {
  it.live(
    "ends while it imports the application: at once if that computes, otherwise in order",
    () =>
      Effect.gen(function* () {
        const cwd = yield* Site.make({
          "computes.mjs": 'console.log("begins")\nfor (;;);',
          "waits.mjs": "await new Promise(() => {})"
        })
        const end = Effect.fnUntraced(function* (name: string, line: RegExp) {
          const program = yield* Program.start(["--port", "0", name], { cwd })
          yield* program.line(line)
          yield* program.signal("SIGINT")
          const { code, signal, stderr } = yield* program.result
          return [code, signal, stderr]
        })
        const ends = [end("computes.mjs", /begins/), end("waits.mjs", /loading waits\.mjs/)]
        const [computing, waiting] = yield* Effect.all(ends, { concurrency: 2 })
        assert.deepStrictEqual(computing, [null, "SIGINT", ""])
        assert.deepStrictEqual(waiting, [0, null, ""])
      }),
    timeout
  )

  it.live(
    "says by its exit code that a request had to be cut off",
    () =>
      Effect.gen(function* () {
        const flags = ["--port", "0", "--shutdown-timeout", "1", "--no-access-log"]
        const program = yield* Program.start([...flags, fixture("drain.ts")])
        const url = yield* Program.address(program)
        const response = yield* Effect.promise(() => fetch(`${url}stuck`))
        yield* program.signal("SIGTERM")
        const { code, stderr } = yield* program.result
        assert.deepStrictEqual(
          [code, stderr],
          [6, "warning: 1 connection did not finish within 1s, and had to be closed\n"]
        )
        assert.strictEqual(yield* Effect.promise(() => response.text().catch(() => "broken off")), "broken off")
      }),
    timeout
  )

  it.live(
    "logs that the application failed to shut down, or did not in time, but all requests were answered: 0",
    () =>
      Effect.gen(function* () {
        const [failed, late] = yield* Effect.all(
          [stop("stopping.ts:failing"), stop("stopping.ts:hanging", ["--shutdown-timeout", "1"])],
          { concurrency: 2 }
        )
        assert.deepStrictEqual(failed, { code: 0, stderr: "error: application shutdown failed: disk full\n" })
        assert.deepStrictEqual(late, { code: 0, stderr: "error: application shutdown failed: no answer within 1s\n" })
      }),
    timeout
  )

  it.live(
    "gives up starting",
    () =>
      Effect.gen(function* () {
        const program = yield* Program.start(["--port", "0", fixture("stopping.ts:slow")])
        yield* program.line(/starting/)
        yield* program.signal("SIGTERM")
        assert.deepStrictEqual(yield* program.result, {
          code: 0,
          signal: null,
          stdout: "",
          stderr: "warning: starting\n"
        })
      }),
    timeout
  )

  it.live(
    "is not watched by a thread where a debugger may be attached",
    () =>
      Effect.gen(function* () {
        const flags = ["--port", "0", "--log-level", "debug", "--no-access-log"]
        const program = yield* Program.start([...flags, fixture("unending.ts")], {
          env: { NODE_OPTIONS: "--inspect=127.0.0.1:0" }
        })
        const url = yield* Program.address(program)
        yield* Effect.promise(() => fetch(url).then((response) => response.text()))
        yield* program.line(/no thread listens to signals, as a debugger may be attached/)
        yield* program.signal("SIGTERM")
        assert.strictEqual((yield* program.result).code, 0)
      }),
    timeout
  )
})
