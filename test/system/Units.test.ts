/** The units of docs/systemd, with the test in the part of systemd. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { execFileSync } from "node:child_process"
import { cpSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { findProgram } from "../support/FindProgram.ts"
import { freePort } from "../support/Ports.ts"
import { temporaryFolder } from "../support/TemporaryFolder.ts"
import { isMeasurable } from "./support/Memory.ts"
import { pagiServer } from "./support/Programs.ts"
import { application, expectQuiet, familyWith, gone, running } from "./support/SupervisorPool.ts"
import { kill } from "./support/SupervisorProcesses.ts"
import { activate, hasSystemd, notifications } from "./support/SupervisorSystemd.ts"
import { ask } from "./support/SupervisorVisitors.ts"
import { standstill, until } from "./support/Until.ts"

const analyze = findProgram("systemd-analyze")

const units = join(import.meta.dirname, "../../docs/systemd")

const service = readFileSync(join(units, "app.service"), "utf8")

const values = (key: string): ReadonlyArray<string> =>
  Array.from(service.matchAll(new RegExp(`^${key}=(.*)$`, "gm")), ([, value = ""]) => value)

/** The units in a folder, with a program that is there. */
const copied = Effect.map(temporaryFolder, (path) => {
  cpSync(units, path, { recursive: true })
  writeFileSync(join(path, "app.service"), service.replace("/usr/bin/pagi-server", "/bin/true"))
  return [join(path, "app.service"), join(path, "app.socket")]
})

describe.skipIf(analyze === undefined)("the units of docs/systemd", () => {
  const run = (...args: ReadonlyArray<string>): string =>
    execFileSync(analyze ?? "systemd-analyze", args, { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] })

  it.effect("have nothing in them that systemd does not know", () =>
    Effect.map(copied, (paths) => {
      assert.strictEqual(run("verify", "--man=no", ...paths), "")
    })
  )

  it.effect("leave the service few rights", () =>
    Effect.map(copied, ([path = ""]) => {
      const [, exposure] =
        /exposure level for app\.service: ([\d.]+) /.exec(run("security", "--offline=true", path)) ?? []
      assert.isAtMost(Number(exposure), 2)
    })
  )
})

/** The command of the unit, with what of this machine is in the place of what would be installed. */
const command = (port: number, runtime: string, workers: string): ReadonlyArray<string> =>
  (values("ExecStart")[0] ?? assert.fail())
    .replace("/usr/bin/pagi-server", pagiServer)
    .replace("/srv/app/src/app.ts", application)
    .replace("--workers auto", `--workers ${workers}`)
    .replace("127.0.0.1:8080", `127.0.0.1:${port}`)
    .replaceAll("/run/app", runtime)
    .split(" ")

/** Starts the service as systemd does: with the socket of the unit, and a way to tell how it is. */
const start = (workers: string) =>
  Effect.gen(function* () {
    const { path, received } = yield* notifications
    const [port, runtime] = [yield* freePort, yield* temporaryFolder]
    const environment = [
      ...values("Environment").filter((pair) => !/^(?:NODE_COMPILE_CACHE|XDG_RUNTIME_DIR)=/.test(pair)),
      `XDG_RUNTIME_DIR=${runtime}`,
      `NOTIFY_SOCKET=${path}`,
      "WATCHDOG_USEC=1000000",
      `PATH=${process.env["PATH"]}`
    ]
    const flags = environment.flatMap((pair) => ["-E", pair])
    const tree = yield* activate(`127.0.0.1:${port}`, flags, command(port, runtime, workers))
    // The first one that connects has it started.
    yield* ask(port, "/")
    const hears = (what: string, line: string, from = 0) =>
      until(
        what,
        Effect.sync(() => received().slice(from).includes(line))
      )
    return { hears, port, received, runtime, tree }
  })

/** As `ExecReload` does. */
const reload = (pid: number): void => {
  const [path, flag = "", variable] = (values("ExecReload")[0] ?? assert.fail()).split(" ")
  assert.deepStrictEqual([path, variable], ["/bin/kill", "$MAINPID"])
  kill(pid, `SIG${flag.slice(1)}` as NodeJS.Signals) // A name of a signal, or nothing is reloaded.
}

describe.skipIf(!isMeasurable || !hasSystemd)("the service of docs/systemd", () => {
  it.live("starts, tells that it lives, reloads and stops", () =>
    Effect.gen(function* () {
      const { hears, port, received, runtime, tree } = yield* start("2")
      const pool = yield* running(tree, 2)
      yield* hears("the service is ready", "READY=1")
      yield* hears("the service lives", "WATCHDOG=1")
      const health = execFileSync(pagiServer, ["health", join(runtime, "admin.sock")], { encoding: "utf8" })
      assert.strictEqual(health, "ready\n")

      const { workers } = yield* familyWith(tree, "there are two workers", (now) => now.workers.length === 2)
      let before = received().length
      reload(tree.pid)
      yield* familyWith(tree, "all workers are replaced", (now) => !now.workers.some((pid) => workers.includes(pid)))
      yield* hears("the service has reloaded", "RELOADING=1", before)
      yield* hears("the service is ready again", "READY=1", before)
      assert.strictEqual(yield* ask(port, "/"), "hello")

      before = received().length
      kill(tree.pid, "SIGTERM")
      yield* hears("the service stops", "STOPPING=1", before)
      yield* gone(pool)
      assert.strictEqual((yield* tree.result).code, 0)
      expectQuiet(tree)
    })
  )

  it.live("tells nothing as long as it hangs, so that systemd ends it", () =>
    Effect.gen(function* () {
      const { hears, port, received, tree } = yield* start("0")
      yield* hears("the service lives", "WATCHDOG=1")
      yield* Effect.forkChild(Effect.ignore(ask(port, "/block")), { startImmediately: true })
      yield* until(
        "the application computes without end",
        Effect.sync(() => tree.output().includes("blocked: "))
      )
      // One may be on its way; after that, none comes for longer than systemd would wait. Before, one came each half second.
      yield* standstill(
        "what the service tells",
        Effect.sync(() => received().length),
        150
      )
      kill(tree.pid, "SIGKILL")
    })
  )
})
