import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Logger from "effect/Logger"
import { format } from "../../src/program/ConsoleLog.ts"

/** What is written for the messages that `program` logs. */
const written = (program: Effect.Effect<void>) =>
  Effect.suspend(() => {
    const lines: Array<string> = []
    const collect = Logger.map(format, (text) => void lines.push(text))
    return Effect.as(Effect.provide(program, Logger.layer([collect])), lines)
  })

describe("ConsoleLog", () => {
  it.effect("information is bare, the rest says what it is", () =>
    Effect.gen(function* () {
      const lines = yield* written(
        Effect.all(
          [
            Effect.logInfo("listening on http://127.0.0.1:5000/"),
            Effect.logWarning("careful"),
            Effect.logError("broken"),
            Effect.logFatal("lost")
          ],
          { discard: true }
        )
      )
      assert.deepStrictEqual(lines, [
        "listening on http://127.0.0.1:5000/",
        "warning: careful",
        "error: broken",
        "error: lost"
      ])
    })
  )

  it.effect("several values and annotations are on one line", () =>
    Effect.gen(function* () {
      const lines = yield* written(
        Effect.annotateLogs(Effect.logInfo("user", { id: 1 }, [2]), { request: "a b", size: 3 })
      )
      assert.deepStrictEqual(lines, ['user {"id":1} [2] request=a b size=3'])
    })
  )

  it.effect("nothing can forge a line or steer a terminal", () =>
    Effect.gen(function* () {
      const lines = yield* written(Effect.logInfo("a\r\nerror: b\t\u001b[31m\u0000\u007f\u009b2J\u2028c é"))
      assert.deepStrictEqual(lines, ["a\\r\\nerror: b\\t\\u001b[31m\\u0000\\u007f\\u009b2J\\u2028c é"])
    })
  )

  it.effect("a cause is shown below, set in, with its stack", () =>
    Effect.gen(function* () {
      const failure = Effect.fail(new Error("first\nerror: forged \u001b[2J"))
      const [text = ""] = yield* written(
        Effect.catchCause(failure, (cause) => Effect.logError("the app failed", cause))
      )
      const [message, ...below] = text.split("\n")
      assert.strictEqual(message, "error: the app failed")
      assert.include(below[0] ?? "", "Error: first")
      assert.isTrue(below.every((line) => line.startsWith("  ")))
      assert.isTrue(below.some((line) => /^ +at /.test(line)))
      assert.notInclude(text, "\u001b")
    })
  )
})
