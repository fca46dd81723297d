import type { PoolAction, Slot, Timer, WorkerId } from "./PoolEvent.ts"
import { emptySlot, type PoolState, type SlotState, type WorkerPhase, type WorkerState } from "./PoolState.ts"

type Level = Extract<PoolAction, { type: "log" }>["level"]

/** One step while it is taken: the state as far as it has come, and what is to be done because of it. */
export class PoolStep {
  state: PoolState
  readonly actions: Array<PoolAction> = []

  constructor(state: PoolState) {
    this.state = state
  }

  set(changes: Partial<PoolState>): void {
    this.state = { ...this.state, ...changes }
  }

  act(action: PoolAction): void {
    this.actions.push(action)
  }

  log(level: Level, message: string): void {
    this.act({ type: "log", level, message })
  }

  // timers ---------------------------------------------------------------------------------------------------------------

  schedule(timer: Timer, delay: number): void {
    this.set({ timers: new Set(this.state.timers).add(timer) })
    this.act({ type: "schedule", timer, delay })
  }

  cancel(timer: Timer): void {
    if (this.forgetTimer(timer)) this.act({ type: "cancel", timer })
  }

  /** Whether the timer was running. */
  forgetTimer(timer: Timer): boolean {
    const timers = new Set(this.state.timers)
    const wasRunning = timers.delete(timer)
    this.set({ timers })
    return wasRunning
  }

  // slots ----------------------------------------------------------------------------------------------------------------

  /** Of a slot that is not there any more, an empty one. */
  slot(number: Slot): SlotState {
    return this.state.slots[number - 1] ?? emptySlot
  }

  setSlot(number: Slot, changes: Partial<SlotState>): void {
    this.set({ slots: this.state.slots.map((slot, index) => (index === number - 1 ? { ...slot, ...changes } : slot)) })
  }

  /** Its replacement, if there is one, is the slot's current worker from now on. */
  #vacate({ id, slot }: WorkerState): void {
    const { current, replacement } = this.slot(slot)
    if (current === id) this.setSlot(slot, { current: replacement, replacement: undefined })
    if (replacement === id) this.setSlot(slot, { replacement: undefined })
  }

  // workers --------------------------------------------------------------------------------------------------------------

  worker(id: WorkerId | undefined): WorkerState | undefined {
    return id === undefined ? undefined : this.state.workers.get(id)
  }

  inPhase(phase: WorkerPhase): ReadonlyArray<WorkerState> {
    return [...this.state.workers.values()].filter((worker) => worker.phase === phase)
  }

  setWorker(worker: WorkerState): void {
    this.set({ workers: new Map(this.state.workers).set(worker.id, worker) })
  }

  spawn(slot: Slot): WorkerId {
    const id = this.state.nextId
    this.set({ nextId: id + 1 })
    this.setWorker({ id, slot, phase: "booting", readyAt: undefined })
    this.act({ type: "spawn", id, slot })
    this.schedule(`boot:${id}`, this.state.settings.bootTimeout)
    return id
  }

  /** The worker is asked to drain. */
  retire(worker: WorkerState): void {
    this.act({ type: "retire", id: worker.id })
    this.leave(worker)
  }

  /** The worker drains already. */
  leave(worker: WorkerState): void {
    this.giveUp(worker)
    this.schedule(`leave:${worker.id}`, this.timeToLeave(worker))
  }

  timeToLeave({ readyAt }: WorkerState): number {
    const { leaveTimeout, unreadyLeaveTimeout } = this.state.settings
    return readyAt === undefined ? unreadyLeaveTimeout : leaveTimeout
  }

  /** The worker does not count any more, though its process has not exited yet. */
  giveUp(worker: WorkerState): void {
    this.cancel(`boot:${worker.id}`)
    this.#vacate(worker)
    this.#isReplacedNoMore(worker.id)
    this.setWorker({ ...worker, phase: "leaving" })
  }

  /** The worker serves on though there is no slot for it any more. */
  keepWithoutSlot(worker: WorkerState): void {
    this.#isReplacedNoMore(worker.id)
    this.setWorker({ ...worker, phase: "surplus" })
  }

  kill({ id }: WorkerState): void {
    this.act({ type: "kill", id, signal: "SIGKILL" })
  }

  /** The worker's process has exited. */
  forget(worker: WorkerState): void {
    for (const limit of ["boot", "leave", "kill"] as const) this.cancel(`${limit}:${worker.id}`)
    this.#vacate(worker)
    this.#isReplacedNoMore(worker.id)
    const workers = new Map(this.state.workers)
    workers.delete(worker.id)
    this.set({ workers })
  }

  #isReplacedNoMore(id: WorkerId): void {
    const { replacing, stale } = this.state
    this.set({
      replacing: replacing?.id === id ? undefined : replacing,
      stale: stale.filter((other) => other.id !== id)
    })
  }
}
