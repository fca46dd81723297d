import { assert, describe, it } from "@effect/vitest"
import { isPoolStatus, type PoolStatus } from "@pagi/node/admin/PoolStatus"
import * as Effect from "effect/Effect"
import { chmodSync, mkdirSync, readFileSync, renameSync } from "node:fs"
import { createServer } from "node:net"
import { join } from "node:path"
import { isRunning } from "@pagi/node/process/RunningProcess"
import * as PidFile from "../support/PidFile.ts"
import * as Program from "../support/Program.ts"
import * as Site from "../support/Site.ts"
import { looks, until } from "../support/Until.ts"

const timeout = 90_000

const fixture = (name: string): string => join(import.meta.dirname, "../fixtures", name)

const get = (url: string): Effect.Effect<string> =>
  Effect.promise(() => fetch(url, { headers: { connection: "close" } }).then((response) => response.text()))

/** A server with workers, in a folder that holds its pid file and its control socket. */
const serve = (workers: number, flags: ReadonlyArray<string> = [], app = fixture("children.ts")) =>
  Effect.gen(function* () {
    const cwd = yield* Site.make({})
    const [pidFile, control] = [join(cwd, "server.pid"), join(cwd, "control.sock")]
    const log = flags.includes("--access-log") ? [] : ["--no-access-log"]
    const given = ["--port", "0", "--workers", String(workers), ...log, "--pid", pidFile]
    const program = yield* Program.start([...given, "--control", control, ...flags, app])
    yield* PidFile.killAtEnd(pidFile)
    const address = yield* Program.address(program)
    yield* program.line(/ below process \d+: /)
    return { program, address, control, pid: () => PidFile.read(pidFile) }
  })

const statusOf = (control: string): Effect.Effect<PoolStatus> =>
  Effect.map(Program.run(["status", control, "--json"]), ({ stdout }) => {
    const status: unknown = JSON.parse(stdout)
    return isPoolStatus(status) ? status : assert.fail(stdout)
  })

describe("pagi-server --workers", () => {
  it.live(
    "serves, tells its status, replaces a worker that was killed, and drains",
    () =>
      Effect.gen(function* () {
        const { address, control, pid, program } = yield* serve(2)
        const text = yield* get(address)
        assert.include(text, "PATH=")
        assert.notMatch(text, /PAGI_|LISTEN_/)
        const status = yield* statusOf(control)
        assert.deepStrictEqual(
          [status.pid, status.phase, status.listeners, status.workers.map(({ workerNum }) => workerNum)],
          [pid(), "serving", [address], [1, 2]]
        )
        process.kill(status.workers[0]?.pid ?? assert.fail(), "SIGKILL")
        yield* program.line(/^error: worker 1 was killed by SIGKILL/m)
        yield* program.line(/(?:^worker 1 is ready$[^]*){2}/m)
        yield* program.signal("SIGTERM")
        const { code, stderr } = yield* program.result
        assert.strictEqual(code, 0)
        assert.strictEqual(stderr.match(/warning/g), null)
        assert.isUndefined(pid())
      }),
    timeout
  )

  it.live(
    "starts a worker again until the folder of its log is there again",
    () =>
      Effect.gen(function* () {
        const folder = join(yield* Site.make({}), "log")
        mkdirSync(folder)
        const { control, program } = yield* serve(2, ["--access-log", join(folder, "access.log")])
        const { workers } = yield* statusOf(control)
        renameSync(folder, `${folder}.away`)
        process.kill(workers[0]?.pid ?? assert.fail(), "SIGKILL")
        yield* program.line(/^error: worker 1 could not start \(exit code 2\); it is started again in \d.*seconds?$/m)
        renameSync(`${folder}.away`, folder)
        yield* program.line(/(?:^worker 1 is ready$[^]*){2}/m)
      }),
    timeout
  )

  it.live(
    "replaces its workers, and then itself",
    () =>
      Effect.gen(function* () {
        const { address, control, pid, program } = yield* serve(1)
        const before = yield* statusOf(control)
        yield* program.signal("SIGHUP")
        yield* program.line(/^worker 1: shutting down$/m)
        assert.include(yield* get(address), "PATH=")
        yield* program.signal("SIGUSR2")
        assert.strictEqual((yield* program.line(/^taking over from process (\d+)$/m))[1], String(before.pid))
        yield* until(() => !isRunning(before.pid))
        const after = yield* statusOf(control)
        assert.strictEqual(after.pid, pid())
        assert.notStrictEqual(after.pid, before.pid)
        assert.include(yield* get(address), "PATH=")
        process.kill(after.pid, "SIGTERM")
        yield* until(() => !isRunning(after.pid))
        assert.isUndefined(pid())
      }),
    timeout
  )

  it.live(
    "says why it cannot serve, by a message and its exit code",
    () =>
      Effect.gen(function* () {
        const broken = yield* Program.run(["--workers", "1", "--port", "0", fixture("throws.ts")])
        assert.strictEqual(broken.code, 4)
        assert.match(broken.stderr, /^error: worker 1: cannot load .*throws\.ts: RangeError: this is no good /m)
        const server = createServer()
        yield* Effect.acquireRelease(
          Effect.promise(() => new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))),
          () => Effect.sync(() => server.close())
        )
        const bound = server.address()
        const port = typeof bound === "object" && bound !== null ? bound.port : assert.fail()
        const taken = yield* Program.run(["--workers", "1", "--port", String(port), fixture("answer.ts")])
        assert.deepStrictEqual(
          [taken.code, taken.stdout, taken.stderr],
          [3, "", `error: port ${port} on 127.0.0.1 is already in use\n`]
        )
        const mistake = yield* Program.run(["--workers", "1", "--prot", "80"])
        assert.deepStrictEqual(
          [mistake.code, mistake.stderr],
          [2, "error: unknown flag --prot; did you mean --port?\n"]
        )
      }),
    timeout
  )
})

const isRoot = process.getuid?.() === 0

const identityOf = (pid: number): ReadonlyArray<string | undefined> => {
  const text = readFileSync(`/proc/${pid}/status`, "utf8")
  return ["Uid", "Gid"].map((name) => new RegExp(`^${name}:\\s+(.*)$`, "m").exec(text)?.[1])
}

const four = (id: number): string => Array.from({ length: 4 }, () => id).join("\t")

describe("pagi-server --user", () => {
  for (const workers of [0, 1]) {
    it.live.skipIf(!isRoot)(
      `with ${workers} workers becomes that user before the application is loaded`,
      () =>
        Effect.gen(function* () {
          const cwd = yield* Site.make({})
          // That user is to write its pid file there.
          chmodSync(cwd, 0o777)
          const pidFile = join(cwd, "server.pid")
          const flags = ["--user", "65534", "--group", "65533", "--pid", pidFile, "--control", join(cwd, "control")]
          const given = ["--port", "0", "--workers", String(workers), "--no-access-log", ...flags]
          const program = yield* Program.start([...given, fixture("identity.ts")])
          const address = yield* Program.address(program)
          assert.deepStrictEqual(JSON.parse(yield* get(address)), { uid: 65534, gid: 65533, groups: [65533] })
          yield* until(() => PidFile.read(pidFile) !== undefined)
          assert.deepStrictEqual(identityOf(PidFile.read(pidFile) ?? assert.fail()), [four(65534), four(65533)])
          yield* program.signal("SIGTERM")
          assert.strictEqual((yield* program.result).code, 0)
          assert.isUndefined(PidFile.read(pidFile))
        }),
      timeout
    )
  }

  it.live.skipIf(!isRoot)(
    "has workers share topics in a folder of that user",
    () =>
      Effect.gen(function* () {
        const flags = ["--user", "65534", "--group", "65533", "--control", join(yield* Site.make({}), "control")]
        const given = ["--port", "0", "--workers", "2", "--no-access-log", ...flags]
        const program = yield* Program.start([...given, fixture("sharedTopics.ts")])
        const address = yield* Program.address(program)
        const answer = Effect.map(get(address), (text): unknown => JSON.parse(text))
        const found = yield* Effect.repeat(answer, {
          until: (told) => JSON.stringify(told).includes('"count":2'),
          schedule: looks
        })
        assert.deepStrictEqual(found, { count: 2, uid: 65534, gid: 65533, mode: "40700" })
        yield* program.signal("SIGTERM")
        assert.strictEqual((yield* program.result).code, 0)
      }),
    timeout
  )

  it.live(
    "is refused for a user that does not exist",
    () =>
      Effect.gen(function* () {
        const { code, stderr } = yield* Program.run(["--user", "no such user", "--port", "0"])
        assert.deepStrictEqual([code, stderr], [2, 'error: --user: there is no user "no such user"\n'])
      }),
    timeout
  )
})
