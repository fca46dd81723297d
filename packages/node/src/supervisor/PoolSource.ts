/** What the admin listener of a server with workers tells: of all of them together, as they have told it. */
import { problemsOf } from "@pagi/core/health/HealthChecks"
import { SharedResult } from "@pagi/core/health/SharedResult"
import * as MetricSamples from "@pagi/core/metrics/MetricSamples"
import { table } from "@pagi/core/metrics/MetricTable"
import { MetricTotals } from "@pagi/core/metrics/MetricTotals"
import { SeriesRegistry } from "@pagi/core/metrics/Series"
import type { Values } from "@pagi/core/options/ServerOptions"
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import type { MetricRegistry } from "effect/Metric"
import type * as Scope from "effect/Scope"
import type { AdminSource, ReadinessReport } from "../admin/AdminSource.ts"
import type { HistoryMark } from "../admin/HistoryPoint.ts"
import type { PoolStatus } from "../admin/PoolStatus.ts"
import { read } from "../admin/Reading.ts"
import { merge } from "../admin/RecentRecorder.ts"
import type { RecentRequests } from "../admin/RecentRequests.ts"
import * as ServerDescription from "../admin/ServerDescription.ts"
import type { ServerStatus } from "../admin/ServerStatus.ts"
import * as ProcessMetrics from "../metrics/ProcessMetrics.ts"
import type { Slot, WorkerId } from "../pool/PoolEvent.ts"
import type { MetricsReport, ReadinessAnswer } from "../worker/WorkerMessage.ts"
import { PoolReadings } from "./PoolReadings.ts"
import type { PoolWatcher } from "./PoolWatcher.ts"
import { type ChangeReason, isChange, type RestartReason } from "./RestartReasons.ts"
import { samplesOf } from "./TotalsPipe.ts"
import type { WorkerPool } from "./WorkerPool.ts"

/** What the source needs of a pool. */
export type AskedPool = Pick<WorkerPool, "askReadiness" | "send"> & { readonly status: () => PoolStatus }

/** How long workers may take to answer: longer than checks usually may. */
const patience = "5 seconds"

/** Marks that wait to be taken, once a second. */
const mostMarks = 200

/** Workers that have ended whose recent requests are kept. */
const mostEnded = 16

const phases = ["booting", "serving", "surplus", "leaving"] as const

/** Names of processes in the totals that are no workers. */
const [supervisor, pool, predecessor] = ["supervisor", "pool", "predecessor"]

export interface Clocks {
  /** Milliseconds since 1970. */
  readonly wall: () => number
  /** `MonotonicClock`. */
  readonly monotonic: () => number
}

/** The answers to one question. */
interface Question {
  readonly number: number
  readonly waiting: Map<WorkerId, Slot>
  readonly problems: Array<readonly [name: string, slot: Slot, problem: string]>
  readonly done: Deferred.Deferred<void>
}

/** Collects what workers tell, and is asked for it. */
export class PoolSource implements PoolWatcher {
  readonly #totals = new MetricTotals()
  readonly #slots = new Map<WorkerId, Slot>()
  readonly #recent = new Map<WorkerId, { readonly slot: Slot; readonly recent: RecentRequests }>()
  readonly #marks: Array<HistoryMark> = []
  readonly #own: MetricRegistry = new Map()
  readonly #process: MetricRegistry = new Map()
  readonly #restarts: (reason: RestartReason) => void
  readonly #changes: (reason: ChangeReason, count: number) => void
  readonly #readings = new PoolReadings()
  readonly #clocks: Clocks
  #question: Question | undefined = undefined
  #questions = 0
  /** Not there yet while the pool is being made. */
  pool: AskedPool | undefined = undefined

  constructor(clocks: Clocks) {
    this.#clocks = clocks
    const series = new SeriesRegistry(this.#own)
    const restarts = series.counts(table.workerRestarts)
    this.#restarts = (reason) => restarts.of(reason).add()
    const changes = series.counts(table.workerChanges)
    this.#changes = (reason, count) => changes.of(reason).add(count)
    series.gauge(table.workersWanted, () => this.pool?.status().target ?? 0)
    series.gauge(table.workersMinimum, () => bound(this.pool, "minimum"))
    series.gauge(table.workersMaximum, () => bound(this.pool, "maximum"))
    for (const phase of phases) {
      series.gauge(
        table.workers,
        () => this.pool?.status().workers.filter((worker) => worker.phase === phase).length ?? 0,
        phase
      )
    }
  }

  /** Measures this process too, until the scope closes. */
  get measureProcess(): Effect.Effect<void, never, Scope.Scope> {
    return ProcessMetrics.start(this.#process)
  }

  // what is told --------------------------------------------------------------------------------------------------------

  onSpawn(id: WorkerId, slot: Slot): void {
    this.#slots.set(id, slot)
    this.#readings.begin(String(id), this.#clocks.monotonic())
  }

  onReady(worker: Slot, reason?: ChangeReason): void {
    this.mark({ what: "worker started", worker, ...(reason === undefined ? {} : { reason }) })
  }

  onExit(worker: Slot, reason: RestartReason | ChangeReason | undefined): void {
    if (reason !== undefined && !isChange(reason)) this.#restarts(reason)
    this.mark({ what: "worker ended", worker, ...(reason === undefined ? {} : { reason }) })
  }

  onChange(reason: ChangeReason, count: number): void {
    this.#changes(reason, count)
  }

  onDisconnect(id: WorkerId): void {
    this.#totals.end(String(id))
    this.#readings.end(String(id))
    this.#slots.delete(id)
    const oldest = [...this.#recent.keys()].find((other) => !this.#slots.has(other))
    if (oldest !== undefined && this.#recent.size > this.#slots.size + mostEnded) this.#recent.delete(oldest)
    this.#answered(id, "its process has ended")
  }

  onMetrics(id: WorkerId, { gone, recent, samples, time }: MetricsReport): void {
    const slot = this.#slots.get(id)
    if (slot === undefined) return
    const process = String(id)
    this.#totals.report(process, samplesOf(samples), gone)
    // Of another version it may come without its time, and at any.
    const reading = read(time ?? this.#clocks.monotonic(), this.#totals.of(process))
    this.#readings.report(process, reading, time !== undefined)
    // Of a worker of ours, whose `RecentRecorder` makes it.
    if (recent !== undefined) this.#recent.set(id, { slot, recent: recent as RecentRequests })
  }

  onReadiness(id: WorkerId, { number, problems }: ReadinessAnswer): void {
    const question = this.#question
    const slot = question?.waiting.get(id)
    if (question === undefined || question.number !== number || slot === undefined) return
    for (const [name, problem] of Object.entries(problems)) question.problems.push([name, slot, problem])
    this.#answered(id)
  }

  mark(mark: Omit<HistoryMark, "at">): void {
    this.#marks.push({ at: this.#clocks.wall(), ...mark })
    if (this.#marks.length > mostMarks) this.#marks.shift()
  }

  /** What the server has counted that this one follows; it has ended when it says nothing more. */
  onPredecessor(samples: ReadonlyArray<MetricSamples.MetricSample>): void {
    this.#totals.report(predecessor, samples.filter(MetricSamples.isCounted))
    const reading = read(this.#clocks.monotonic(), this.#totals.of(predecessor))
    this.#readings.report(predecessor, reading, false)
  }

  onPredecessorEnd(): void {
    this.#totals.end(predecessor)
    this.#readings.end(predecessor)
  }

  // what is asked -------------------------------------------------------------------------------------------------------

  /** All metrics of all processes. */
  get samples(): ReadonlyArray<MetricSamples.MetricSample> {
    this.#totals.report(supervisor, MetricSamples.take(this.#process))
    this.#totals.report(pool, MetricSamples.take(this.#own))
    const names = this.#names
    return this.#totals.total((process) => (process === supervisor ? supervisor : names.get(Number(process))))
  }

  /** The label `worker` of each: its number, and `-previous` behind it where another one has that number by now. */
  get #names(): ReadonlyMap<WorkerId, string> {
    const names = new Map<WorkerId, string>()
    const successors = new Map<Slot, number>()
    for (const [id, slot] of [...this.#slots].toReversed()) {
      const later = successors.get(slot) ?? 0
      successors.set(slot, later + 1)
      names.set(id, later === 0 ? String(slot) : `${slot}-previous${later === 1 ? "" : `-${later}`}`)
    }
    return names
  }

  /** Whether workers may still tell something. */
  get hasWorkers(): boolean {
    return this.#slots.size > 0
  }

  #answered(id: WorkerId, problem?: string): void {
    const question = this.#question
    const slot = question?.waiting.get(id)
    if (question === undefined || slot === undefined) return
    question.waiting.delete(id)
    if (problem !== undefined) question.problems.push([`worker ${slot}`, slot, problem])
    if (question.waiting.size === 0) Deferred.doneUnsafe(question.done, Effect.void)
  }

  readonly #ask: Effect.Effect<ReadinessReport> = Effect.gen({ self: this }, function* () {
    const own = problemOf(this.pool?.status())
    const number = ++this.#questions
    const asked = this.pool?.askReadiness(number) ?? []
    const waiting = new Map(asked.map(({ id, slot }) => [id, slot] as const))
    const question: Question = { number, waiting, problems: [], done: Deferred.makeUnsafe<void>() }
    if (waiting.size > 0) {
      this.#question = question
      yield* Effect.timeoutOption(Deferred.await(question.done), patience)
      this.#question = undefined
    }
    const found: Array<readonly [name: string, problem: string]> = own === undefined ? [] : [["server", own]]
    for (const slot of waiting.values()) found.push([`worker ${slot}`, `no answer within ${patience}`])
    for (const [name, slot, problem] of question.problems) {
      found.push([name, name === `worker ${slot}` ? problem : `worker ${slot}: ${problem}`])
    }
    return { isReady: found.length === 0, problems: problemsOf(found) }
  })

  readonly #shared = new SharedResult(Effect.suspend(() => this.#ask))

  /** Not ready is known without anybody being asked. */
  readonly #readiness = Effect.suspend((): Effect.Effect<ReadinessReport> => {
    const own = problemOf(this.pool?.status())
    return own === undefined ? this.#shared.get : Effect.succeed({ isReady: false, problems: { server: own } })
  })

  /** As what the admin listener reads it, which answers at this URL. */
  asAdminSource(options: Values, adminUrl: string): AdminSource {
    const constant = ServerDescription.make(options, adminUrl)
    const send = (command: "reload" | "add" | "remove") => Effect.sync(() => this.pool?.send(command))
    return {
      status: Effect.sync((): ServerStatus => ({ ...constant, mode: "workers", ...(this.pool?.status() ?? starting) })),
      metrics: Effect.sync(() => MetricSamples.toRegistry(this.samples)),
      readings: (time) => this.#readings.at(time),
      readiness: this.#readiness,
      recent: Effect.map(Clock.currentTimeMillis, (now) => this.#recentAt(now)),
      takeMarks: Effect.sync(() => this.#marks.splice(0)),
      commands: { reload: send("reload"), addWorker: send("add"), removeWorker: send("remove") }
    }
  }

  /** Of workers that have ended too, for as long as it is of late. */
  #recentAt(now: number): RecentRequests {
    return merge(
      [...this.#recent.values()].map(({ recent, slot }) => [slot, recent] as const),
      now
    )
  }
}

/** Of a fixed number, that number. */
const bound = (pool: AskedPool | undefined, name: "minimum" | "maximum"): number => {
  const status = pool?.status()
  return status?.scaling?.[name] ?? status?.target ?? 0
}

const starting: PoolStatus = {
  pid: process.pid,
  phase: "starting",
  age: 0,
  target: 0,
  isReloading: false,
  listeners: [],
  workers: []
}

const problemOf = (status: PoolStatus | undefined): string | undefined => {
  switch (status?.phase) {
    case "serving":
      return status.workers.some(({ phase }) => phase === "serving" || phase === "surplus")
        ? undefined
        : "no worker serves"
    case "stopping":
    case "stopped":
      return "it stops"
    default:
      return "it has not started yet"
  }
}
