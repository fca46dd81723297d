/** The part of a supervisor that is for its administrator; loaded by servers that have the option `admin`. */
import { adminEndpoint } from "@pagi/core/options/Endpoint"
import type { Values } from "@pagi/core/options/ServerOptions"
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Scope from "effect/Scope"
import type { ListenError } from "../accept/ListenError.ts"
import * as AdminListener from "../admin/AdminListener.ts"
import type { Inheritance } from "../listen/InheritedSockets.ts"
import { makeNow } from "../process/MonotonicClock.ts"
import { make as serve, type StartError } from "../PagiServer.ts"
import type { BoundSockets } from "./BoundSockets.ts"
import { PoolSource } from "./PoolSource.ts"
import type { PoolWatcher } from "./PoolWatcher.ts"
import * as TotalsPipe from "./TotalsPipe.ts"
import type { PoolNews, WorkerPool } from "./WorkerPool.ts"

export interface PoolAdminParts {
  readonly options: Values
  readonly inheritance: Inheritance
  /** Where the admin listener is bound. */
  readonly sockets: BoundSockets
}

/** What a supervisor does for its administrator. */
export interface PoolAdmin {
  readonly watcher: PoolWatcher
  /** The pool is there. */
  readonly connect: (pool: WorkerPool, listeners: ReadonlyArray<string>) => void
  /** Begins to answer. */
  readonly open: Effect.Effect<void, ListenError | StartError>
  /** The pool has come so far. When a successor answers from now on, this process does no more. */
  readonly change: (change: PoolNews, hasSuccessor: boolean) => Effect.Effect<void>
  /** The predecessor, which has been told to stop, leaves the clients of the admin listener to this process. */
  readonly follow: Effect.Effect<void>
  /** The pool has stopped: tells the successor what it has counted. */
  readonly finish: Effect.Effect<void>
}

/** How long a predecessor may take until it has closed its admin listener. Clients wait, and are not refused. */
const handover = "5 seconds"

/** Between two looks whether workers have told everything, and how long that may take. */
const look = 20
const patience = "1 second"

const marks = { reloading: "reload", reloaded: "reloaded", stopping: "stopping" } as const

export const make = ({ inheritance, options, sockets }: PoolAdminParts): Effect.Effect<PoolAdmin, never, Scope.Scope> =>
  Effect.gen(function* () {
    const scope = yield* Effect.scope
    const clock = yield* Clock.Clock
    const services = yield* Effect.context<never>()
    const source = new PoolSource({ wall: () => clock.currentTimeMillisUnsafe(), monotonic: yield* makeNow })
    yield* source.measureProcess
    let pool: WorkerPool | undefined = undefined
    let listener: AdminListener.AdminListener | undefined = undefined
    const endpoint = adminEndpoint(options)
    const open = Effect.gen(function* () {
      if (endpoint === undefined) return
      const inheritance = yield* sockets.surrender
      const token = options.adminToken
      listener = yield* AdminListener.open({
        endpoint,
        token,
        source: source.asAdminSource(options, sockets.sockets[0].url),
        inheritance,
        serve
      })
    }).pipe(Effect.provideContext(services), Effect.provideService(Scope.Scope, scope))
    const tellTotals = Effect.suspend(() => pool?.tellSuccessor(TotalsPipe.lineOf(source.samples)) ?? Effect.void)
    const handOver = Effect.gen(function* () {
      // First: from now on somebody else's numbers are told, and these would be less.
      yield* listener?.close ?? Effect.void
      yield* tellTotals
      yield* Effect.forkIn(Effect.forever(Effect.andThen(Effect.sleep(1000), tellTotals)), scope)
    })
    const follow = Effect.gen(function* () {
      const told = yield* Deferred.make<void>()
      const { readyDescriptor } = inheritance
      if (readyDescriptor === undefined) return
      yield* TotalsPipe.read(readyDescriptor, {
        onTotals: (samples) => {
          source.onPredecessor(samples)
          Deferred.doneUnsafe(told, Effect.void)
        },
        onEnd: () => {
          source.onPredecessorEnd()
          Deferred.doneUnsafe(told, Effect.void)
        }
      })
      yield* Effect.timeoutOption(Deferred.await(told), handover)
      source.mark({ what: "hot restart" })
    })
    return {
      watcher: source,
      connect: (connected, listeners) => {
        pool = connected
        const { askReadiness, send, status } = connected
        source.pool = { askReadiness, send, status: () => status(listeners) }
      },
      open,
      change: (change, hasSuccessor) =>
        Effect.suspend(() => {
          if (change in marks) source.mark({ what: marks[change as keyof typeof marks] }) // It is one of them.
          return change === "stopping" && hasSuccessor ? handOver : Effect.void
        }),
      follow: Effect.provideService(follow, Scope.Scope, scope).pipe(
        Effect.andThen(open),
        Effect.catch(({ message }) => Effect.logError(`the admin listener cannot be had: ${message}`))
      ),
      finish: Effect.andThen(
        Effect.timeoutOption(Effect.repeat(Effect.sleep(look), { while: () => source.hasWorkers }), patience),
        Effect.timeoutOption(tellTotals, patience)
      )
    }
  })
