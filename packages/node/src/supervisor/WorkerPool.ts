import * as StopProgress from "./StopProgress.ts"
import * as Cause from "effect/Cause"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Queue from "effect/Queue"
import type * as EffectScope from "effect/Scope"
import { keepFresh } from "../tls/TicketSecrets.ts"
import { ChildProcesses } from "./ChildProcesses.ts"
import * as ConnectionShares from "./ConnectionShares.ts"
import type { PoolSettings, Slot, WorkerId } from "../pool/PoolEvent.ts"
import * as PoolHeartbeat from "./PoolHeartbeat.ts"
import { PoolInterpreter, type PoolItem, type PoolAnnouncement, type PoolParts } from "./PoolInterpreter.ts"
import type { PoolStatus } from "../admin/PoolStatus.ts"
import { makeNow } from "../process/MonotonicClock.ts"
import * as PoolTimers from "./PoolTimers.ts"

/** What may be asked of a running pool. */
export type PoolCommand = "reload" | "reopenLogs" | "add" | "remove" | "hotRestart" | "stop"

/** What others may want to know, in the order in which it happens. */
export type PoolNews = Exclude<PoolAnnouncement["type"], "stopped">

export interface PoolConfig extends Pick<
  PoolParts,
  "program" | "successor" | "asked" | "sockets" | "admin" | "folder" | "tickets" | "watcher" | "reloads" | "cluster"
> {
  readonly settings: PoolSettings
  /** In milliseconds; 0 for none. */
  readonly heartbeatTimeout: number
  /**
   * Is run at each change, one after the other; `hasSuccessor` is true for a pool that stops because another server has
   * taken over. The pool does not wait for it, except at its end.
   */
  readonly onChange: (change: PoolNews, hasSuccessor: boolean) => Effect.Effect<void>
  /** Is run once, after `onChange` for `serving`: the pool is what is to be used from now on. */
  readonly onServing: Effect.Effect<void>
  /** Is run before `ended`, when the pool leaves the listening sockets to a successor. */
  readonly keepSockets: Effect.Effect<void>
}

/** A pool of worker processes. */
export interface WorkerPool {
  readonly status: (listeners: ReadonlyArray<string>) => PoolStatus
  /**
   * Puts the command in line; the second `stop` ends everything at once.
   *
   * @param signalNumber that of the signal which asks for `stop`: one that forces ends with the exit code 128 and this;
   *   15, SIGTERM's, unless it is said
   */
  readonly send: (command: PoolCommand, signalNumber?: number) => void
  /** Asks the workers that serve how their applications are, and says whom; the answers, to the watcher, have this number. */
  readonly askReadiness: (number: number) => ReadonlyArray<{ readonly id: WorkerId; readonly slot: Slot }>
  /** Tells the successor something, if there is one; completes when the system has taken it. */
  readonly tellSuccessor: (text: string) => Effect.Effect<void>
  /** Completes when there has been a ready worker for every number; never, if the pool stops before. */
  readonly serving: Effect.Effect<void>
  /** The exit code with which the pool has stopped; no worker is left. */
  readonly ended: Effect.Effect<number>
}

/** How long, in milliseconds, whoever wants to know of a change may take. */
const patience = 5000

/**
 * Starts the workers and looks after them. The end of the scope stops the pool, and with it every worker: gracefully as
 * long as the workers do what they should, and in any case.
 */
export const make = (config: PoolConfig): Effect.Effect<WorkerPool, never, EffectScope.Scope> =>
  Effect.gen(function* () {
    const { settings } = config
    const queue = yield* Queue.unbounded<PoolItem>()
    const enqueue = (item: PoolItem): void => void Queue.offerUnsafe(queue, item)
    const serving = Deferred.makeUnsafe<void>()
    const ended = Deferred.makeUnsafe<number>()
    const interpreter: PoolInterpreter = new PoolInterpreter({
      ...config,
      start: (yield* ChildProcesses).start,
      now: yield* makeNow,
      timers: yield* PoolTimers.make((timer) => enqueue({ type: "elapsed", timer })),
      heartbeat: yield* PoolHeartbeat.make(config.heartbeatTimeout, (id) => enqueue({ type: "silent", id })),
      shares: yield* ConnectionShares.make(() => interpreter.sharers),
      enqueue,
      announce: yield* makeAnnouncer(config, () => interpreter.status([]).workers, { serving, ended })
    })
    const { tickets } = config
    if (tickets !== undefined) yield* keepFresh(tickets, () => interpreter.tellTickets(tickets))
    // What it does to processes is not to be cut in two.
    const handleNext = Effect.flatMap(Queue.take(queue), (item) => Effect.uninterruptible(interpreter.handle(item)))
    const run = Effect.whileLoop({ while: () => !interpreter.hasStopped, body: () => handleNext, step: () => {} })
    yield* Effect.forkScoped(
      Effect.onExit(run, (exit) => {
        // A fault of the supervisor: whoever waits for the end is to know.
        if (Exit.isFailure(exit) && !Cause.hasInterruptsOnly(exit.cause))
          Deferred.doneUnsafe(ended, Effect.failCause(exit.cause))
        return Effect.void
      })
    )
    const send = (command: PoolCommand, signalNumber?: number): void => {
      enqueue(command === "stop" ? { type: command, signalNumber } : { type: command })
    }
    yield* Effect.addFinalizer(() =>
      Effect.suspend(() => {
        enqueue({ type: "end" })
        return end(interpreter, Deferred.await(ended), settings)
      })
    )
    enqueue({ type: "start" })
    return {
      status: (listeners) => interpreter.status(listeners),
      send,
      askReadiness: (number) => interpreter.askReadiness(number),
      tellSuccessor: (text) => Effect.callback((resume) => interpreter.tellSuccessor(text, () => resume(Effect.void))),
      serving: Deferred.await(serving),
      ended: Deferred.await(ended)
    }
  })

/** Tells others what happens in the pool, in a fiber of its own. */
const makeAnnouncer = (
  { keepSockets, onChange, onServing }: PoolConfig,
  workers: () => PoolStatus["workers"],
  { ended, serving }: { readonly serving: Deferred.Deferred<void>; readonly ended: Deferred.Deferred<number> }
): Effect.Effect<(news: PoolAnnouncement) => void, never, EffectScope.Scope> =>
  Effect.gen(function* () {
    const queue = yield* Queue.unbounded<PoolAnnouncement>()
    const tell = (change: PoolNews, hasSuccessor = false) =>
      Effect.catchCause(Effect.timeout(onChange(change, hasSuccessor), patience), (cause) =>
        Effect.logError(`the change of the pool was not told to everybody: ${change}`, cause)
      )
    let stoppingSince: number | undefined
    const stopping = Effect.gen(function* () {
      if (workers().length === 0) return
      stoppingSince = (yield* makeNow)()
      yield* Effect.forkChild(StopProgress.tell(workers))
    })
    const stopped = Effect.suspend(() =>
      stoppingSince === undefined ? Effect.void : StopProgress.tellEnd(stoppingSince)
    )
    const announce = (news: PoolAnnouncement): Effect.Effect<unknown> => {
      switch (news.type) {
        case "serving":
          return Effect.andThen(tell("serving"), Effect.andThen(onServing, Deferred.succeed(serving, undefined)))
        case "stopped":
          return stopped.pipe(
            Effect.andThen(news.keepsSockets ? keepSockets : Effect.void),
            Effect.andThen(Deferred.succeed(ended, news.code))
          )
        case "stopping":
          return Effect.andThen(stopping, tell(news.type, news.hasSuccessor))
        default:
          return tell(news.type)
      }
    }
    yield* Effect.forkScoped(Effect.forever(Effect.flatMap(Queue.take(queue), announce)))
    return (news) => void Queue.offerUnsafe(queue, news)
  })

/** Waits for the end of the pool; where something keeps it from ending, the workers are killed all the same. */
const end = (
  interpreter: PoolInterpreter,
  ended: Effect.Effect<number>,
  { killDelay, leaveTimeout }: PoolSettings
): Effect.Effect<void> => {
  const kill = Effect.sync(() => interpreter.killAll())
  const wait = (duration: number) => Effect.timeout(Effect.interruptible(ended), duration)
  return wait(leaveTimeout + killDelay + patience).pipe(
    Effect.catchCause(() => Effect.andThen(kill, wait(patience))),
    Effect.ignoreCause
  )
}
