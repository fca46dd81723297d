import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { type Child, type ChildCommand, ChildProcesses } from "../../src/supervisor/ChildProcesses.ts"
import { turns, until } from "../support/Until.ts"

/** A program that Node runs, and what was told of it. */
const start = (script: string, command: Partial<ChildCommand> = {}) =>
  Effect.gen(function* () {
    const told: Array<unknown> = []
    const processes = yield* ChildProcesses
    const child = yield* Effect.acquireRelease(
      Effect.sync((): Child => {
        const child = processes.start(
          {
            file: process.execPath,
            args: ["--eval", script],
            environment: { PATH: process.env["PATH"], WORD: "word" },
            descriptors: ["ignore", "inherit", "inherit", "ipc"],
            ...command
          },
          {
            onMessage: (message) => told.push(message),
            onFailure: (reason) => told.push(reason),
            onExit: (code, signal) => told.push([code, signal])
          }
        )
        assert.deepStrictEqual(told, [])
        return child
      }),
      (child) => Effect.sync(() => child.kill("SIGKILL"))
    )
    return { child, told, isTold: (count: number) => until(`${count} things are told`, () => told.length >= count) }
  })

describe("a process", () => {
  it.live("tells what it sends, and how it ends", () =>
    Effect.gen(function* () {
      const { child, isTold, told } = yield* start(
        "process.on('message', ({ code }) => process.exit(code)); process.send([process.pid, process.env.WORD])"
      )
      yield* isTold(1)
      assert.deepStrictEqual(told, [[child.pid, "word"]])
      let isSent = false
      child.send({ code: 5 }, () => {
        isSent = true
      })
      yield* isTold(2)
      assert.deepStrictEqual(told.at(-1), [5, null])
      assert.isTrue(isSent)
    })
  )

  it.live("tells what it writes into the pipe", () =>
    Effect.gen(function* () {
      const { isTold, told } = yield* start("fs.writeSync(3, 'ready')", {
        descriptors: ["ignore", "inherit", "inherit", "pipe"]
      })
      yield* isTold(2)
      assert.deepStrictEqual(told.toSorted(), [[0, null], "ready"])
    })
  )

  it.live("is killed, and nothing happens to it afterwards", () =>
    Effect.gen(function* () {
      const { child, isTold, told } = yield* start(
        "process.on('SIGTERM', () => {}); setInterval(() => {}, 1000); process.send('here')"
      )
      yield* isTold(1)
      child.kill("SIGTERM")
      child.kill("SIGKILL")
      yield* isTold(2)
      assert.deepStrictEqual(told.at(-1), [null, "SIGKILL"])
      let isSent = false
      child.kill("SIGTERM")
      child.send({}, () => {
        isSent = true
      })
      yield* turns(5)
      assert.isTrue(isSent)
      assert.lengthOf(told, 2)
    })
  )

  it.live("that cannot be started tells why, and has ended", () =>
    Effect.gen(function* () {
      for (const command of [{ file: "/missing/program" }, { file: "a\0b" }]) {
        const { child, isTold, told } = yield* start("", command)
        yield* isTold(2)
        yield* turns(5)
        assert.isUndefined(child.pid)
        assert.lengthOf(told, 2)
        assert.isString(told[0])
        assert.deepStrictEqual(told[1], [null, null])
        child.kill("SIGTERM")
        child.send({})
      }
    })
  )
})
