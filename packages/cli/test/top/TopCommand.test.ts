import { assert, describe, it } from "@effect/vitest"
import * as ControlSocket from "@pagi/node/supervisor/ControlSocket"
import * as Effect from "effect/Effect"
import { type ChildProcess, spawn } from "node:child_process"
import { mkdirSync } from "node:fs"
import { join } from "node:path"
import { findProgram } from "../../../../test/support/FindProgram.ts"
import { parse } from "../../src/top/TopCommand.ts"
import * as FakeAdmin from "../support/FakeAdmin.ts"
import * as Program from "../support/Program.ts"
import * as Site from "../support/Site.ts"
import { until } from "../support/Until.ts"

const script = findProgram("script")

const timeout = 60_000

/** A folder where a server tells that its admin listener is there, or that it has none. */
const makeSession = (options: Readonly<Record<string, string>>, adminUrl?: string) =>
  Effect.gen(function* () {
    const session = yield* Site.make({})
    const folder = join(session, "pagi")
    mkdirSync(folder, { mode: 0o700 })
    const path = join(folder, `${process.pid}.sock`)
    const status = { ...FakeAdmin.status, pid: process.pid, options, ...(adminUrl === undefined ? {} : { adminUrl }) }
    yield* ControlSocket.serve(path, Effect.succeed(status))
    return { path, env: { XDG_RUNTIME_DIR: session, TMPDIR: session } }
  })

/** The command in a terminal of its own, of which everything that is written there is kept. */
const inTerminal = (program: string, args: ReadonlyArray<string>) =>
  Effect.map(
    Effect.acquireRelease(
      Effect.sync((): ChildProcess => {
        const command = [Program.pagiServer, "top", ...args].join(" ")
        const set = "stty rows 30 cols 100"
        return spawn(program, ["-qefc", `${set}; ${command}; echo ended $?`, "/dev/null"], {
          env: { PATH: process.env["PATH"], TERM: "xterm", SHELL: "/bin/sh" },
          stdio: ["pipe", "pipe", "inherit"]
        })
      }),
      (child) => Effect.sync(() => child.kill("SIGKILL"))
    ),
    (child) => {
      const terminal = { output: "", press: (key: string) => child.stdin?.write(key) }
      child.stdout?.setEncoding("utf8").on("data", (text: string) => {
        terminal.output += text
      })
      return terminal
    }
  )

describe("pagi-server top", () => {
  it.effect("reads its arguments", () =>
    Effect.gen(function* () {
      assert.isUndefined(yield* parse([]))
      assert.strictEqual(yield* parse(["7"]), "7")
      const problem = (args: ReadonlyArray<string>) => Effect.map(Effect.flip(parse(args)), ({ message }) => message)
      assert.strictEqual(yield* problem(["--json"]), "unknown flag --json of top; it has none")
      assert.strictEqual(yield* problem(["1", "2"]), 'unexpected argument "2" of top; one server is shown')
    })
  )

  it.live(
    "writes a block every second where there is no terminal",
    () =>
      Effect.gen(function* () {
        const admin = yield* FakeAdmin.serve()
        const program = yield* Program.start(["top", `127.0.0.1:${admin.port}`])
        yield* program.line(/^Requests {3}100\/s {2}2xx 90 {2}3xx 5 {2}4xx 4 {2}5xx 1\n/m)
        yield* program.line(/^SLOWEST .*\n.* \/slow .*\n\nFAILING .*\n.* \/broken /m)
        yield* until(() => admin.streams.size === 1)
        admin.point(FakeAdmin.pointOf(3000, { statuses: { "1xx": 0, "2xx": 0, "3xx": 0, "4xx": 0, "5xx": 2000 } }))
        yield* program.line(/^Requests .* 5xx 667\n/m)
        yield* program.signal("SIGINT")
        const { stderr, stdout } = yield* program.result
        assert.strictEqual(stderr, "")
        assert.notInclude(stdout, "\u001b")
      }),
    timeout
  )

  it.live(
    "finds the admin listener of a server by its control socket",
    () =>
      Effect.gen(function* () {
        const admin = yield* FakeAdmin.serve()
        const { env } = yield* makeSession({ admin: `127.0.0.1:${admin.port}` })
        const program = yield* Program.start(["top"], { env })
        yield* program.line(/^Requests {3}100\/s {2}2xx 90/m)
        // At a port that the system has chosen.
        const chosen = yield* makeSession({ admin: "127.0.0.1:0" }, `http://127.0.0.1:${admin.port}/`)
        const other = yield* Program.start(["top", String(process.pid)], { env: chosen.env })
        yield* other.line(/^Requests {3}100\/s {2}2xx 90/m)
      }),
    timeout
  )

  it.live(
    "shows what the control socket tells where there is no admin listener, and says so",
    () =>
      Effect.gen(function* () {
        const { env, path } = yield* makeSession({})
        const program = yield* Program.start(["top", path], { env })
        yield* program.line(/: start the server with --admin\.\n\nRequests {3}0\/s\nOpen {7}64 connections\n/)
        const away = yield* makeSession({ admin: "/missing.sock" })
        const other = yield* Program.start(["top", String(process.pid)], { env: away.env })
        yield* other.line(/^The admin listener at \/missing\.sock cannot be reached from here/m)
      }),
    timeout
  )

  it.live(
    "fails when there is no server, or more than one",
    () =>
      Effect.gen(function* () {
        const several = yield* makeSession({})
        const other = join(several.path, `../${process.ppid}.sock`)
        yield* ControlSocket.serve(other, Effect.succeed({ ...FakeAdmin.status, pid: process.ppid }))
        const { code, stderr } = yield* Program.run(["top"], { env: several.env })
        assert.strictEqual(code, 2)
        assert.match(stderr, /^error: several servers run: .*; say which: pagi-server top PID\n$/)
        const session = yield* Site.make({})
        const env = { XDG_RUNTIME_DIR: session, TMPDIR: session }
        const none = yield* Program.run(["top"], { env })
        assert.strictEqual(none.code, 3)
        const refused = yield* Program.run(["top", "127.0.0.1:1"], { env })
        assert.deepStrictEqual(
          [refused.code, refused.stderr],
          [3, "error: no answer of the admin listener at 127.0.0.1:1: ECONNREFUSED\n"]
        )
      }),
    timeout
  )

  it.live.skipIf(script === undefined)(
    "draws on the second screen of a terminal, and gives it back when somebody presses q",
    () =>
      Effect.gen(function* () {
        const admin = yield* FakeAdmin.serve()
        const terminal = yield* inTerminal(script ?? "", [`127.0.0.1:${admin.port}`])
        yield* until(() => terminal.output.includes("pagi-server 4711"))
        yield* until(() => terminal.output.includes("/broken"))
        assert.isTrue(terminal.output.startsWith("\u001b[?1049h\u001b[?25l"))
        terminal.press("q")
        yield* until(() => terminal.output.includes("ended 0\r\n"))
        assert.isTrue(terminal.output.endsWith("\u001b[?25h\u001b[?1049lended 0\r\n"))
      }),
    timeout
  )
})
