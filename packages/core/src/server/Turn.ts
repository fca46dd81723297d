/** The turn of a request: the place that it has or waits for, and the time that it may take. */
import type { Exit } from "effect/Exit"
import type { Fiber } from "effect/Fiber"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as EffectScope from "effect/Scope"
import type { HeaderBlock } from "../http/HeaderBlock.ts"
import { Admission, type AdmissionSettings, type Claimant, Place, type Shortage } from "./Admission.ts"
import { Deadline, type DeadlineOwner, type Deadlines } from "./Deadlines.ts"
import { type Refusal, refusal } from "./Refusal.ts"
import type { RunObserver } from "./RequestRunner.ts"

/** A driver, for a request that may have to wait. */
export interface TurnHost {
  /** A request that has waited need not wait any more: `begin`, which may throw, is to be called. */
  onTurn(begin: () => void): void
  /** The request has waited in vain. */
  onShed(refusal: Refusal): void
  /** The request has taken too long: the application is told that it is over, and its client what there is to say. */
  onOverdue(): void
  /** Tells observers of a limit that was reached. */
  tellShortage(limit: Shortage | "requestDeadline"): void
}

const messages: Readonly<Record<Shortage, string>> = {
  maxConcurrentRequests: "Too many requests at the same time",
  maxQueuedRequests: "Too many requests are waiting",
  maxQueueTime: "The request had to wait for too long"
}

/** What the turns of a server have in common. */
export interface TurnSettings extends AdmissionSettings {
  readonly deadlines: Deadlines
  /** Ticks that a whole request may take; 0 means no limit. */
  readonly deadlineTicks: number
}

/** Makes a turn for each request. There are none on a server whose options do not ask for it. */
export class Turns {
  readonly admission: Admission
  readonly deadlines: Deadlines
  readonly deadlineTicks: number
  /** When clients that were refused shall come again. */
  readonly again: HeaderBlock

  constructor(settings: TurnSettings) {
    this.admission = new Admission(settings)
    this.deadlines = settings.deadlines
    this.deadlineTicks = settings.deadlineTicks
    const seconds = Math.max(1, Math.ceil(Duration.toSeconds(settings.options.maxQueueTime)))
    this.again = [["retry-after", String(seconds)]]
  }

  make(host: TurnHost): Turn {
    return new Turn(this, host)
  }
}

/** Makes those of a server. Where requests may wait in a line, they are refused in time as long as the scope is open. */
export const make = (settings: TurnSettings): Effect.Effect<Turns, never, EffectScope.Scope> => {
  const { maxConcurrentRequests, maxQueueTime } = settings.options
  const turns = new Turns(settings)
  const isTimed = maxConcurrentRequests > 0 && !Duration.isZero(maxQueueTime)
  return isTimed ? Effect.as(Effect.forkScoped(turns.admission.run), turns) : Effect.succeed(turns)
}

/** One request's. */
export class Turn implements Claimant, DeadlineOwner, RunObserver {
  readonly #turns: Turns
  readonly #host: TurnHost
  readonly #place: Place
  /** Runs the application, as long as that has to wait. */
  #begin: (() => void) | undefined = undefined
  #deadline: Deadline | undefined = undefined
  #observer: RunObserver | undefined = undefined
  #fiber: Fiber<unknown, unknown> | undefined = undefined

  constructor(turns: Turns, host: TurnHost) {
    this.#turns = turns
    this.#host = host
    this.#place = new Place(this)
  }

  /**
   * Asks for a place, and calls `begin` when there is one: at once, or by way of the host's `onTurn`. Answers how the request
   * is refused if there is none. Time runs from here on.
   */
  take(path: string, begin: () => void): Refusal | undefined {
    const shortage = this.#turns.admission.enter(this.#place, path)
    if (shortage !== undefined) return this.#refusal(shortage)
    const { deadlineTicks, deadlines } = this.#turns
    if (deadlineTicks > 0) {
      this.#deadline = new Deadline(deadlines, this)
      this.#deadline.start(deadlineTicks)
    }
    if (this.isWaiting) this.#begin = begin
    else begin()
    return undefined
  }

  get isWaiting(): boolean {
    return this.#place.state === "waiting" || this.#place.state === "refused"
  }

  onAdmitted(): void {
    const begin = this.#begin
    this.#begin = undefined
    if (begin !== undefined) this.#host.onTurn(begin)
  }

  onShed(shortage: Shortage): void {
    this.#deadline?.release()
    this.#host.onShed(this.#refusal(shortage))
  }

  /** One that the application has not seen can be sent again without harm, which 503 says and 504 does not. */
  onDeadline(): void {
    if (!this.isWaiting) return this.#host.onOverdue()
    this.#turns.admission.leave(this.#place)
    this.#host.tellShortage("requestDeadline")
    this.#host.onShed(this.#refused(messages.maxQueueTime))
  }

  #refusal(shortage: Shortage): Refusal {
    this.#host.tellShortage(shortage)
    return this.#refused(messages[shortage])
  }

  #refused(message: string): Refusal {
    return { ...refusal(503, message), headers: this.#turns.again }
  }

  /**
   * Who else is told how the application ends, with which the place is free. The application has to be run next: whatever
   * can fail comes before.
   */
  after(observer: RunObserver): RunObserver {
    this.#observer = observer
    return this
  }

  /** The application waits for something. */
  onWaiting(fiber: Fiber<unknown, unknown>): void {
    this.#fiber = fiber
  }

  /** The application has to end now. */
  interrupt(): void {
    this.#fiber?.interruptUnsafe()
  }

  /** What has begun lasts, such as an event stream: it takes no place, and has no time. */
  lasts(): void {
    this.#deadline?.release()
    this.#turns.admission.leave(this.#place)
  }

  /** The request is over for its client. An application that is run for it has its place until it ends. */
  end(): void {
    this.#deadline?.release()
    if (this.isWaiting || this.#observer === undefined) this.#turns.admission.leave(this.#place)
  }

  onApplicationExit(exit: Exit<unknown, unknown>): void {
    this.#fiber = undefined
    this.#deadline?.release()
    try {
      this.#observer?.onApplicationExit(exit)
    } finally {
      this.#turns.admission.leave(this.#place)
    }
  }
}
