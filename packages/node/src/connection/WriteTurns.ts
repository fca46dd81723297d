import { Fifo } from "@pagi/core/bytes/Fifo"

/**
 * Bytes that all connections together write before those that have had their share wait for the next turn of the event
 * loop. The system copies so much in a few milliseconds, and takes megabytes for a peer that does not even read. With a
 * quarter of it, 32 sessions that echo 16 KiB eight at a time lost a fifth of their speed to waiting for turns.
 */
const turnLimit = 8_388_608

/**
 * The same while few connections write more than their share: about ten milliseconds, which is the longest that anybody
 * waits for them. To be interrupted more often costs long responses over HTTP/2 an eighth more of the processor's time.
 */
const fewLimit = 33_554_432
const fewConnections = 4

/** What is left of a crowd a turn later: for a while, few of many may have nothing to do. */
const crowdDecay = 0.99

/** What a connection may write in a turn although the others have used it up: a short answer never waits. */
const share = 65_536

/** Bytes after which the end of the turn is watched for. Less is counted as if it were of one turn. */
const watchMark = 262_144

/** A connection that goes on in a later turn. */
export interface WritingTask {
  nextTurn(): void
}

/** What one connection has written in a turn. */
export interface TurnShare {
  turn: number
  written: number
}

/**
 * Divides the turns of the event loop among the connections that write, so that a burst of long responses does not keep
 * the loop from everybody else. Once what is written in a turn is much, each connection goes on when the loop has
 * looked at all sockets again, in the order in which they came to wait.
 */
export class WriteTurns {
  turn = 0
  #written = 0
  /** Connections that have had their share in this turn. */
  #sated = 0
  /** How many such there were, or waited, in the turns before. */
  #crowd = 0
  #isWatching = false
  readonly #waiting = new Fifo<WritingTask>()

  /** Whether a connection may write now; if not, it has to `wait`. */
  allows(own: TurnShare): boolean {
    if (this.#waiting.length === 0 && this.#written < this.#limit) return true
    return own.turn !== this.turn || own.written < share
  }

  /** A connection has written so many bytes. */
  note(own: TurnShare, length: number): void {
    if (own.turn !== this.turn) {
      own.turn = this.turn
      own.written = 0
    }
    if (own.written < share && own.written + length >= share) this.#sated++
    own.written += length
    this.#written += length
    if (this.#written > watchMark) this.#watch()
  }

  /** Calls the task in one of the next turns. */
  wait(task: WritingTask): void {
    this.#waiting.push(task)
    this.#watch()
  }

  get #limit(): number {
    return Math.max(this.#sated, this.#crowd) <= fewConnections ? fewLimit : turnLimit
  }

  #watch(): void {
    if (this.#isWatching) return
    this.#isWatching = true
    setImmediate(this.#next)
  }

  readonly #next = (): void => {
    this.#isWatching = false
    this.turn++
    this.#written = 0
    this.#crowd = Math.max(this.#sated, this.#waiting.length, this.#crowd * crowdDecay)
    this.#sated = 0
    for (let count = this.#waiting.length; count > 0 && this.#written < this.#limit; count--) {
      this.#waiting.shift()?.nextTurn()
    }
    if (this.#waiting.length > 0) this.#watch()
  }
}

/** The turns of this thread's event loop, which all servers in it share. */
export const writeTurns = new WriteTurns()
