/** The turn of a request: the place that it has or waits for, and the time that it may take. */
import type { Exit } from "effect/Exit"
import type { Fiber } from "effect/Fiber"
import * as Duration from "effect/Duration"
import { type Admission, type Claimant, Place, type Shortage } from "../server/Admission.ts"
import { Deadline, type DeadlineOwner } from "../server/Deadlines.ts"
import type { RunObserver } from "../server/RequestRunner.ts"
import type { ServerContext } from "../server/ServerContext.ts"
import { type Refusal, refusal } from "./Refusal.ts"

/** A driver, for a request that may have to wait. */
export interface TurnHost {
  /** The application is to be run now. */
  onTurn(): void
  /** The request has waited in vain. */
  onShed(refusal: Refusal): void
  /** The request has taken too long: the application is told that it is over, and its client what there is to say. */
  onOverdue(): void
  /** Tells observers of a limit that was reached. */
  tellShortage(limit: Shortage | "requestDeadline"): void
}

/** What a client is told whose request took too long. */
export const overdue: Refusal = refusal(504, "The request took too long")

const messages: Readonly<Record<Shortage, string>> = {
  maxConcurrentRequests: "Too many requests at the same time",
  maxQueuedRequests: "Too many requests are waiting",
  maxQueueTime: "The request had to wait for too long"
}

/** One request's. There is none on a server whose options do not ask for it. */
export class Turn implements Claimant, DeadlineOwner, RunObserver {
  readonly #admission: Admission
  readonly #server: ServerContext
  readonly #host: TurnHost
  readonly #place: Place
  #deadline: Deadline | undefined = undefined
  #observer: RunObserver | undefined = undefined
  #fiber: Fiber<unknown, unknown> | undefined = undefined

  constructor(admission: Admission, server: ServerContext, host: TurnHost) {
    this.#admission = admission
    this.#server = server
    this.#host = host
    this.#place = new Place(this)
  }

  /** Asks for a place; answers how the request is refused if there is none. Time runs from here on. */
  take(path: string): Refusal | undefined {
    const shortage = this.#admission.enter(this.#place, path)
    if (shortage !== undefined) return this.#refusal(shortage)
    const { deadlines, limits } = this.#server
    if (limits.deadline > 0) {
      this.#deadline = new Deadline(deadlines, this)
      this.#deadline.start(limits.deadline)
    }
    return undefined
  }

  get isWaiting(): boolean {
    return this.#place.state === "waiting" || this.#place.state === "refused"
  }

  onAdmitted(): void {
    this.#host.onTurn()
  }

  onShed(shortage: Shortage): void {
    this.#deadline?.release()
    this.#host.onShed(this.#refusal(shortage))
  }

  /** One that the application has not seen can be sent again without harm, which 503 says and 504 does not. */
  onDeadline(): void {
    if (!this.isWaiting) return this.#host.onOverdue()
    this.#admission.leave(this.#place)
    this.#host.tellShortage("requestDeadline")
    this.#host.onShed(this.#refused(messages.maxQueueTime))
  }

  #refusal(shortage: Shortage): Refusal {
    this.#host.tellShortage(shortage)
    return this.#refused(messages[shortage])
  }

  #refused(message: string): Refusal {
    const seconds = Math.max(1, Math.ceil(Duration.toSeconds(this.#server.options.maxQueueTime)))
    return { ...refusal(503, message), headers: [["retry-after", String(seconds)]] }
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
    this.#admission.leave(this.#place)
  }

  /** The request is over for its client. An application that is run for it has its place until it ends. */
  end(): void {
    this.#deadline?.release()
    if (this.isWaiting || this.#observer === undefined) this.#admission.leave(this.#place)
  }

  onApplicationExit(exit: Exit<unknown, unknown>): void {
    this.#fiber = undefined
    this.#deadline?.release()
    try {
      this.#observer?.onApplicationExit(exit)
    } finally {
      this.#admission.leave(this.#place)
    }
  }
}
