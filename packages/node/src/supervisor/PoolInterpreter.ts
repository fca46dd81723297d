import * as Effect from "effect/Effect"
import type { Child, ChildCommand, ChildListener, InheritableSockets } from "./ChildProcesses.ts"
import type { ConnectionShares } from "./ConnectionShares.ts"
import { commandOf as successorCommand, SuccessorHandle, type SuccessorProgram } from "./HotRestart.ts"
import type { TicketKeyring } from "../tls/TicketSecrets.ts"
import type { PoolAction, PoolEvent, PoolSettings, Slot, WorkerId } from "../pool/PoolEvent.ts"
import type { PoolHeartbeat } from "./PoolHeartbeat.ts"
import { goesOn, type PoolState } from "../pool/PoolState.ts"
import type { PoolStatus } from "../admin/PoolStatus.ts"
import type { PoolCluster } from "./PoolCluster.ts"
import type { PoolReloads } from "./PoolReloads.ts"
import type { PoolWatcher } from "./PoolWatcher.ts"
import { RestartReasons, type Transition } from "./RestartReasons.ts"
import * as PoolSnapshot from "./PoolSnapshot.ts"
import type { PoolTimers } from "./PoolTimers.ts"
import * as StopProgress from "./StopProgress.ts"
import { initial, step } from "../pool/RestartPlan.ts"
import * as WorkerNumbers from "./WorkerNumbers.ts"
import { commandOf as workerCommand, WorkerHandle, type WorkerListener, type WorkerProgram } from "./WorkerHandle.ts"
import type { WorkerReport } from "../worker/WorkerMessage.ts"

/** What the interpreter of a plan works with. */
export interface PoolParts {
  readonly settings: PoolSettings
  readonly program: WorkerProgram
  readonly successor: SuccessorProgram | undefined
  /** How many workers the options ask for, which a successor compares with its own. */
  readonly asked: WorkerNumbers.WorkerNumbers
  readonly sockets: InheritableSockets
  /** The one of the admin listener, which a successor gets and workers do not. */
  readonly admin?: InheritableSockets | undefined
  /** Where workers reach each other (`PoolFolder`). */
  readonly folder: string
  /** The secrets of TLS sessions, which workers and a successor are told; none without TLS. */
  readonly tickets: TicketKeyring | undefined
  readonly start: (command: ChildCommand, listener: ChildListener) => Child
  /** Milliseconds of a clock that is never set back. */
  readonly now: () => number
  readonly timers: PoolTimers
  readonly heartbeat: PoolHeartbeat
  readonly shares: ConnectionShares
  /** Puts something at the end of what is to be handled. */
  readonly enqueue: (item: PoolItem) => void
  /** Is told what others want to know; it does not wait for them. */
  readonly announce: (change: PoolAnnouncement) => void
  /** Is told what happens to workers, if there is an administrator who may want to know. */
  readonly watcher?: PoolWatcher | undefined
  readonly reloads?: PoolReloads | undefined
  readonly cluster: PoolCluster
}

/** An event of the plan, a line for the log, or that nobody uses the pool any more. */
export type PoolItem = PoolEvent | LogItem | { readonly type: "end" }

type StopEvent = Extract<PoolEvent, { readonly type: "stop" }>

type LogItem = Extract<PoolAction, { readonly type: "log" }> | { readonly type: "debug"; readonly message: string }

/** What may concern others than the pool. `stopping` and `stopped` come once, and `serving` at most. */
export type PoolAnnouncement =
  | { readonly type: "serving" }
  | { readonly type: "reloading" }
  | { readonly type: "reloaded" }
  /** A successor has ended, which may have been taken for the server already. */
  | { readonly type: "successorLost" }
  | { readonly type: "stopping"; readonly hasSuccessor: boolean }
  | { readonly type: "stopped"; readonly code: number; readonly keepsSockets: boolean }

/** Does what the plan of a pool says, one event after the other. */
export class PoolInterpreter {
  readonly #parts: PoolParts
  readonly #startedAt: number
  readonly #workers = new Map<WorkerId, WorkerHandle>()
  #successor: SuccessorHandle | undefined = undefined
  /** Whether a successor that was given up has asked this server to stop all the same. */
  #wasToldTooLate = false
  readonly #reasons = new RestartReasons()
  /** Whether anything depends on what workers report. */
  readonly #needsReports: boolean
  #state: PoolState

  constructor(parts: PoolParts) {
    this.#parts = parts
    this.#startedAt = parts.now()
    this.#state = initial(parts.settings)
    const { maxLag, maxMemory, maximum, minimum } = parts.settings
    this.#needsReports = minimum < maximum || Number.isFinite(maxMemory) || Number.isFinite(maxLag)
  }

  get hasStopped(): boolean {
    return this.#state.phase === "stopped"
  }

  /** Workers that accept connections. */
  get sharers(): ReadonlyArray<WorkerHandle> {
    return [...this.#workers.values()].filter(({ id }) => this.#accepts(id))
  }

  handle(item: PoolItem): Effect.Effect<void> {
    switch (item.type) {
      case "log":
      case "debug":
        return log(item)
      case "silent":
        return this.#silent(item)
      case "stop":
        return this.#stop(item)
      case "end":
        return this.#state.phase === "stopping" ? Effect.void : this.#stopNow({ type: "stop" })
      case "hotRestart":
        return this.#parts.successor === undefined
          ? Effect.logWarning("this server does not know how it was started, and cannot start a successor")
          : this.#apply(item)
      default:
        return this.#apply(item)
    }
  }

  /** Kills every process that has not exited, except a successor that has taken over. */
  killAll(): void {
    for (const worker of this.#workers.values()) worker.kill("SIGKILL")
    const hasTakenOver = this.#successor?.isReady === true && this.#state.successor !== "ending"
    if (!hasTakenOver) this.#successor?.kill("SIGKILL")
  }

  /** Tells every worker the secrets of TLS sessions, which have changed. */
  tellTickets({ secrets }: TicketKeyring): void {
    for (const worker of this.#workers.values()) worker.tellTickets(secrets)
  }

  /** Asks all workers that serve how their applications are; the answers have this number. */
  askReadiness(number: number): ReadonlyArray<WorkerHandle> {
    const asked = this.sharers
    for (const worker of asked) worker.askReadiness(number)
    return asked
  }

  /** What is told to a successor besides, if there is one; `onWritten` is called when the system has taken it. */
  tellSuccessor(text: string, onWritten: () => void): void {
    if (this.#successor === undefined) onWritten()
    else this.#successor.write(text, onWritten)
  }

  status(listeners: ReadonlyArray<string>): PoolStatus {
    const pool = {
      state: this.#state,
      workers: this.#workers.values(),
      startedAt: this.#startedAt,
      now: this.#parts.now()
    }
    return PoolSnapshot.of(pool, listeners)
  }

  #accepts(id: WorkerId): boolean {
    const phase = this.#state.workers.get(id)?.phase
    return phase === "serving" || phase === "surplus"
  }

  /** Goes to the next state, and does what the plan wants done. */
  #apply(event: PoolEvent): Effect.Effect<void> {
    return Effect.suspend(() => {
      const before = this.#state
      const { actions, state } = step(before, event)
      this.#state = state
      if (this.#parts.watcher !== undefined)
        this.#tellWatcher(this.#parts.watcher, { actions, after: state, before, event })
      return Effect.andThen(
        Effect.forEach(actions, (action) => this.#tryToPerform(action), { discard: true }),
        this.#follow(event)
      )
    })
  }

  #tellWatcher(watcher: PoolWatcher, transition: Transition): void {
    const { before, event } = transition
    const change = this.#reasons.note(transition)
    if (change !== undefined) watcher.onChange(change.reason, change.count)
    if (event.type === "ready") {
      const worker = this.#workers.get(event.id)
      if (worker !== undefined) watcher.onReady(worker.slot, this.#reasons.takeStart(event.id))
    }
    if (event.type === "exited") {
      const slot = before.workers.get(event.id)?.slot
      const reason = this.#reasons.take(event, before)
      if (slot !== undefined) watcher.onExit(slot, reason)
    }
  }

  /** What comes of an event beside the plan. */
  #follow(event: PoolEvent): Effect.Effect<void> {
    const { heartbeat, reloads, shares } = this.#parts
    switch (event.type) {
      case "ready": {
        const worker = this.#workers.get(event.id)
        shares.update()
        reloads?.onReady(event.id)
        return worker !== undefined && this.#accepts(event.id) ? heartbeat.watch(worker) : Effect.void
      }
      case "exited":
        this.#workers.delete(event.id)
        shares.update()
        reloads?.onExit(event.id)
        return heartbeat.forget(event.id)
      case "successorExited":
        this.#successor = undefined
        this.#wasToldTooLate = false
        if (this.#state.phase === "running") this.#parts.announce({ type: "successorLost" })
        return Effect.void
      default:
        return Effect.void
    }
  }

  #silent(event: Extract<PoolEvent, { readonly type: "silent" }>): Effect.Effect<void> {
    const worker = this.#workers.get(event.id)
    if (worker === undefined) return Effect.void
    // What it has said may only have been waiting to be read.
    return this.#parts.heartbeat.isSilent(worker) ? this.#apply(event) : this.#parts.heartbeat.watch(worker)
  }

  #stop(event: StopEvent): Effect.Effect<void> {
    return Effect.gen({ self: this }, function* () {
      // A successor says that it is ready before it sends the signal, which may still have been the first to get here.
      if (this.#successor?.isReady === false) yield* Effect.yieldNow
      if (this.#successor?.isReady === true) {
        if (this.#state.successor === "ending" && !this.#wasToldTooLate) {
          this.#wasToldTooLate = true
          return yield* Effect.logWarning(
            "the successor was ready when it had been given up already; its request to stop is ignored"
          )
        }
        yield* this.#apply({ type: "successorReady" })
      }
      yield* this.#stopNow(event)
    })
  }

  #stopNow(event: StopEvent): Effect.Effect<void> {
    return Effect.suspend(() => {
      const { phase, successor } = this.#state
      if (phase === "new" || phase === "running") {
        this.#parts.announce({ type: "stopping", hasSuccessor: successor === "ready" })
      }
      const stop = this.#apply(event)
      return phase === "stopping" ? Effect.andThen(StopProgress.tellCutOff(this.status([]).workers), stop) : stop
    })
  }

  #tryToPerform(action: PoolAction): Effect.Effect<void> {
    return Effect.catchCause(
      Effect.suspend(() => this.#perform(action)),
      (cause) => {
        if (action.type === "spawn") this.#exited(action.id, null, null)
        if (action.type === "startSuccessor") this.#successorExited(null, null)
        return Effect.logError(`the supervisor could not do something: ${action.type}`, cause)
      }
    )
  }

  #perform(action: PoolAction): Effect.Effect<void> {
    const { announce, timers } = this.#parts
    switch (action.type) {
      case "log":
        return log(action)
      case "schedule":
        return timers.schedule(action.timer, action.delay)
      case "cancel":
        return timers.cancel(action.timer)
      case "spawn":
        return Effect.sync(() => this.#spawn(action.id, action.slot))
      case "startSuccessor":
        return Effect.sync(() => this.#startSuccessor())
      case "killSuccessor":
        return Effect.sync(() => this.#successor?.kill(action.signal))
      case "retire":
        return Effect.sync(() => this.#workers.get(action.id)?.retire(goesOn(this.#state)))
      case "reopenLogs":
        return Effect.sync(() => this.#workers.get(action.id)?.reopenLogs())
      case "kill":
        return Effect.sync(() => this.#workers.get(action.id)?.kill(action.signal))
      case "exit":
        return Effect.sync(() => announce({ ...action, type: "stopped" }))
      case "serving":
      case "reloading":
      case "reloaded":
        return Effect.sync(() => announce({ type: action.type }))
    }
  }

  #spawn(id: WorkerId, slot: Slot): void {
    const { folder, program, sockets, start, tickets } = this.#parts
    const place = { id, slot, workers: this.#state.slots.length, folder }
    const command = workerCommand(program, place, sockets)
    const worker = new WorkerHandle(place, (listener) => start(command, listener), this.#workerListener)
    this.#workers.set(id, worker)
    this.#parts.watcher?.onSpawn(id, slot)
    this.#parts.reloads?.onSpawn(id, (state) => worker.tellReload(state))
    // Before it can have clients: it finds this in its channel when it begins.
    if (tickets !== undefined) worker.tellTickets(tickets.secrets)
  }

  get #workerListener(): WorkerListener {
    const { cluster, enqueue, now, watcher } = this.#parts
    return {
      now,
      onReport: (worker, report) => this.#report(worker, report),
      onNonsense: ({ slot }) => enqueue({ type: "debug", message: `worker ${slot} has sent what is no report` }),
      onFailure: ({ slot }, reason) =>
        enqueue({ type: "log", level: "error", message: `worker ${slot} could not be started: ${reason}` }),
      onExit: ({ id }, code, signal) => {
        // At once: what its entities were is for others to go on with.
        cluster.gone(id)
        this.#exited(id, code, signal)
      },
      onDisconnect: ({ id }) => watcher?.onDisconnect(id)
    }
  }

  #exited(id: WorkerId, code: number | null, signal: string | null): void {
    this.#parts.enqueue({ type: "exited", id, code, signal, now: this.#parts.now() })
  }

  #report(worker: WorkerHandle, report: WorkerReport): void {
    const { id, slot } = worker
    const { cluster, enqueue, now, reloads, shares, watcher } = this.#parts
    switch (report.type) {
      case "ready":
        return enqueue({ type: "ready", id, now: now() })
      case "quota":
      case "stopping":
        return enqueue({ type: report.type, id })
      case "failed":
        return enqueue({ type: "log", level: "error", message: `worker ${slot}: ${report.message}` })
      case "status":
        if (this.#needsReports) {
          const { lag, memory, utilization = 0 } = report
          enqueue({ type: "report", id, lag, memory, utilization, now: now() })
        }
        return shares.update()
      case "metrics":
        return watcher?.onMetrics(id, report)
      case "readiness":
        return watcher?.onReadiness(id, report)
      case "files":
        return reloads?.onFiles(report.files)
      case "broken":
        return reloads?.onBroken(id, report.problem)
      case "cluster": {
        // One that has ended gets nothing any more that it would have for ever.
        if (worker.hasExited) return
        const hasSuccessor = this.#state.successor !== "none"
        return cluster.ask(id, report.request, hasSuccessor, (answer) => worker.tellCluster(report.number, answer))
      }
    }
  }

  #startSuccessor(): void {
    const { admin, asked, cluster, enqueue, folder, sockets, start, successor, tickets } = this.#parts
    if (successor === undefined) return
    const { maximum, minimum, slots } = this.#state
    const workers = WorkerNumbers.write({ asked, now: { minimum, workers: slots.length, maximum } })
    const hasCluster = cluster.isKept()
    const command = successorCommand(successor, { sockets, admin, tickets, workers, folder, hasCluster })
    this.#successor = new SuccessorHandle((listener) => start(command, listener), {
      onReady: () => enqueue({ type: "successorReady" }),
      onFailure: (reason) =>
        enqueue({ type: "log", level: "error", message: `a successor could not be started: ${reason}` }),
      onExit: (code, signal) => this.#successorExited(code, signal)
    })
  }

  #successorExited(code: number | null, signal: string | null): void {
    this.#parts.enqueue({ type: "successorExited", code, signal })
  }
}

const log = (item: LogItem): Effect.Effect<void> => {
  if (item.type === "debug") return Effect.logDebug(item.message)
  switch (item.level) {
    case "info":
      return Effect.logInfo(item.message)
    case "warning":
      return Effect.logWarning(item.message)
    case "error":
      return Effect.logError(item.message)
  }
}
