/**
 * Time limits for connections, by the hundred thousand: a hashed timer wheel on Effect's Clock. Starting, moving and
 * stopping a deadline allocates nothing and does not read the clock; one fiber for each server turns the wheel, and only
 * while deadlines are linked to it. Under `TestClock` that fiber follows virtual time.
 */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Effectable from "effect/Effectable"
import * as Latch from "effect/Latch"
import type * as Scope from "effect/Scope"
import { liveClock } from "./LiveClock.ts"

/**
 * How exact deadlines are: they expire up to one tick and a bit late. They expire early only by what the wheel itself
 * was late to turn when they were started, a second at most, since starting does not read the clock. Milliseconds.
 */
export const tickMillis = 100

/** An amount of time in ticks of a wheel, rounded up, for limits that are constants: `ticks(5, "seconds")`. */
export const ticks = (amount: number, unit: "seconds" | "milliseconds"): number =>
  Math.ceil((unit === "seconds" ? amount * 1000 : amount) / tickMillis)

/** Ticks that a connection without any request gets when a drain begins: its first request may be under way. */
export const freshDrainTicks = ticks(1, "seconds")

const slotCount = 512
const stopped = Number.POSITIVE_INFINITY

/**
 * How many ticks one turn may count. Time in which the process did not run (a blocked loop, a suspended machine) counts
 * for a second at most, so that peers are not dropped for the server's own absence.
 */
const maxTicksPerTurn = 10

/** Who is told that a deadline has passed. */
export interface DeadlineOwner {
  onDeadline(deadline: Deadline): void
}

/** One time limit that is started and stopped many times. */
export class Deadline {
  readonly #wheel: Deadlines
  readonly owner: DeadlineOwner
  /** The tick after which it expires. */
  due = stopped
  /** The tick whose slot it is linked into; -1 when it is not linked. */
  linkedTick = -1
  next: Deadline | undefined = undefined
  previous: Deadline | undefined = undefined

  constructor(wheel: Deadlines, owner: DeadlineOwner) {
    this.#wheel = wheel
    this.owner = owner
  }

  get isRunning(): boolean {
    return this.due !== stopped
  }

  /** Starts anew with this many ticks (see `Deadlines.ticks`); 0 means no limit and stops it. */
  start(ticks: number): void {
    if (ticks === 0) this.due = stopped
    else this.#wheel.schedule(this, ticks)
  }

  /** Stops it. It stays linked until its slot comes round, so that the next start is one assignment. */
  stop(): void {
    this.due = stopped
  }

  /** Stops it and lets go of its owner; for the end of the connection. */
  release(): void {
    this.due = stopped
    if (this.linkedTick >= 0) this.#wheel.unlink(this)
  }
}

/** A fiber that waits for ticks to pass; as an Effect, its end when it is interrupted. */
class Sleeper extends Effectable.Class<void> implements DeadlineOwner {
  readonly #deadline: Deadline
  readonly #resume: (effect: Effect.Effect<void>) => void

  constructor(wheel: Deadlines, ticks: number, resume: (effect: Effect.Effect<void>) => void) {
    super()
    this.#resume = resume
    this.#deadline = new Deadline(wheel, this)
    this.#deadline.start(ticks)
  }

  onDeadline(): void {
    this.#resume(Effect.void)
  }

  asEffect(): Effect.Effect<void> {
    this.#deadline.release()
    return Effect.void
  }
}

/**
 * Timers come before input in a turn of the event loop, so that after a turn that took long a connection would be taken
 * for idle whose next request has been there for a while. What is scheduled like this comes behind the input.
 */
const untilInputIsRead = Effect.yieldNow

/** The wheel. Make one for each server with `make`. */
export class Deadlines {
  readonly #clock: Clock.Clock
  readonly #slots: Array<Deadline | undefined> = Array.from({ length: slotCount }, () => undefined)
  readonly #hasWork = Latch.makeUnsafe(false)
  #expired: Array<Deadline> = []
  readonly #defects: Array<unknown> = []
  #tick = 0
  /** The clock's reading in milliseconds at the last tick; the next one comes `tickMillis` later. */
  #tickedAt = 0
  #linked = 0
  #turning = false

  constructor(clock: Clock.Clock) {
    this.#clock = clock
  }

  /** How many deadlines are linked; for tests and metrics. */
  get size(): number {
    return this.#linked
  }

  /** Ticks that have passed; they do while the wheel turns. */
  get now(): number {
    return this.#tick
  }

  get isTurning(): boolean {
    return this.#turning
  }

  /** A duration in ticks, rounded up; 0 (no limit) stays 0. */
  static ticks(duration: Duration.Duration): number {
    return Math.ceil(Duration.toMillis(duration) / tickMillis)
  }

  /** Waits for so many ticks, at least 1. */
  sleep(ticks: number): Effect.Effect<void> {
    return Effect.callback((resume) => new Sleeper(this, ticks, resume))
  }

  /** Sets when a deadline expires; moves it only if it would be looked at too late where it is. */
  schedule(deadline: Deadline, ticks: number): void {
    if (!this.#turning) this.#begin()
    // The current tick has partly passed: one more makes sure that nothing expires early.
    deadline.due = this.#tick + ticks + 1
    if (deadline.linkedTick < 0) this.#link(deadline)
    else if (deadline.due < deadline.linkedTick) {
      this.unlink(deadline)
      this.#link(deadline)
    }
  }

  unlink(deadline: Deadline): void {
    const { next, previous } = deadline
    if (previous !== undefined) previous.next = next
    else this.#slots[deadline.linkedTick % slotCount] = next
    if (next !== undefined) next.previous = previous
    deadline.next = undefined
    deadline.previous = undefined
    deadline.linkedTick = -1
    this.#linked--
  }

  /** Turns the wheel for as long as it runs. */
  readonly run: Effect.Effect<never> = Effect.gen({ self: this }, function* () {
    while (true) {
      yield* this.#hasWork.await
      // Timers of whole milliseconds only; one that fires early would make two turns of each.
      yield* this.#clock.sleep(Duration.millis(Math.ceil(this.#tickedAt + tickMillis - this.#read())))
      if (this.#clock === liveClock) yield* untilInputIsRead
      this.#turn()
      if (this.#defects.length > 0) {
        yield* Effect.logError("the reaction to a time limit failed", ...this.#defects.splice(0))
      }
    }
  })

  /**
   * Turns the wheel by another clock besides, for as long as it runs. That is for the end of a server on a clock that
   * stands still, as `TestClock` does: its peers are real, and what it waits for will not come sooner in virtual time.
   */
  readonly runBesides = (clock: Clock.Clock): Effect.Effect<never> =>
    Effect.forever(
      Effect.andThen(
        clock.sleep(Duration.millis(tickMillis)),
        Effect.andThen(
          untilInputIsRead,
          Effect.sync(() => this.#advance(1))
        )
      )
    )

  #read(): number {
    return Number(this.#clock.monotonicTimeNanosUnsafe()) / 1e6
  }

  #begin(): void {
    this.#turning = true
    this.#tickedAt = this.#read()
    this.#hasWork.openUnsafe()
  }

  #turn(): void {
    const passed = Math.floor((this.#read() - this.#tickedAt) / tickMillis)
    this.#tickedAt += passed * tickMillis
    this.#advance(Math.min(passed, maxTicksPerTurn))
  }

  #advance(count: number): void {
    for (let ticks = count; ticks > 0; ticks--) {
      this.#tick++
      this.#visit(this.#tick % slotCount)
    }
    this.#expire()
    if (this.#linked === 0) {
      this.#turning = false
      this.#hasWork.closeUnsafe()
    }
  }

  /** Takes out of the slot what has expired, and moves on what was restarted since it was linked. */
  #visit(slot: number): void {
    let deadline = this.#slots[slot]
    while (deadline !== undefined) {
      const next: Deadline | undefined = deadline.next
      if (deadline.linkedTick <= this.#tick) {
        this.unlink(deadline)
        if (deadline.due <= this.#tick) this.#expired.push(deadline)
        else if (deadline.due !== stopped) this.#link(deadline)
      }
      deadline = next
    }
  }

  /** Tells the owners; each may start, stop and release any deadline, also those whose turn is still to come. */
  #expire(): void {
    const expired = this.#expired
    this.#expired = []
    for (const deadline of expired) {
      if (deadline.due > this.#tick) continue
      deadline.due = stopped
      try {
        deadline.owner.onDeadline(deadline)
      } catch (defect) {
        // The wheel turns for all connections of the server.
        this.#defects.push(defect)
      }
    }
  }

  #link(deadline: Deadline): void {
    const slot = deadline.due % slotCount
    const first = this.#slots[slot]
    deadline.linkedTick = deadline.due
    deadline.next = first
    deadline.previous = undefined
    if (first !== undefined) first.previous = deadline
    this.#slots[slot] = deadline
    this.#linked++
  }
}

/** A wheel that turns as long as the scope is open. */
export const make: Effect.Effect<Deadlines, never, Scope.Scope> = Effect.gen(function* () {
  const deadlines = new Deadlines(yield* Clock.Clock)
  yield* Effect.forkScoped(deadlines.run)
  return deadlines
})
