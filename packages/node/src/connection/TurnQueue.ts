import type { Log } from "@pagi/core/contract/Callbacks"
import type { Observer } from "@pagi/core/observe/Observer"

/** Something that has work to do before the current turn of the event loop ends. */
export interface TurnTask {
  endTurn(): void
}

/**
 * What the transports of a server share: collects those that were written to in a turn, and flushes them together in one
 * microtask.
 */
export class TurnQueue {
  /** For what the transports have to tell. */
  readonly log: Log
  /** Who is told of their bytes. */
  readonly observer: Pick<Observer, "bytesReceived" | "bytesSent"> | undefined
  #tasks: Array<TurnTask> = []

  constructor(log: Log, observer: TurnQueue["observer"]) {
    this.log = log
    this.observer = observer
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
