import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { closeSync, openSync, readFileSync } from "node:fs"
import { join } from "node:path"
import * as Daemon from "../../src/service/Daemon.ts"
import { collecting } from "../support/Log.ts"
import * as Program from "../support/Program.ts"
import * as Site from "../support/Site.ts"
import { until } from "../support/Until.ts"
import { isRunning } from "@pagi/node/process/RunningProcess"

const timeout = 60_000

const fixture = (name: string): string => join(import.meta.dirname, "../fixtures", name)

/** The process that a pid file names; it is killed when the scope closes. */
const processIn = (path: string) =>
  Effect.acquireRelease(
    Effect.sync(() => Number(readFileSync(path, "utf8"))),
    (pid) => Effect.sync(() => isRunning(pid) && process.kill(pid, "SIGKILL"))
  )

describe("pagi-server --daemonize", () => {
  for (const [workers, command, kind] of [
    ["0", Program.pagiServer, "bundled"],
    // In both a supervisor has to find the program of its workers.
    ["1", Program.pagiServer, "bundled"],
    ["1", Program.fromSources, "from sources"]
  ] as const) {
    it.live(
      `${kind}, with ${workers} workers, serves in the background when the command has ended`,
      () =>
        Effect.gen(function* () {
          const path = join(yield* Site.make({}), "server.pid")
          const flags = ["-D", "--pid", path, "--port", "0", "--workers", workers, "--no-access-log"]
          const { code, stderr, stdout } = yield* Program.run([...flags, fixture("children.ts")], { command })
          const pid = yield* processIn(path)
          assert.deepStrictEqual([code, stderr], [0, ""])
          const [, address = ""] = /^listening on (\S+)$/m.exec(stdout) ?? []
          const text = yield* Effect.promise(() => fetch(address).then((response) => response.text()))
          assert.include(text, "PATH=")
          assert.notMatch(text, /PAGI_/)
          process.kill(pid, "SIGTERM")
          yield* until(() => !isRunning(pid))
          assert.throws(() => readFileSync(path), /ENOENT/)
        }),
      timeout
    )
  }

  it.live(
    "ends with the server's exit code, and what that has logged, when it cannot serve",
    () =>
      Effect.gen(function* () {
        for (const workers of ["0", "1"]) {
          const result = yield* Program.run(["-D", "--port", "0", "--workers", workers, fixture("throws.ts")])
          assert.strictEqual(result.code, 4)
          assert.match(result.stderr, /^error: .*cannot load .*throws\.ts: /m)
        }
      }),
    timeout
  )

  it.live(
    "refuses the pid file of a server that runs",
    () =>
      Effect.gen(function* () {
        const cwd = yield* Site.make({ "server.pid": `${process.pid}\n` })
        // As a server does with its own.
        yield* Effect.acquireRelease(
          Effect.sync(() => openSync(join(cwd, "server.pid"), "r")),
          (descriptor) => Effect.sync(() => closeSync(descriptor))
        )
        const { code, stderr } = yield* Program.run(["-D", "--port", "0", "--pid", "server.pid"], { cwd })
        assert.deepStrictEqual(
          [code, stderr],
          [
            3,
            `error: the pid file server.pid is that of a server that runs, process ${process.pid}; stop it first, ` +
              "or name another file\n"
          ]
        )
      }),
    timeout
  )
})

describe("Daemon", () => {
  it.live(
    "stops a program that is not ready in time, also one that would not stop",
    () =>
      Effect.gen(function* () {
        const stubborn = 'process.on("SIGTERM", () => {}); setInterval(() => {}, 1000)'
        const launched = Daemon.launch([process.execPath, "-e", stubborn], 500, {}, 100)
        // The launcher ends when the program has.
        const lines = yield* collecting(Effect.map(launched, (code) => assert.strictEqual(code, 1)))
        assert.match(lines.join(), /error: .*the server was not ready within 0.5 seconds, and was stopped$/)
      }),
    timeout
  )
})
