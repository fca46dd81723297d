import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Logger from "effect/Logger"
import * as EffectScope from "effect/Scope"
import * as TestClock from "effect/testing/TestClock"
import { ChildProcesses } from "../../../src/supervisor/ChildProcesses.ts"
import type { PoolSettings } from "../../../src/pool/PoolEvent.ts"
import * as WorkerPool from "../../../src/supervisor/WorkerPool.ts"
import type { TicketKeyring } from "../../../src/tls/TicketSecrets.ts"
import { turns } from "../../support/Until.ts"
import { FakeProcesses } from "./FakeProcesses.ts"
import { settings as common } from "./settings.ts"

/** Real ones: a successor may take ten seconds longer than its workers. */
const settings: PoolSettings = { ...common, bootTimeout: 60_000, successorTimeout: 70_000 }

/** What is told of a pool. */
interface Told {
  readonly changes: Array<string>
  readonly log: Array<string>
}

export interface FakePool extends Told {
  readonly pool: WorkerPool.WorkerPool
  readonly processes: FakeProcesses
  /** Ends the scope of the pool. */
  readonly close: Effect.Effect<void>
  /** Asks the pool for something, and lets it act. */
  readonly send: (command: WorkerPool.PoolCommand) => Effect.Effect<void>
}

export interface FakeOptions extends Partial<PoolSettings> {
  readonly heartbeatTimeout?: number
  readonly cannotRestart?: boolean
  readonly tickets?: TicketKeyring
  readonly onChange?: (change: string) => Effect.Effect<void>
}

/** Lets the pool handle what has happened. */
export const settle = turns(6)

/** Lets time pass and the pool handle what comes of it. */
export const pass = (duration: `${number} seconds` | `${number} millis`) =>
  Effect.andThen(TestClock.adjust(duration), settle)

/** The same, second by second. */
export const passSeconds = (count: number, each: () => void) =>
  Effect.forEach(Array.from({ length: count }), () => Effect.andThen(pass("1 seconds"), Effect.sync(each)))

/** Does something and waits until the pool has handled it. */
export const after = (act: () => void) => Effect.andThen(Effect.sync(act), settle)

/** The workers that there are, by number. */
export const phases = ({ pool }: FakePool) =>
  pool.status([]).workers.map(({ phase, workerNum }) => `${workerNum} ${phase}`)

/** The numbers of all workers that were ever started. */
export const numbers = ({ processes }: FakePool) => processes.workers.map(({ workerNum }) => workerNum)

/** A pool whose processes are fakes; it has handled its start. */
export const makePool = ({ cannotRestart, heartbeatTimeout = 50_000, onChange, tickets, ...plan }: FakeOptions = {}) =>
  Effect.gen(function* () {
    const processes = new FakeProcesses()
    const told: Told = { changes: [], log: [] }
    const tell = (change: string) => Effect.sync(() => void told.changes.push(change))
    const logger = Logger.make<unknown, void>(({ logLevel, message }) => {
      told.log.push(`${logLevel}: ${String(message)}`)
    })
    const scope = yield* Effect.acquireRelease(EffectScope.make(), (scope) => EffectScope.close(scope, Exit.void))
    const pool = yield* WorkerPool.make({
      settings: { ...settings, ...plan },
      heartbeatTimeout,
      program: { path: "/app/worker.js", args: ["--flag"], execArgv: [], payload: { app: "app" } },
      successor: cannotRestart === true ? undefined : { file: "/bin/server", args: ["--workers", "2"] },
      asked: { workers: 2, minimum: 2, maximum: 2 },
      sockets: {
        descriptors: [20, 21],
        reuse: (there) => there.join("+"),
        reuseFiles: (there) => `files ${there.join("+")}`,
        reuseForeign: (there) => `foreign ${there.join("+")}`
      },
      folder: "/run/pool",
      cluster: { ask: () => {}, gone: () => {}, isKept: () => false },
      tickets,
      onChange: (change, hasSuccessor) =>
        Effect.andThen(tell(hasSuccessor ? `${change} for a successor` : change), onChange?.(change) ?? Effect.void),
      onServing: tell("taking over"),
      keepSockets: tell("keeping sockets")
    }).pipe(
      EffectScope.provide(scope),
      Effect.provideService(ChildProcesses, processes.service),
      Effect.provide(Logger.layer([logger]))
    )
    yield* settle
    return {
      ...told,
      pool,
      processes,
      close: EffectScope.close(scope, Exit.void),
      send: (command: WorkerPool.PoolCommand) =>
        Effect.andThen(
          Effect.sync(() => pool.send(command)),
          settle
        )
    }
  })

/** The same, and all its workers are ready. */
export const makeServing = (options: FakeOptions = {}) =>
  Effect.tap(makePool(options), ({ processes }) =>
    Effect.andThen(
      Effect.sync(() => processes.workers.forEach((worker) => worker.ready())),
      settle
    )
  )
