import { Deadline, type DeadlineOwner, type Deadlines } from "@pagi/core/server/Deadlines"

/** The session that is kept alive. */
export interface KeptSession {
  /** Answers whether there was room for it. */
  sendPing(): boolean
  /** Whether an answer could be on its way that cannot have been seen: reading is paused, or the ping still waits. */
  readonly isBehind: boolean
  /** A ping was not answered in time. */
  onUnanswered(): void
}

/** Pings that the application has asked for, and the limit for their answers (RFC 6455 §5.5.2). A tick is 100 ms. */
export class Keepalive implements DeadlineOwner {
  readonly #session: KeptSession
  /** When the next ping is due, and the answer to the last. */
  readonly #ping: Deadline
  readonly #pong: Deadline
  #intervalTicks = 0
  #timeoutTicks = 0

  constructor(session: KeptSession, deadlines: Deadlines) {
    this.#session = session
    this.#ping = new Deadline(deadlines, this)
    this.#pong = new Deadline(deadlines, this)
  }

  /** Counts from now on; an interval of 0 ends it, and with a timeout of 0 answers are not waited for. */
  start(intervalTicks: number, timeoutTicks: number): void {
    this.#intervalTicks = intervalTicks
    this.#timeoutTicks = timeoutTicks
    this.#ping.start(intervalTicks)
    this.#pong.stop()
  }

  onPong(): void {
    this.#pong.stop()
  }

  /** The peer is read again, or has read everything: nothing stands between the peer and its answer any more. */
  onCaughtUp(): void {
    if (this.#pong.isRunning) this.#pong.start(this.#timeoutTicks)
  }

  onDeadline(deadline: Deadline): void {
    if (deadline === this.#ping) {
      // One ping at a time: another would itself be what the peer is behind by when the answer is due.
      if (!this.#pong.isRunning && this.#session.sendPing()) this.#pong.start(this.#timeoutTicks)
      deadline.start(this.#intervalTicks)
    } else if (this.#session.isBehind) deadline.start(this.#timeoutTicks)
    else this.#session.onUnanswered()
  }

  release(): void {
    this.#ping.release()
    this.#pong.release()
  }
}
