import { assert, describe, it } from "@effect/vitest"
import { isPoolStatus } from "@pagi/node/admin/PoolStatus"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import { chmodSync, existsSync, rmSync, statSync, writeFileSync } from "node:fs"
import { request } from "node:http"
import { createServer } from "node:net"
import { join } from "node:path"
import * as PidFile from "./support/PidFile.ts"
import * as Program from "./support/Program.ts"
import * as Site from "./support/Site.ts"
import { until } from "./support/Until.ts"

const timeout = 90_000

const fixture = join(import.meta.dirname, "fixtures/watched.ts")

interface Answer {
  readonly status: number
  readonly text: string
}

/** One request on a connection of its own, to a URL or to a path of a Unix socket. */
const ask = (base: string, path: string, method = "GET", headers: Record<string, string> = {}) =>
  Effect.callback<Answer, Error>((resume) => {
    const socketPath = base.startsWith("unix:") ? base.slice("unix:".length) : undefined
    const target = new URL(path, socketPath === undefined ? base : "http://localhost")
    const asked = request(target, {
      method,
      headers,
      agent: false,
      ...(socketPath === undefined ? {} : { socketPath })
    })
    asked.on("response", (response) => {
      let text = ""
      response.setEncoding("utf8")
      response.on("data", (piece: string) => {
        text += piece
      })
      response.on("end", () => resume(Effect.succeed({ status: response.statusCode ?? 0, text })))
      response.on("error", (error) => resume(Effect.fail(error)))
    })
    asked.on("error", (error) => resume(Effect.fail(error)))
    asked.end()
    return Effect.sync(() => asked.destroy())
  })

/** Requests that the server says it has answered. */
const countIn = (metrics: string): number =>
  [...metrics.matchAll(/^pagi_server_requests_total\{.*\} (\d+)$/gm)].reduce((sum, [, count]) => sum + Number(count), 0)

const workersOf = (admin: string) =>
  Effect.map(ask(admin, "/status"), ({ text }) => {
    const status: unknown = JSON.parse(text)
    return isPoolStatus(status) ? status.workers : assert.fail(text)
  })

const untilTrue = <E>(check: Effect.Effect<boolean, E>) =>
  Effect.repeat(check, { until: (holds) => holds, schedule: Schedule.spaced("20 millis") }).pipe(
    Effect.timeout("20 seconds")
  )

const start = (args: ReadonlyArray<string>, env: Record<string, string> = {}, app = fixture) =>
  Effect.gen(function* () {
    const cwd = yield* Site.make({})
    const pidFile = join(cwd, "server.pid")
    const bad = join(cwd, "bad")
    const program = yield* Program.start(
      ["--port", "0", "--no-access-log", "--pid", pidFile, "--control", join(cwd, "control"), ...args, app],
      { cwd, env: { BAD_FILE: bad, ...env } }
    )
    yield* PidFile.killAtEnd(pidFile)
    const [, admin = ""] = yield* program.line(/^the admin listener is at (\S+)$/m)
    const address = yield* Program.address(program)
    return { cwd, program, admin, address, bad, pidFile }
  })

describe("pagi-server --admin", () => {
  it.live(
    "tells of one process until it ends",
    () =>
      Effect.gen(function* () {
        // Longer than a machine lets a process wait now and then.
        const { address, admin, bad, cwd, program } = yield* start(["--admin", "127.0.0.1:0", "--drain-delay", "3"])
        for (let index = 0; index < 10; index++) yield* ask(address, "/")
        const metrics = (yield* ask(admin, "/metrics")).text
        assert.strictEqual(countIn(metrics), 10)
        assert.match(metrics, /^application_answers(?:_total)? 10$/m)
        const status = JSON.parse((yield* ask(admin, "/status")).text)
        assert.deepStrictEqual(
          [status.mode, status.phase, status.requests, status.commands],
          ["single", "serving", 10, "none"]
        )
        assert.strictEqual((yield* ask(admin, "/readyz")).status, 200)
        writeFileSync(bad, "")
        yield* untilTrue(Effect.map(ask(admin, "/readyz"), ({ status }) => status === 503))
        assert.strictEqual((yield* ask(admin, "/readyz")).text, "not ready\nfile: the file is there\n")
        rmSync(bad)
        const shown = yield* Program.run(["status", join(cwd, "control"), "--json"])
        assert.deepStrictEqual(JSON.parse(shown.stdout).mode, "single")
        yield* program.signal("SIGTERM")
        // From the signal on, while it still accepts.
        yield* program.line(/not ready any more/)
        const ready = yield* ask(admin, "/readyz")
        assert.deepStrictEqual([ready.status, ready.text.split("\n")[1]], [503, "server: it stops"])
        assert.strictEqual((yield* ask(address, "/")).status, 200)
        const result = yield* program.result
        assert.deepStrictEqual([result.code, result.stderr], [0, ""])
      }),
    timeout
  )

  it.live(
    "tells where it is to those who know the process, its control socket or the listener",
    () =>
      Effect.forEach(
        ["0", "1"],
        (workers) =>
          Effect.gen(function* () {
            const { admin, cwd } = yield* start(["--admin", "127.0.0.1:0", "--workers", workers])
            const told = yield* Program.run(["status", join(cwd, "control")])
            assert.strictEqual(told.stdout.split("\n").at(-2), `the admin listener is at ${admin}`)
            const asked = yield* Program.run(["status", "--json", new URL(admin).host])
            assert.deepStrictEqual([asked.code, JSON.parse(asked.stdout).adminUrl], [0, admin])
            const path = join(cwd, "admin.sock")
            yield* start(["--admin", path, "--workers", workers])
            const local = yield* Program.run(["status", "--json", path])
            assert.deepStrictEqual([local.code, JSON.parse(local.stdout).adminUrl], [0, `unix:${path}`])
          }).pipe(Effect.scoped),
        { concurrency: 2, discard: true }
      ),
    timeout
  )

  it.live(
    "runs the checks of Effects and lifespan handlers that modules export, with and without workers",
    () =>
      Effect.forEach(
        [
          ["effect", "0"],
          ["lifespan", "1"],
          ["effect", "1"]
        ] as const,
        ([name, workers]) =>
          Effect.gen(function* () {
            const args = ["--admin", "127.0.0.1:0", "--workers", workers]
            const { admin, bad } = yield* start(args, {}, `${fixture}:${name}`)
            yield* untilTrue(Effect.map(ask(admin, "/readyz"), ({ status }) => status === 200))
            writeFileSync(bad, "")
            yield* untilTrue(Effect.map(ask(admin, "/readyz"), ({ status }) => status === 503))
            assert.match((yield* ask(admin, "/readyz")).text, /^not ready\nfile: (?:worker 1: )?the file is there\n$/)
          }).pipe(Effect.scoped),
        { concurrency: 2, discard: true }
      ),
    timeout
  )

  it.live.skipIf(process.getuid?.() !== 0)(
    "gives its Unix socket to the user that the server becomes",
    () =>
      Effect.forEach(
        ["0", "1"],
        (workers) =>
          Effect.gen(function* () {
            const folder = yield* Site.make({})
            // That user is to write its pid file there, and to remove the socket.
            chmodSync(folder, 0o777)
            const path = join(folder, "admin.sock")
            const flags = ["--admin", path, "--user", "65534", "--group", "65533", "--workers", workers]
            const control = join(folder, "control", "s")
            const program = yield* Program.start([
              "--port",
              "0",
              "--no-access-log",
              "--control",
              control,
              ...flags,
              fixture
            ])
            yield* Program.address(program)
            const { gid, mode, uid } = statSync(path)
            assert.deepStrictEqual([uid, gid, mode & 0o777], [65_534, 65_533, 0o600])
            assert.strictEqual((yield* ask(`unix:${path}`, "/livez")).status, 200)
            yield* program.signal("SIGTERM")
            assert.strictEqual((yield* program.result).code, 0)
            assert.isFalse(existsSync(path))
          }).pipe(Effect.scoped),
        { concurrency: 2, discard: true }
      ),
    timeout
  )

  it.live(
    "does not start when it cannot listen there, and names the option",
    () =>
      Effect.gen(function* () {
        const server = createServer()
        yield* Effect.acquireRelease(
          Effect.promise(() => new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))),
          () => Effect.sync(() => server.close())
        )
        const bound = server.address()
        const port = typeof bound === "object" && bound !== null ? bound.port : assert.fail()
        for (const workers of ["0", "1"]) {
          const { code, stderr } = yield* Program.run([
            "--workers",
            workers,
            "--port",
            "0",
            "--admin",
            `127.0.0.1:${port}`,
            fixture
          ])
          assert.deepStrictEqual(
            [code, stderr],
            [3, `error: option admin: port ${port} on 127.0.0.1 is already in use\n`]
          )
        }
      }),
    timeout
  )

  it.live(
    "warns of an address that others can reach, and shows its token to nobody",
    () =>
      Effect.gen(function* () {
        const open = yield* start(["--admin", "0.0.0.0:0"])
        yield* open.program.line(/^warning: other machines may be able to reach .*there is no adminToken/m)
        const token = "a-token-that-nobody-sees"
        const { address, admin, program } = yield* start(["--workers", "1", "--admin", "127.0.0.1:0"], {
          PAGI_ADMIN_TOKEN: token
        })
        assert.notInclude((yield* ask(address, "/environment")).text, token)
        assert.notInclude((yield* ask(admin, "/status")).text, token)
        assert.strictEqual((yield* ask(admin, "/commands/workers/add", "POST")).status, 401)
        const headers = { authorization: `Bearer ${token}` }
        assert.strictEqual((yield* ask(admin, "/commands/workers/add", "POST", headers)).status, 202)
        yield* program.line(/^worker 2 is ready$/m)
        yield* program.signal("SIGTERM")
        const { code, stderr, stdout } = yield* program.result
        assert.strictEqual(code, 0)
        assert.notInclude(`${stderr}${stdout}`, token)
      }),
    timeout
  )

  it.live(
    "counts what all workers have served, with a reload, a restart and a worker that is killed between",
    () =>
      Effect.gen(function* () {
        const { address, admin, pidFile, program } = yield* start(["--workers", "2", "--admin", "./admin.sock"])
        assert.strictEqual(statSync(admin.slice("unix:".length)).mode & 0o777, 0o600)
        let sent = 0
        const serve = Effect.gen(function* () {
          for (let index = 0; index < 25; index++) {
            yield* ask(address, "/")
            sent++
          }
        })
        const metrics = Effect.map(ask(admin, "/metrics"), ({ text }) => text)
        const isCounted = Effect.map(metrics, (text) => countIn(text) >= sent)
        yield* serve
        yield* untilTrue(isCounted)
        // Somebody looks all the time, and is never refused or told less than before.
        let last = 0
        let looks = 0
        const look = Effect.gen(function* () {
          const count = countIn(yield* metrics)
          assert.isAtLeast(count, last)
          last = count
          looks++
          yield* Effect.sleep("5 millis")
        })
        const watching = yield* Effect.forkChild(Effect.forever(look))
        yield* ask(admin, "/commands/reload", "POST")
        yield* program.line(/(?:^worker \d is ready$[^]*){4}/m)
        yield* serve
        // Those that were replaced may still be there, and none of them is missed.
        const workers = yield* workersOf(admin)
        yield* untilTrue(isCounted)
        process.kill(workers.find(({ phase }) => phase === "serving")?.pid ?? assert.fail(), "SIGKILL")
        yield* program.line(/was killed by SIGKILL/)
        yield* untilTrue(Effect.map(workersOf(admin), ({ length }) => length === 2))
        yield* program.line(/(?:^worker \d is ready$[^]*){5}/m)
        yield* serve
        const isTold = (line: string) => Effect.map(metrics, (text) => text.split("\n").includes(line))
        // When they have ended.
        yield* untilTrue(isTold('pagi_server_worker_restarts_total{reason="reload"} 2'))
        yield* untilTrue(isTold('pagi_server_worker_restarts_total{reason="killed"} 1'))
        const pid = JSON.parse((yield* ask(admin, "/status")).text).pid
        yield* program.signal("SIGUSR2")
        yield* program.line(/^taking over from process \d+$/m)
        yield* untilTrue(Effect.map(ask(admin, "/status"), ({ text }) => JSON.parse(text).pid !== pid))
        yield* serve
        yield* untilTrue(isCounted)
        assert.strictEqual(countIn(yield* metrics), sent)
        assert.isAbove(looks, 20)
        const failure = watching.pollUnsafe()
        assert.isUndefined(failure)
        yield* untilTrue(isTold('pagi_server_workers{phase="serving"} 2'))
        const successor = JSON.parse((yield* ask(admin, "/status")).text).pid
        process.kill(successor, "SIGTERM")
        yield* until(() => !existsSync(pidFile))
        yield* until(() => !existsSync(admin.slice("unix:".length)))
      }),
    timeout
  )
})
