/** A server with workers: binds the sockets, starts the workers, and looks after them. */
import { minimumLogLevel, ServerOptions, type Values } from "@pagi/core/options/ServerOptions"
import type { Address } from "@pagi/core/contract/Address"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as References from "effect/References"
import * as EffectScope from "effect/Scope"
import * as AdminSocket from "../listen/AdminSocket.ts"
import { type Inheritance, InheritedSockets } from "../listen/InheritedSockets.ts"
import * as ListenerRemark from "../listen/ListenerRemark.ts"
import type { StartError } from "../PagiServer.ts"
import * as OtlpOption from "../process/OtlpOption.ts"
import type { FileOwner } from "../listen/UnixSocket.ts"
import * as BoundSockets from "./BoundSockets.ts"
import * as ControlSocket from "./ControlSocket.ts"
import { readTickets, type SuccessorProgram, takeOver } from "./HotRestart.ts"
import { leaveTimeout, unreadyLeaveTimeout } from "../worker/LeaveTimeout.ts"
import type { PoolSettings } from "../pool/PoolEvent.ts"
import * as PoolFolder from "../process/PoolFolder.ts"
import * as StartMessage from "../process/StartMessage.ts"
import { startAllowance } from "../pool/StartAllowance.ts"
import * as ServerDescription from "../admin/ServerDescription.ts"
import type { ServerStatus } from "../admin/ServerStatus.ts"
import type { PoolStatus, WorkerStatus } from "../admin/PoolStatus.ts"
import type { WorkerProgram } from "./WorkerHandle.ts"
import * as WorkerNumbers from "./WorkerNumbers.ts"
import * as PoolCluster from "./PoolCluster.ts"
import type { PoolAdmin, PoolAdminParts } from "./PoolAdmin.ts"
import type { PoolReloads } from "./PoolReloads.ts"
import * as WorkerPool from "./WorkerPool.ts"

export type { PoolStatus, SuccessorProgram, WorkerProgram, WorkerStatus }

/** A running server with workers. */
export class PagiSupervisor extends Context.Service<
  PagiSupervisor,
  {
    /** In the order in which the options name them. */
    readonly listeners: ReadonlyArray<{ readonly address: Address; readonly url: string }>
    /** Every worker process that there is. */
    readonly workers: Effect.Effect<ReadonlyArray<WorkerStatus>>
    readonly status: Effect.Effect<PoolStatus>
    /**
     * Asks the supervisor for something; it does one thing after the other. `reload` replaces all workers, `add` and
     * `remove` change how many there are, `hotRestart` starts a successor of the whole server. The first `stop` drains
     * the workers, the second one ends them; then the exit code is 128 and the number of the signal.
     */
    readonly send: WorkerPool.WorkerPool["send"]
    /** Completes once all workers were ready. */
    readonly serving: Effect.Effect<void>
    /** The exit code with which the pool has stopped. */
    readonly ended: Effect.Effect<number>
  }
>()("@pagi/node/PagiSupervisor") {}

/** What of a supervisor is not about the server that its workers are. */
export interface SupervisorSettings<E = never> {
  /** The command line of this server, with which a hot restart starts its successor; without one there is none. */
  readonly successor?: SuccessorProgram | undefined
  /** Where the status can be asked for (`ControlSocket`). */
  readonly controlSocket?: string | undefined
  /** Who loads the application anew while somebody types, if somebody does. */
  readonly reloads?: PoolReloads | undefined
  /** Whose Unix sockets are to be, if not this process's user's. */
  readonly socketOwner?: FileOwner | undefined
  /** Is run when the sockets are bound and before any worker is started, as the time to give up privileges. */
  readonly onBound?: Effect.Effect<void, E, EffectScope.Scope>
  /**
   * Is run when the pool serves, begins and ends a rolling replacement, has lost a successor, and stops, in which case
   * `hasSuccessor` says whether another server has taken over: for each in turn, for a few seconds at most, while the
   * pool goes on. A predecessor is stopped after that for `serving`, and the pool has ended after that for `stopping`.
   */
  readonly onChange?: (change: WorkerPool.PoolNews, hasSuccessor: boolean) => Effect.Effect<void>
}

/** A worker that does not end by SIGTERM after it was silent is killed that many milliseconds later. */
const killDelay = 1000

/** A duration of 0 is no limit. */
const limitOf = (duration: Duration.Duration): number =>
  Duration.isZero(duration) ? Number.POSITIVE_INFINITY : Duration.toMillis(duration)

/** How many processors there are is found out where that is asked for alone. */
const processors = Effect.map(
  Effect.promise(() => import("../process/Processors.ts")),
  ({ available }) => available()
)

const numbersOf = (options: Values): Effect.Effect<WorkerNumbers.WorkerNumbers> =>
  Effect.map(WorkerNumbers.needsProcessors(options) ? processors : Effect.succeed(1), (count) =>
    WorkerNumbers.of(options, count)
  )

const poolSettings = (options: Values, numbers: WorkerNumbers.WorkerNumbers, isSuccessor: boolean): PoolSettings => ({
  ...numbers,
  maxMemory: options.maxWorkerMemory === 0 ? Number.POSITIVE_INFINITY : options.maxWorkerMemory,
  maxLag: limitOf(options.maxLoopDelay),
  isSuccessor,
  awaitsReload: options.reload,
  bootTimeout: limitOf(options.bootTimeout),
  leaveTimeout: leaveTimeout(options),
  unreadyLeaveTimeout,
  killDelay,
  successorTimeout: limitOf(options.bootTimeout) + startAllowance,
  successorKillDelay: leaveTimeout(options) + killDelay
})

/** Binds the sockets, starts the workers and looks after them until the scope closes; then none is left. */
export const make = <E = never>(
  program: WorkerProgram,
  settings: SupervisorSettings<E> = {}
): Effect.Effect<PagiSupervisor["Service"], StartError | E, ServerOptions | EffectScope.Scope> =>
  Effect.gen(function* () {
    const options = yield* ServerOptions
    yield* OtlpOption.warnIfIgnored(options)
    const inheritance = yield* AdminSocket.assign(options, (yield* InheritedSockets).claim())
    const sockets = yield* BoundSockets.bind(options, inheritance, settings.socketOwner)
    const listeners = sockets.sockets.map(({ address, url }) => ({ address, url }))
    const urls = listeners.map(({ url }) => url)
    const adminSockets = yield* BoundSockets.bindAdmin(options, inheritance, settings.socketOwner)
    if (settings.onBound !== undefined) yield* settings.onBound
    const scope = yield* Effect.scope
    const folder = yield* poolFolder(inheritance)
    const cluster = yield* PoolCluster.make({
      folder: folder.path,
      predecessor: inheritance.masterPid,
      // This process is its child as long as it is there.
      isKeptBefore: () => inheritance.hasCluster && process.ppid === inheritance.masterPid,
      pid: process.pid
    })
    const admin = adminSockets && (yield* loadAdmin({ options, inheritance, sockets: adminSockets }))
    const asked = yield* numbersOf(options)
    const isSuccessor = inheritance.masterPid !== undefined
    const numbers = isSuccessor ? WorkerNumbers.after(asked, inheritance.workers) : asked
    // A predecessor answers until this one has taken over.
    if (!isSuccessor) yield* admin?.open ?? Effect.void
    const tellStatus = Effect.suspend(() =>
      settings.controlSocket === undefined
        ? Effect.void
        : ControlSocket.tell(settings.controlSocket, serverStatus, inheritance.masterPid)
    )
    const constant = ServerDescription.make(options, adminSockets?.sockets[0].url)
    const serverStatus = Effect.sync((): ServerStatus => ({ ...constant, mode: "workers", ...pool.status(urls) }))
    const pool: WorkerPool.WorkerPool = yield* WorkerPool.make({
      program,
      successor: settings.successor,
      asked,
      folder: folder.path,
      cluster,
      sockets,
      admin: adminSockets,
      watcher: admin?.watcher,
      reloads: settings.reloads,
      tickets: options.tls === undefined || options.disableTls ? undefined : readTickets(inheritance.ticketsDescriptor),
      settings: poolSettings(options, numbers, isSuccessor),
      heartbeatTimeout: Duration.toMillis(options.heartbeatTimeout),
      onChange: (change, hasSuccessor) =>
        Effect.gen(function* () {
          if (change === "serving") yield* announce(options, numbers.workers, sockets.sockets)
          if (settings.onChange !== undefined) yield* settings.onChange(change, hasSuccessor)
          if (admin !== undefined) yield* admin.change(change, hasSuccessor)
        }),
      onServing: isSuccessor
        ? Effect.gen(function* () {
            yield* EffectScope.provide(tellStatus, scope)
            folder.isOurs = true
            yield* takeOver({ ...inheritance, keepsOpen: admin !== undefined })
            if (admin !== undefined) yield* admin.follow
          })
        : Effect.void,
      keepSockets: Effect.gen(function* () {
        folder.isOurs = false
        if (admin !== undefined) yield* admin.finish
        yield* sockets.close("keep")
        if (adminSockets !== undefined) yield* adminSockets.close("keep")
      })
    })
    admin?.connect(pool, urls)
    // Until a successor has taken over, it is its predecessor who tells.
    if (!isSuccessor) yield* tellStatus
    const status = Effect.sync(() => pool.status(urls))
    return PagiSupervisor.of({
      listeners,
      status,
      workers: Effect.map(status, ({ workers }) => workers),
      send: pool.send,
      serving: pool.serving,
      ended: pool.ended
    })
  })

/** Where workers reach each other: as the predecessor has it, if there is one. It goes with the last of the servers. */
const poolFolder = ({ masterPid, pool }: Inheritance) =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const isInherited = masterPid !== undefined && pool !== undefined && PoolFolder.isName(pool)
      return { path: isInherited ? pool : PoolFolder.makeName(), isOurs: !isInherited }
    }),
    ({ isOurs, path }) => Effect.sync(() => (isOurs ? PoolFolder.remove(path) : undefined))
  )

/** Loads what only servers with an admin listener need, which is another server. */
const loadAdmin = (parts: PoolAdminParts): Effect.Effect<PoolAdmin, never, EffectScope.Scope> =>
  Effect.flatMap(
    Effect.promise(() => import("./PoolAdmin.ts")),
    ({ make }) => make(parts)
  )

/** Says where the workers listen, and what the server is. */
const announce = (
  { http2, trustedProxies }: Values,
  processes: number,
  sockets: ReadonlyArray<BoundSockets.BoundSocket>
) =>
  Effect.gen(function* () {
    for (const { endpoint, isSecure, url } of sockets) {
      yield* Effect.logInfo(`listening on ${url}`)
      const believesAll = endpoint.proxyProtocol === true && trustedProxies === undefined
      const remark = ListenerRemark.of({ url, isTcp: endpoint._tag === "Tcp", isSecure, believesAll })
      if (remark !== undefined) yield* Effect.logWarning(remark)
    }
    const protocols = http2 ? ["h2", "http/1.1"] : ["http/1.1"]
    const urls = sockets.map(({ url }) => url)
    yield* Effect.logInfo(StartMessage.describe({ processes, pid: process.pid, protocols, urls }))
  })

/** A server with workers as a layer: it runs as long as the layer is in use. */
export const layer = <E = never>(
  program: WorkerProgram,
  settings: SupervisorSettings<E> = {}
): Layer.Layer<PagiSupervisor, StartError | E, ServerOptions> =>
  Layer.effect(
    PagiSupervisor,
    Effect.flatMap(ServerOptions, (options) =>
      Effect.provideService(make(program, settings), References.MinimumLogLevel, minimumLogLevel(options))
    )
  )
