/**
 * How workers that accept on one socket get about as many connections each. The system wakes all of them for a new
 * connection, and the one that runs already is always the first to be there: one of four workers may get a whole burst.
 * A worker that holds more than its share therefore lets the others go first: it sleeps for a
 * moment after it has accepted. Nothing else keeps it from accepting, as Node has no way to stop listening for a while.
 *
 * A socket for each worker (SO_REUSEPORT) would do it as well, but what waits in the queue of a worker that is blocked,
 * or ends, would wait with it or be lost. Here there is one queue, and whoever can takes from it.
 */
import { acceptPause, heldSlack, heldTolerance, longestWait, waitedPart } from "../pool/Balance.ts"

/** Nobody ever wakes who waits here. */
const never = new Int32Array(new SharedArrayBuffer(4))

const sleep = (milliseconds: number): void => {
  Atomics.wait(never, 0, 0, milliseconds)
}

export class AcceptShare {
  readonly #sleep: (milliseconds: number) => void
  readonly #now: () => number
  #limit = heldSlack
  #isAlone = false
  #allowance = longestWait
  #countedAt = 0

  /** `block` keeps this process from accepting for so many milliseconds, `now` is a clock of such. */
  constructor(block: (milliseconds: number) => void = sleep, now: () => number = () => performance.now()) {
    this.#sleep = block
    this.#now = now
  }

  /** How many workers accept on the socket, as of now. One that is alone never waits. */
  set workers(count: number) {
    this.#isAlone = count <= 1
  }

  /** How many connections a worker has on average, as of now. */
  set average(connections: number) {
    this.#limit = connections * (1 + heldTolerance) + heldSlack
  }

  /** A connection was accepted, and now there are so many. */
  accepted(connections: number): void {
    if (this.#isAlone || connections <= this.#limit) return
    const now = this.#now()
    this.#allowance = Math.min(longestWait, this.#allowance + (now - this.#countedAt) * waitedPart)
    this.#countedAt = now
    if (this.#allowance < acceptPause) return
    this.#allowance -= acceptPause
    this.#sleep(acceptPause)
  }
}
