import {
  type Child,
  type ChildCommand,
  type ChildListener,
  descriptorsThere,
  type InheritableSockets,
  type KillSignal
} from "./ChildProcesses.ts"
import type { ReloadState } from "../process/ReloadState.ts"
import type { TicketSecrets } from "../tls/TicketSecrets.ts"
import { asReport, type WorkerOrder, type WorkerReport, type WorkerStatus } from "../worker/WorkerMessage.ts"
import type { Slot, WorkerId } from "../pool/PoolEvent.ts"

/** What a worker process runs. */
export interface WorkerProgram {
  /** The module that is its entry. */
  readonly path: string
  readonly args?: ReadonlyArray<string>
  /** Arguments for Node; those of this process when there are none. */
  readonly execArgv?: ReadonlyArray<string>
  /** What it finds in `PAGI_WORKER` beside its number; something that JSON can say. */
  readonly payload?: unknown
}

/** Which worker of the pool one is, and of how many. */
export interface WorkerPlace {
  readonly id: WorkerId
  readonly slot: Slot
  readonly workers: number
  /** Where workers reach each other. */
  readonly folder: string
}

/** How a worker process is started. */
export const commandOf = (
  program: WorkerProgram,
  { folder, slot, workers }: Omit<WorkerPlace, "id">,
  sockets: InheritableSockets
): ChildCommand => ({
  file: process.execPath,
  args: [...(program.execArgv ?? process.execArgv), program.path, ...(program.args ?? [])],
  environment: {
    ...process.env,
    PAGI_REUSE: sockets.reuse(descriptorsThere(sockets)),
    PAGI_REUSE_FOREIGN: sockets.reuseForeign(descriptorsThere(sockets)),
    PAGI_WORKER: JSON.stringify({ num: slot, workers, folder, payload: program.payload }),
    // It is for the admin listener alone, and nothing that applications, or what they start, should find.
    PAGI_ADMIN_TOKEN: undefined
  },
  descriptors: ["ignore", "inherit", "inherit", "ipc", ...sockets.descriptors]
})

/** Who is told about a worker; `now` is called for the time of what it sends. */
export interface WorkerListener {
  readonly now: () => number
  readonly onReport: (worker: WorkerHandle, report: WorkerReport) => void
  /** It has sent something that is no report. */
  readonly onNonsense: (worker: WorkerHandle) => void
  readonly onFailure: (worker: WorkerHandle, reason: string) => void
  /** Once for every worker. */
  readonly onExit: (worker: WorkerHandle, code: number | null, signal: string | null) => void
  /** Nothing more can come from it; after its exit, or before where its program has closed the channel. */
  readonly onDisconnect?: (worker: WorkerHandle) => void
}

/** One worker process, from its start until its exit was told. */
export class WorkerHandle {
  readonly id: WorkerId
  readonly slot: Slot
  readonly workers: number
  readonly startedAt: number
  /** When it has said something last. */
  heardAt: number | undefined = undefined
  /** What it has said last about itself. */
  status: WorkerStatus | undefined = undefined
  /** Whether its process has ended, of which messages may still come. */
  hasExited = false
  #isSending = false
  readonly #child: Child

  constructor({ id, slot, workers }: WorkerPlace, start: (listener: ChildListener) => Child, listener: WorkerListener) {
    this.id = id
    this.slot = slot
    this.workers = workers
    this.startedAt = listener.now()
    this.#child = start({
      onMessage: (message) => {
        const report = asReport(message)
        if (report === undefined) return listener.onNonsense(this)
        this.heardAt = listener.now()
        if (report.type === "status") this.status = report
        listener.onReport(this, report)
      },
      onFailure: (reason) => listener.onFailure(this, reason),
      onExit: (code, signal) => {
        this.hasExited = true
        listener.onExit(this, code, signal)
      },
      onDisconnect: () => listener.onDisconnect?.(this)
    })
  }

  get pid(): number | undefined {
    return this.#child.pid
  }

  get connections(): number {
    return this.status?.connections ?? 0
  }

  /** Asks the worker to drain, in whose place others may serve: by a signal too, since somebody may have closed the channel. */
  retire(othersServe: boolean): void {
    this.#send(othersServe ? { type: "retire", othersServe } : { type: "retire" })
    this.kill("SIGTERM")
  }

  reopenLogs(): void {
    this.#send({ type: "reopenLogs" })
  }

  tellTickets(secrets: TicketSecrets): void {
    this.#send({ type: "tickets", secrets })
  }

  tellReload(state: ReloadState): void {
    this.#send({ type: "reload", state })
  }

  tellCluster(number: number, answer: object): void {
    this.#send({ type: "cluster", number, answer })
  }

  askReadiness(number: number): void {
    this.#send({ type: "readiness", number })
  }

  /** Whether the worker was told; one that does not read what it was told before gets no more to read. */
  tellShare(workers: number, connections: number): boolean {
    if (this.#isSending) return false
    this.#isSending = true
    this.#send({ type: "share", workers, connections }, () => {
      this.#isSending = false
    })
    return true
  }

  kill(signal: KillSignal): void {
    this.#child.kill(signal)
  }

  #send(order: WorkerOrder, onSent?: () => void): void {
    this.#child.send(order, onSent)
  }
}
