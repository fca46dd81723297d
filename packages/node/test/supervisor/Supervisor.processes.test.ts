import { assert, describe, it } from "@effect/vitest"
import * as ServerOptions from "@pagi/core/ServerOptions"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as EffectScope from "effect/Scope"
import { existsSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { inject } from "vitest"
import { fetchStatus } from "../../src/supervisor/ControlSocket.ts"
import * as Supervisor from "../../src/supervisor/Supervisor.ts"
import { fetchText } from "../support/Client.ts"
import { temporaryFolder } from "../../../../test/support/TemporaryFolder.ts"
import { until } from "../support/Until.ts"

const path = inject("bundledWorkers").supervised

const isRunning = (pid: number): boolean => {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

const killNamed = (file: string): void => {
  if (existsSync(file)) process.kill(Number(readFileSync(file, "utf8")), "SIGKILL")
}

/** A supervisor in this process, with real workers. */
const supervise = (
  options: ServerOptions.Input = {},
  settings: Supervisor.SupervisorSettings = {},
  more: Readonly<Record<string, unknown>> = {}
) =>
  Effect.gen(function* () {
    const place = options.socket === undefined ? { port: 0 } : {}
    const input: ServerOptions.Input = { ...place, workers: 2, accessLog: "off", logLevel: "error", ...options }
    const scope = yield* Effect.acquireRelease(EffectScope.make(), (scope) => EffectScope.close(scope, Exit.void))
    const layer = Supervisor.layer({ path, execArgv: [], payload: { options: input, ...more } }, settings).pipe(
      Layer.provide(ServerOptions.layer(input))
    )
    const supervisor = Context.get(yield* Layer.buildWithScope(layer, scope), Supervisor.PagiSupervisor)
    return {
      supervisor,
      port: Number(supervisor.listeners[0]?.address[1]),
      pids: Effect.map(supervisor.workers, (workers) => workers.map(({ pid }) => Number(pid))),
      close: EffectScope.close(scope, Exit.void)
    }
  })

/** The process that answers. */
const ask = (port: number) => Effect.map(fetchText(port), (text) => Number(/\d+$/.exec(text)?.[0]))

/** Asks until all of these have answered. */
const askAll = (port: number, pids: ReadonlyArray<number>) =>
  Effect.gen(function* () {
    const answered = new Set<number>()
    const burst = Effect.forEach(Array.from({ length: 16 }), () => ask(port), { concurrency: "unbounded" })
    while (!pids.every((pid) => answered.has(pid))) for (const pid of yield* burst) answered.add(pid)
    assert.lengthOf([...answered], pids.length)
  }).pipe(Effect.timeout("10 seconds"))

/** Waits for something about the workers. */
const untilWorkers = (
  { supervisor }: { readonly supervisor: Supervisor.PagiSupervisor["Service"] },
  what: string,
  condition: (workers: ReadonlyArray<Supervisor.WorkerStatus>) => boolean
) => until(what, () => condition(Effect.runSync(supervisor.workers)))

describe("a supervisor of real processes", () => {
  it.live("has workers that all serve, and none when it has ended", () =>
    Effect.gen(function* () {
      const running = yield* supervise()
      yield* running.supervisor.serving
      const pids = yield* running.pids
      assert.lengthOf(pids, 2)
      yield* askAll(running.port, pids)
      yield* untilWorkers(running, "they tell how they are", (workers) => workers.every(({ memory }) => memory > 0))
      running.supervisor.send("stop")
      assert.strictEqual(yield* running.supervisor.ended, 0)
      assert.deepStrictEqual(pids.filter(isRunning), [])
      yield* running.close
      assert.strictEqual(yield* Effect.flip(fetchText(running.port)), "ECONNREFUSED")
    })
  )

  it.live("replaces a worker that was killed, while the other one serves", () =>
    Effect.gen(function* () {
      const running = yield* supervise()
      yield* running.supervisor.serving
      const [victim = 0, other = 0] = yield* running.pids
      process.kill(victim, "SIGKILL")
      yield* untilWorkers(running, "there is another one", (workers) => workers.every(({ pid }) => pid !== victim))
      const answering = yield* ask(running.port)
      // The new one, where this process was kept from running until that one served.
      assert.include([other, ...(yield* running.pids)], answering)
      yield* untilWorkers(running, "it serves", (workers) => workers.every(({ phase }) => phase === "serving"))
      yield* askAll(running.port, yield* running.pids)
    })
  )

  it.live("leaves nothing behind when it is ended before they are ready", () =>
    Effect.gen(function* () {
      const socket = join(yield* temporaryFolder, "app.sock")
      const { close, pids } = yield* supervise({ socket })
      const started = yield* Effect.repeat(pids, { until: (pids) => pids.length === 2 })
      yield* close
      assert.deepStrictEqual(started.filter(isRunning), [])
      assert.isUndefined(statSync(socket, { throwIfNoEntry: false }))
    })
  )

  it.live("ends with the code of workers that cannot start", () =>
    Effect.gen(function* () {
      const { pids, supervisor } = yield* supervise({}, {}, { exitCode: 5 })
      assert.strictEqual(yield* supervisor.ended, 5)
      assert.deepStrictEqual(yield* pids, [])
    })
  )

  it.live("goes on when a successor fails, and leaves the socket to one that does not", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder
      const [socket, plan, pid] = ["socket", "plan", "pid"].map((name) => join(folder, name)) as [
        string,
        string,
        string
      ]
      yield* Effect.addFinalizer(() => Effect.sync(() => killNamed(pid)))
      const successor = {
        file: process.execPath,
        args: [join(import.meta.dirname, "fixtures/successor.ts"), plan, pid]
      }
      const controlSocket = join(folder, "control", "s")
      const { supervisor } = yield* supervise({ socket, workers: 1 }, { controlSocket, successor })
      yield* supervisor.serving
      writeFileSync(plan, "fail")
      supervisor.send("hotRestart")
      yield* until("the successor has been there", () => existsSync(pid))
      yield* until("it has gone", () => !isRunning(Number(readFileSync(pid, "utf8"))))
      const status = yield* fetchStatus(controlSocket)
      if (status.mode !== "workers") return assert.fail(status.mode)
      assert.deepStrictEqual(
        [status.pid, status.phase, status.target, status.listeners, status.workers.map(({ phase }) => phase)],
        [process.pid, "serving", 1, [`unix:${socket}`], ["serving"]]
      )
      rmSync(pid)
      writeFileSync(plan, "take over")
      supervisor.send("hotRestart")
      yield* until("the successor is there", () => existsSync(pid))
      supervisor.send("stop")
      assert.strictEqual(yield* supervisor.ended, 0)
      assert.isTrue(isRunning(Number(readFileSync(pid, "utf8"))))
      assert.isTrue(statSync(socket).isSocket())
    })
  )
})
