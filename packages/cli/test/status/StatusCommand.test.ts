import { assert, describe, it } from "@effect/vitest"
import * as ControlSocket from "@pagi/node/supervisor/ControlSocket"
import type { ServerStatus } from "@pagi/node/admin/ServerStatus"
import * as Effect from "effect/Effect"
import { chownSync, existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { parse } from "../../src/status/StatusCommand.ts"
import * as FakeAdmin from "../support/FakeAdmin.ts"
import * as Program from "../support/Program.ts"
import * as Site from "../support/Site.ts"

const statusOf = (pid: number): ServerStatus => ({
  version: "0.1.0",
  node: "24.0.0",
  options: {},
  mode: "workers",
  pid,
  phase: "serving",
  age: 1000,
  target: 1,
  isReloading: false,
  listeners: ["http://127.0.0.1:5000/"],
  workers: []
})

/** A folder where servers with these numbers tell their status, as one that runs and others that were killed do. */
const makeSession = (pids: ReadonlyArray<number>, stale: ReadonlyArray<number> = []) =>
  Effect.gen(function* () {
    const session = yield* Site.make({})
    const folder = join(session, "pagi")
    mkdirSync(folder, { mode: 0o700 })
    for (const pid of pids)
      yield* ControlSocket.serve(
        join(folder, `${pid}.sock`),
        Effect.sync(() => statusOf(pid))
      )
    for (const pid of stale) writeFileSync(join(folder, `${pid}.sock`), "")
    const env = { XDG_RUNTIME_DIR: session, TMPDIR: session }
    const run = (...args: ReadonlyArray<string>) => Program.run(["status", ...args], { env })
    return { folder, run }
  })

/** A number that no process has. */
const nobody = 2 ** 31 - 2

const timeout = 60_000

describe("pagi-server status", () => {
  it.effect("reads its arguments", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* parse([]), { target: undefined, isJson: false, isWatching: false })
      assert.deepStrictEqual(yield* parse(["--json", "7", "--watch"]), { target: "7", isJson: true, isWatching: true })
      const problem = (args: ReadonlyArray<string>) => Effect.map(Effect.flip(parse(args)), ({ message }) => message)
      assert.strictEqual(yield* problem(["-x"]), "unknown flag -x of status; expected --json or --watch")
      assert.strictEqual(yield* problem(["1", "2"]), 'unexpected argument "2" of status; one server is asked')
    })
  )

  it.live(
    "finds the only server, and removes the sockets of those that were killed",
    () =>
      Effect.gen(function* () {
        const { folder, run } = yield* makeSession([process.pid], [nobody])
        const { code, stderr, stdout } = yield* run()
        assert.deepStrictEqual([code, stderr], [0, ""])
        assert.strictEqual(
          stdout.split("\n")[0],
          `pagi-server ${process.pid}: serving for 1s, 0 of 1 workers on http://127.0.0.1:5000/`
        )
        assert.deepStrictEqual(readdirSync(folder), [`${process.pid}.sock`])
        const json = yield* run("--json", String(process.pid))
        assert.deepStrictEqual(JSON.parse(json.stdout), statusOf(process.pid))
        const byPath = yield* run("--json", join(folder, `${process.pid}.sock`))
        assert.strictEqual(byPath.stdout, json.stdout)
      }),
    timeout
  )

  it.live.skipIf(process.getuid?.() !== 0)(
    "leaves the folders of other users as they are",
    () =>
      Effect.gen(function* () {
        const { folder, run } = yield* makeSession([process.pid])
        const other = join(folder, "../pagi-12345")
        mkdirSync(other, { mode: 0o700 })
        writeFileSync(join(other, `${nobody}.sock`), "")
        chownSync(other, 12_345, 12_345)
        assert.strictEqual((yield* run()).code, 0)
        assert.deepStrictEqual(readdirSync(other), [`${nobody}.sock`])
      }),
    timeout
  )

  it.live(
    "asks the admin listener at an address, or says that none answers there",
    () =>
      Effect.gen(function* () {
        const admin = yield* FakeAdmin.serve()
        for (const target of [`127.0.0.1:${admin.port}`, `http://127.0.0.1:${admin.port}/`]) {
          const { code, stderr, stdout } = yield* Program.run(["status", "--json", target])
          assert.deepStrictEqual([code, stderr, JSON.parse(stdout).pid], [0, "", FakeAdmin.status.pid])
        }
        const away = yield* Program.run(["status", "127.0.0.1:1"])
        assert.deepStrictEqual(
          [away.code, away.stderr],
          [3, "error: no answer of the admin listener at 127.0.0.1:1: ECONNREFUSED\n"]
        )
      }),
    timeout
  )

  it.live(
    "says which servers there are when there are several, and that there is none",
    () =>
      Effect.gen(function* () {
        const several = yield* makeSession([process.ppid, process.pid].toSorted((one, other) => one - other))
        const { code, stderr } = yield* several.run()
        assert.strictEqual(code, 2)
        assert.match(
          stderr,
          /^error: several servers run: \d+ \(http:.*\), \d+ \(http:.*\); say which: pagi-server status PID\n$/
        )
        const none = yield* makeSession([], [nobody])
        const result = yield* none.run()
        assert.deepStrictEqual(
          [result.code, result.stderr],
          [3, "error: no server runs, or it is another user's, or has a --control of its own\n"]
        )
        assert.strictEqual((yield* none.run("./missing.sock")).code, 3)
        assert.isFalse(existsSync(join(none.folder, `${nobody}.sock`)))
      }),
    timeout
  )
})
