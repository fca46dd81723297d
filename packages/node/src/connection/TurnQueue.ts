import type { Log } from "@pagi/core/contract/Callbacks"
import type { Observer } from "@pagi/core/observe/Observer"

/** Something that has work to do before the current turn of the event loop ends. */
export interface TurnTask {
  /** For the queue: the turn in which it was added, 0 while it is not in there; and what comes behind it. */
  turnAdded: number
  nextTask: TurnTask | undefined
  endTurn(): void
}

/** As many tasks at the end of a turn are a crowd. So many are also run without looking at the clock. */
const crowdSize = 64

/**
 * Milliseconds after which the rest of the tasks waits until the event loop has looked at all sockets again: a message to
 * thousands of clients should not keep the others from being served.
 */
const longestTurn = 4

/** About what a short write takes, in milliseconds: a crowd waits for more to write no longer than writing takes. */
const timeOfTask = 0.004

/** Turns are counted from 1 to this, and again: larger numbers would cost each task an object. */
const lastNumber = 0x3fff_ffff

/** Tasks in order. */
class TaskList {
  #first: TurnTask | undefined = undefined
  #last: TurnTask | undefined = undefined
  length = 0

  push(task: TurnTask): void {
    if (this.#last === undefined) this.#first = task
    else this.#last.nextTask = task
    this.#last = task
    this.length++
  }

  /** The first one, which may be added again from then on. */
  take(): TurnTask | undefined {
    const task = this.#first
    if (task === undefined) return undefined
    this.#first = task.nextTask
    if (this.#first === undefined) this.#last = undefined
    this.length--
    task.nextTask = undefined
    task.turnAdded = 0
    return task
  }

  /** Takes over all tasks of another list. */
  join(other: TaskList): void {
    if (this.#last === undefined) this.#first = other.#first
    else this.#last.nextTask = other.#first
    this.#last = other.#last ?? this.#last
    this.length += other.length
    other.#first = undefined
    other.#last = undefined
    other.length = 0
  }
}

/**
 * What the transports of a server share: collects those that were written to in a turn, and flushes them together.
 *
 * Few are flushed in a microtask. A crowd waits until the event loop has looked at all sockets, and then on as long as each
 * further turn brings more for one of them: what comes meanwhile goes out in the same write of each connection, which for
 * a short message is nearly all that it costs. While a crowd is flushed, the next one gathers:
 *
 *     turn ──(many)──► gathering ──(nothing came, or waited enough; nobody is flushing)──► flushing
 *       └────────────────────────────(few, but they take long: the rest)───────────────────────▲
 */
export class TurnQueue {
  /** For what the transports have to tell. */
  readonly log: Log
  /** Who is told of their bytes. */
  readonly observer: Pick<Observer, "bytesReceived" | "bytesSent"> | undefined
  /** Milliseconds. */
  readonly #now: () => number
  /** Of the turn: from 1 on. */
  #number = 1
  readonly #turn = new TaskList()
  #gathering = new TaskList()
  #flushing = new TaskList()
  /** When the crowd began to gather. */
  #since = 0
  /** Whether something was written to one of a crowd since that was last looked at. */
  #hasMore = false
  #isWatching = false

  constructor(log: Log, observer: TurnQueue["observer"], now = () => performance.now()) {
    this.log = log
    this.observer = observer
    this.#now = now
  }

  /** Adds a task, unless it is in the queue. */
  add(task: TurnTask): void {
    if (task.turnAdded !== 0) return this.more(task)
    task.turnAdded = this.#number
    if (this.#turn.length === 0) queueMicrotask(this.#end)
    this.#turn.push(task)
  }

  /** There is more to do for a task that is in the queue. If it is not one of this turn, it is one of a crowd. */
  more(task: TurnTask): void {
    if (task.turnAdded !== this.#number) this.#hasMore = true
  }

  readonly #end = (): void => {
    this.#number = (this.#number % lastNumber) + 1
    if (this.#turn.length < crowdSize) return this.#run(this.#turn)
    if (this.#gathering.length === 0) {
      this.#since = this.#now()
      this.#hasMore = false
    }
    this.#move(this.#turn, this.#gathering)
  }

  readonly #look = (): void => {
    this.#isWatching = false
    if (this.#flushing.length === 0) {
      if (this.#isGathering()) return this.#watch()
      const empty = this.#flushing
      this.#flushing = this.#gathering
      this.#gathering = empty
    }
    if (this.#gathering.length > 0) this.#watch()
    this.#run(this.#flushing)
  }

  /** Whether more came in the last turn, so that more is likely to come. */
  #isGathering(): boolean {
    const hasMore = this.#hasMore
    this.#hasMore = false
    return hasMore && this.#now() - this.#since < Math.min(longestTurn, this.#gathering.length * timeOfTask)
  }

  /** Runs tasks, and those that they add to them; what takes longer than a turn may goes on in the next one. */
  #run(tasks: TaskList): void {
    let since: number | undefined = undefined
    try {
      let count = 0
      for (let task = tasks.take(); task !== undefined; task = tasks.take()) {
        task.endTurn()
        if (++count % crowdSize > 0) continue
        const now = this.#now()
        since ??= now
        if (now - since >= longestTurn) break
      }
    } finally {
      if (tasks === this.#turn) this.#move(tasks, this.#flushing)
      else if (tasks.length > 0) this.#watch()
    }
  }

  #move(tasks: TaskList, to: TaskList): void {
    if (tasks.length === 0) return
    to.join(tasks)
    this.#watch()
  }

  /** Looks at the crowds when the event loop has looked at all sockets. */
  #watch(): void {
    if (this.#isWatching) return
    this.#isWatching = true
    setImmediate(this.#look)
  }
}
