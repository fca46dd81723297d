import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Latch from "effect/Latch"
import * as Scope from "effect/Scope"
import { existsSync, readFileSync, renameSync } from "node:fs"
import { join } from "node:path"
import * as ReloadSignals from "../../src/signals/ReloadSignals.ts"
import * as Program from "../support/Program.ts"
import * as Site from "../support/Site.ts"
import { until } from "../support/Until.ts"

/** Lets everything happen that needs no time. */
const turn = Effect.promise(() => new Promise((resolve) => setImmediate(() => setImmediate(resolve))))

const linesOf = (path: string): ReadonlyArray<string> => readFileSync(path, "utf8").split("\n").slice(0, -1)

const timeout = 60_000

describe("ReloadSignals", () => {
  it.live("runs the effect at each of its signals until the scope closes", () =>
    Effect.gen(function* () {
      const scope = yield* Scope.make()
      let runs = 0
      const count = Effect.sync(() => {
        runs++
      })
      yield* Scope.provide(ReloadSignals.on(["SIGHUP", "SIGUSR1"], count), scope)
      yield* turn
      process.emit("SIGUSR1", "SIGUSR1")
      yield* turn
      assert.strictEqual(runs, 1)
      process.emit("SIGHUP", "SIGHUP")
      yield* turn
      assert.strictEqual(runs, 2)
      yield* Scope.close(scope, Exit.void)
      assert.strictEqual(process.listenerCount("SIGHUP") + process.listenerCount("SIGUSR1"), 0)
    })
  )

  it.live("runs once more for signals that come while it runs", () =>
    Effect.gen(function* () {
      let runs = 0
      const mayEnd = yield* Latch.make()
      const count = Effect.suspend(() => {
        runs++
        return mayEnd.await
      })
      yield* ReloadSignals.on(["SIGUSR1"], count)
      yield* turn
      process.emit("SIGUSR1", "SIGUSR1")
      yield* turn
      process.emit("SIGUSR1", "SIGUSR1")
      process.emit("SIGUSR1", "SIGUSR1")
      yield* turn
      assert.strictEqual(runs, 1)
      yield* mayEnd.open
      yield* turn
      assert.strictEqual(runs, 2)
    })
  )
})

describe("pagi-server", () => {
  for (const signal of ["SIGUSR1", "SIGHUP"] as const) {
    it.live(
      `begins a new access log at ${signal}, and loses no line`,
      () =>
        Effect.gen(function* () {
          const cwd = yield* Site.make({ "here.txt": "here" })
          const path = join(cwd, "access.log")
          const server = yield* Program.start(["-p", "0", "--access-log", path, "--access-log-format", "%U"], { cwd })
          const address = yield* Program.address(server)
          const clients = { requests: 0, areDone: false }
          const client = Effect.promise(async () => {
            while (!clients.areDone) await (await fetch(new URL(`/here.txt?${clients.requests++}`, address))).text()
          })
          const running = yield* Effect.forkChild(
            Effect.all(
              Array.from({ length: 8 }, () => client),
              { concurrency: 8 }
            )
          )
          for (const number of [1, 2, 3]) {
            const before = clients.requests
            yield* until(() => clients.requests > before + 200)
            renameSync(path, `${path}.${number}`)
            yield* server.signal(signal)
            yield* until(() => existsSync(path))
          }
          clients.areDone = true
          yield* Fiber.join(running)
          yield* server.signal("SIGTERM")
          const { code, stderr } = yield* server.result
          assert.strictEqual(code, 0)
          assert.notMatch(stderr, /Debugger|error/i)
          const files = [1, 2, 3].map((number) => linesOf(`${path}.${number}`))
          const lines = [...files, linesOf(path)].flat()
          assert.isTrue(files.every((file) => file.length > 0))
          assert.isTrue(lines.every((line) => line === "/here.txt"))
          assert.strictEqual(lines.length, clients.requests)
        }),
      timeout
    )
  }

  it.live(
    "refuses a format of the access log that it does not understand",
    () =>
      Effect.gen(function* () {
        const formats = [
          ["%h %Z", "%Z is not an atom"],
          ["%{Referer", "a %{ has no } behind it"]
        ] as const
        for (const [format, problem] of formats) {
          const { code, stderr } = yield* Program.run(["--access-log-format", format])
          assert.strictEqual(code, 2)
          assert.strictEqual(
            stderr,
            `error: option --access-log-format: "${format}" is not allowed; expected one of clf, combined, common, tiny, ` +
              `json, or a text with atoms such as %h and %{Referer}i; ${problem}\n`
          )
        }
      }),
    timeout
  )
})
