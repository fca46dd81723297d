import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { execFileSync } from "node:child_process"
import { closeSync, constants, openSync, readFileSync, readSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { LineWriter } from "../../src/accessLog/LineWriter.ts"
import { temporaryFolder } from "../../../../test/support/TemporaryFolder.ts"
import { until } from "../support/Until.ts"

const linesOf = (text: string): ReadonlyArray<string> => text.split("\n").slice(0, -1)

const numbered = (count: number): ReadonlyArray<string> =>
  Array.from({ length: count }, (_, index) => `line ${index} ${"x".repeat(100)}`)

const nextTurn = Effect.promise(() => new Promise((resolve) => setImmediate(resolve)))

/** A writer to an open file, with what it reports. */
const writerTo = (descriptor: number) => {
  const errors: Array<string> = []
  const losses: Array<number> = []
  const writer = new LineWriter(descriptor, (line: string) => line, {
    onError: (code) => errors.push(code),
    onLoss: (count) => losses.push(count)
  })
  return { errors, losses, writer }
}

const openFile = Effect.gen(function* () {
  const path = join(yield* temporaryFolder, "lines")
  const descriptor = openSync(path, "a")
  yield* Effect.addFinalizer(() => Effect.sync(() => closeSync(descriptor)))
  return { descriptor, path }
})

/** Both ends of a pipe, neither of which waits. */
const openPipe = Effect.gen(function* () {
  const path = join(yield* temporaryFolder, "fifo")
  execFileSync("mkfifo", [path])
  const reader = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
  const descriptor = openSync(path, constants.O_WRONLY | constants.O_NONBLOCK)
  yield* Effect.addFinalizer(() => Effect.sync(() => [reader, descriptor].forEach(closeSync)))
  const buffer = Buffer.alloc(4096)
  const read = (): string => {
    try {
      return buffer.toString("latin1", 0, readSync(reader, buffer))
    } catch {
      return ""
    }
  }
  return { descriptor, read }
})

describe("LineWriter", () => {
  it.live("writes the lines in order, also those that come while others are being written", () =>
    Effect.gen(function* () {
      const { descriptor, path } = yield* openFile
      const { errors, writer } = writerTo(descriptor)
      const lines = numbered(300)
      for (const [index, line] of lines.entries()) {
        writer.write(`${line}\n`)
        if (index % 10 === 9) yield* nextTurn
      }
      yield* writer.end
      assert.deepStrictEqual(linesOf(readFileSync(path, "utf8")), lines)
      assert.deepStrictEqual(errors, [])
    })
  )

  it.live("has everything on disk at its end, also what was being written, and takes nothing afterwards", () =>
    Effect.gen(function* () {
      const { descriptor, path } = yield* openFile
      const { writer } = writerTo(descriptor)
      writer.write("first\n")
      // The write of the first line begins in this turn, and is under way when the writer ends.
      yield* nextTurn
      writer.write("second\n")
      yield* writer.end
      writer.write("late\n")
      assert.deepStrictEqual(linesOf(readFileSync(path, "utf8")), ["first", "second"])
      yield* writer.end
    })
  )

  it.live("loses and tears no line when the reader of a pipe is slow", () =>
    Effect.gen(function* () {
      const { descriptor, read } = yield* openPipe
      const { errors, losses, writer } = writerTo(descriptor)
      const lines = numbered(3000)
      for (const line of lines) writer.write(`${line}\n`)
      let text = ""
      yield* until("all lines have arrived", () => {
        text += read()
        return linesOf(text).length === lines.length
      })
      assert.deepStrictEqual(linesOf(text), lines)
      assert.deepStrictEqual([errors, losses], [[], []])
      yield* writer.end
    })
  )

  it.live("drops whole lines and says how many when nobody reads at all", () =>
    Effect.gen(function* () {
      const { descriptor } = yield* openPipe
      const { losses, writer } = writerTo(descriptor)
      const line = `${"x".repeat(1023)}\n`
      for (let index = 0; index < 10_000; index++) writer.write(line)
      yield* writer.end
      const lost = losses.reduce((sum, count) => sum + count, 0)
      // Some of those that were handed over may be in the pipe.
      assert.isAtLeast(lost, 9_000)
      assert.isAtMost(lost, 10_000)
    })
  )

  it.live("says how many lines were lost also when the end comes after the last failure", () =>
    Effect.gen(function* () {
      const { path } = yield* openFile
      const descriptor = openSync(path, "r")
      const { errors, losses, writer } = writerTo(descriptor)
      writer.write("one\n")
      writer.write("two\n")
      yield* until("the failure is told", () => errors.length > 0)
      assert.deepStrictEqual(losses, [])
      yield* writer.end
      closeSync(descriptor)
      assert.deepStrictEqual(losses, [2])
    })
  )

  it.live("tells of a failure once and goes on", () =>
    Effect.gen(function* () {
      const path = join(yield* temporaryFolder, "lines")
      writeFileSync(path, "")
      const descriptor = openSync(path, "r")
      const { errors, losses, writer } = writerTo(descriptor)
      writer.write("lost\n")
      yield* until("the failure is reported", () => errors.length === 1)
      writer.write("lost, too\n")
      yield* writer.end
      closeSync(descriptor)
      assert.deepStrictEqual(errors, ["EBADF"])
      assert.strictEqual(losses.at(-1), 2)
    })
  )
})
