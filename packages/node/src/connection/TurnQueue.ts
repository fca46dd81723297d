import type { Log } from "@pagi/core/contract/Callbacks"
import type { Observer } from "@pagi/core/observe/Observer"

/** Something that has work to do before the current turn of the event loop ends. */
export interface TurnTask {
  /** For the queue: whether it is in there, and what comes behind it. */
  isQueued: boolean
  nextTask: TurnTask | undefined
  endTurn(): void
}

/**
 * Milliseconds after which the rest of the tasks waits until the event loop has looked at all sockets again: a message to
 * thousands of clients should not keep the others from being served. What comes for those that wait goes out with it.
 */
const longestTurn = 4

/** So many tasks are run without looking at the clock. */
const tasksBetweenLooks = 64

/**
 * What the transports of a server share: collects those that were written to in a turn, and flushes them together in one
 * microtask, or, when they are very many, in several turns.
 */
export class TurnQueue {
  /** For what the transports have to tell. */
  readonly log: Log
  /** Who is told of their bytes. */
  readonly observer: Pick<Observer, "bytesReceived" | "bytesSent"> | undefined
  #first: TurnTask | undefined = undefined
  #last: TurnTask | undefined = undefined

  constructor(log: Log, observer: TurnQueue["observer"]) {
    this.log = log
    this.observer = observer
  }

  /** Adds a task, unless it is in the queue. */
  add(task: TurnTask): void {
    if (task.isQueued) return
    task.isQueued = true
    const last = this.#last
    this.#last = task
    if (last !== undefined) last.nextTask = task
    else {
      this.#first = task
      queueMicrotask(this.#run)
    }
  }

  readonly #run = (): void => {
    let since: number | undefined = undefined
    try {
      for (let count = 1; this.#first !== undefined; count++) {
        this.#take(this.#first).endTurn()
        if (count % tasksBetweenLooks > 0) continue
        const now = performance.now()
        since ??= now
        if (now - since >= longestTurn) break
      }
    } finally {
      if (this.#first !== undefined) setImmediate(this.#run)
    }
  }

  /** Before it runs, since it may be added again. */
  #take(task: TurnTask): TurnTask {
    this.#first = task.nextTask
    if (this.#first === undefined) this.#last = undefined
    task.nextTask = undefined
    task.isQueued = false
    return task
  }
}
