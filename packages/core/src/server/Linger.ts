/**
 * How long a connection lingers: its last answer has been sent, and what the peer still sends is read and discarded, so
 * that no reset for it destroys the answer on its way (RFC 9112 §9.6). A client that is still uploading mostly reads only
 * when it has sent everything, so that it is read for as long as it sends, within bounds.
 */
import { type Deadline, type Deadlines, ticks } from "./Deadlines.ts"

/** Ticks that the peer may be silent. */
export const lingerSilenceTicks = ticks(5, "seconds")

/** The same for a peer of HTTP/2 or WebSocket, whose last frame from us has said that it is to close. */
export const toldSilenceTicks = ticks(2, "seconds")

/** Ticks that it may go on for altogether. */
const totalTicks = ticks(30, "seconds")

/** The same two while the server drains. */
const drainSilenceTicks = ticks(1, "seconds")
const drainTotalTicks = ticks(5, "seconds")

const smallestByteLimit = 2 ** 30

/** Bytes that are discarded at most. A body that was refused for its size is larger than bodies may be by nature. */
export const lingerBytes = (maxBodySize: number): number =>
  maxBodySize === 0 ? Number.POSITIVE_INFINITY : Math.max(smallestByteLimit, 100 * maxBodySize)

/** The bounds within which one peer is still read. They end when the deadline expires, which is the owner's business. */
export class Linger {
  readonly #deadlines: Deadlines
  readonly #deadline: Deadline
  readonly #byteLimit: number
  #silenceTicks: number
  #totalTicks = totalTicks
  #received = 0
  /** The tick at which it ends, whatever comes. */
  #end: number

  constructor(deadlines: Deadlines, deadline: Deadline, maxBodySize: number, silenceTicks = lingerSilenceTicks) {
    this.#deadlines = deadlines
    this.#deadline = deadline
    this.#silenceTicks = silenceTicks
    this.#byteLimit = lingerBytes(maxBodySize)
    this.#end = deadlines.now + this.#totalTicks
    this.proceed()
  }

  /** The peer has sent so many bytes; answers whether it may go on. */
  receive(length: number): boolean {
    this.#received += length
    this.proceed()
    return this.#received <= this.#byteLimit && this.#end > this.#deadlines.now
  }

  /** The time of silence begins anew. */
  proceed(): void {
    const left = this.#end - this.#deadlines.now
    this.#deadline.start(Math.max(1, Math.min(this.#silenceTicks, left)))
  }

  /** Both times begin anew: until now the peer had something to read. */
  restart(): void {
    this.#received = 0
    this.#end = this.#deadlines.now + this.#totalTicks
    this.proceed()
  }

  /** The server drains, and does not wait for long. */
  hurry(): void {
    this.#silenceTicks = drainSilenceTicks
    this.#totalTicks = drainTotalTicks
    this.#end = Math.min(this.#end, this.#deadlines.now + this.#totalTicks)
    this.proceed()
  }
}
