import type { Log } from "@pagi/core/contract/Callbacks"

/** Something that has work to do before the current turn of the event loop ends. */
export interface TurnTask {
  endTurn(): void
}

/** Collects the transports that were written to in a turn and flushes them together in one microtask. */
export class TurnQueue {
  /** For what the transports have to tell. */
  readonly log: Log
  #tasks: Array<TurnTask> = []

  constructor(log: Log) {
    this.log = log
  }

  add(task: TurnTask): void {
    if (this.#tasks.push(task) === 1) queueMicrotask(this.#run)
  }

  readonly #run = (): void => {
    const tasks = this.#tasks
    this.#tasks = []
    for (const task of tasks) task.endTurn()
  }
}
