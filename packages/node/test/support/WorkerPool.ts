import * as ServerOptions from "@pagi/core/ServerOptions"
import * as Effect from "effect/Effect"
import { type ChildProcess, spawn } from "node:child_process"
import { inject } from "vitest"
import { none } from "../../src/listen/InheritedSockets.ts"
import * as BoundSockets from "../../src/supervisor/BoundSockets.ts"
import { asReport, type WorkerOrder, type WorkerReport, type WorkerStatus } from "../../src/worker/WorkerMessage.ts"
/** How long a pool may take to get somewhere. Workers load a server each, and others may have the processors. */
const patience = "30 seconds"

/** A worker process of a test. */
export class TestWorker {
  readonly reports: Array<WorkerReport> = []
  status: WorkerStatus | undefined = undefined
  readonly child: ChildProcess

  constructor(num: number, sockets: BoundSockets.BoundSockets, payload: ServerOptions.Input, onChange: () => void) {
    const descriptors = sockets.descriptors.map((_, index) => 4 + index)
    this.child = spawn(process.execPath, [inject("bundledWorkers").worker], {
      stdio: ["ignore", "inherit", "inherit", "ipc", ...sockets.descriptors],
      env: {
        ...process.env,
        PAGI_REUSE: sockets.reuse(descriptors),
        PAGI_WORKER: JSON.stringify({ num, workers: payload.workers, payload })
      }
    })
    this.child.on("message", (message) => {
      const report = asReport(message)
      if (report === undefined) return
      this.reports.push(report)
      if (report.type === "status") this.status = report
      onChange()
    })
    this.child.on("exit", onChange)
  }

  get connections(): number {
    return this.status?.connections ?? 0
  }

  get hasExited(): boolean {
    return this.child.exitCode !== null || this.child.signalCode !== null
  }

  has(type: WorkerReport["type"]): boolean {
    return this.reports.some((report) => report.type === type)
  }

  send(order: WorkerOrder): void {
    if (!this.hasExited) this.child.send(order)
  }
}

/** Workers that share a socket, and are told their shares as a parent would. */
export class TestPool {
  readonly sockets: BoundSockets.BoundSockets
  readonly workers: ReadonlyArray<TestWorker>
  readonly #watchers = new Set<() => void>()
  #share = 0

  constructor(sockets: BoundSockets.BoundSockets, payload: ServerOptions.Input & { readonly workers: number }) {
    this.sockets = sockets
    this.workers = Array.from(
      { length: payload.workers },
      (_, index) => new TestWorker(index + 1, sockets, payload, this.#onChange)
    )
  }

  get port(): number {
    return this.sockets.sockets[0].address[1] ?? 0
  }

  get connections(): number {
    return this.workers.reduce((sum, { connections }) => sum + connections, 0)
  }

  /** Waits for a condition that a report or the exit of a worker brings about. */
  until(what: string, condition: (pool: TestPool) => boolean): Effect.Effect<void> {
    return Effect.callback<void>((resume) => {
      const look = (): void => {
        if (condition(this)) resume(Effect.void)
      }
      this.#watchers.add(look)
      look()
      return Effect.sync(() => this.#watchers.delete(look))
    }).pipe(
      Effect.timeoutOrElse({ duration: patience, orElse: () => Effect.die(new Error(`never happened: ${what}`)) })
    )
  }

  readonly #onChange = (): void => {
    const connections = this.connections / this.workers.length
    if (connections !== this.#share) {
      this.#share = connections
      for (const worker of this.workers) worker.send({ type: "share", workers: this.workers.length, connections })
    }
    for (const watcher of [...this.#watchers]) watcher()
  }
}

/** Starts workers, which end with the scope, and waits until they are ready. */
export const startWorkers = (workers: number, input: ServerOptions.Input = {}) =>
  Effect.gen(function* () {
    const payload = { port: 0, accessLog: "off", logLevel: "warn", ...input, workers } as const
    const sockets = yield* BoundSockets.bind(yield* ServerOptions.make(payload), none)
    const pool = yield* Effect.acquireRelease(
      Effect.sync(() => new TestPool(sockets, payload)),
      (pool) =>
        Effect.suspend(() => {
          for (const { child } of pool.workers) child.kill("SIGKILL")
          return pool.until("all workers have exited", () => pool.workers.every(({ hasExited }) => hasExited))
        })
    )
    yield* pool.until("all workers are ready", () => pool.workers.every((worker) => worker.has("ready")))
    return pool
  })
