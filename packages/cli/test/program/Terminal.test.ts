import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { existsSync, readFileSync, renameSync } from "node:fs"
import { get } from "node:http"
import { join } from "node:path"
import { findProgram } from "../../../../test/support/FindProgram.ts"
import * as Terminal from "../../src/program/Terminal.ts"
import * as Program from "../support/Program.ts"
import * as Site from "../support/Site.ts"
import { until } from "../support/Until.ts"

const script = findProgram("script")

const textOf = (path: string): string => (existsSync(path) ? readFileSync(path, "utf8") : "")

/** Starts `pagi-server` in a terminal of its own, and yields how to close that, and the number of the process. */
const startInTerminal = Effect.fnUntraced(function* (cwd: string, args: ReadonlyArray<string>) {
  const number = join(cwd, "process")
  const commandLine = `echo $$ > ${number}; exec ${Program.pagiServer} ${args.join(" ")}`
  const terminal = yield* Program.startOther(script ?? "", ["-qefc", commandLine, "/dev/null"], { cwd })
  yield* until(() => textOf(number).endsWith("\n"))
  const pid = Number(textOf(number))
  yield* Effect.addFinalizer(() => Effect.sync(() => kill(pid)))
  yield* terminal.line(/listening on/)
  return { close: terminal.signal("SIGKILL"), pid }
})

/** The status of an answer, which comes from a server that does not stop. */
const statusAt = (socketPath: string) =>
  Effect.callback<number | undefined, Error>((resume) => {
    get({ socketPath, agent: false }, (response) => resume(Effect.succeed(response.resume().statusCode))).on(
      "error",
      (error) => resume(Effect.fail(error))
    )
  })

const kill = (pid: number): void => {
  try {
    process.kill(pid, "SIGKILL")
  } catch {
    // It has ended, as it should.
  }
}

describe("Terminal", () => {
  it("is closed when it was there and is not any more", () => {
    let isTerminal = true
    const isClosed = Terminal.watch(() => isTerminal)
    assert.isFalse(isClosed())
    isTerminal = false
    assert.isTrue(isClosed())
  })

  it("is not closed when it was never there", () => {
    assert.isFalse(Terminal.watch(() => false)())
  })

  it.live.skipIf(script === undefined)(
    "takes the server with it in order when it is closed; another SIGHUP does not",
    () =>
      Effect.gen(function* () {
        const cwd = yield* Site.make({})
        const log = join(cwd, "access.log")
        const socket = join(cwd, "app.sock")
        const server = yield* startInTerminal(cwd, ["--socket", socket, "--access-log", log])
        renameSync(log, `${log}.1`)
        process.kill(server.pid, "SIGHUP")
        yield* until(() => existsSync(log))
        assert.strictEqual(yield* statusAt(socket), 200)
        yield* server.close
        yield* until(() => !existsSync(socket))
      }),
    30_000
  )
})
