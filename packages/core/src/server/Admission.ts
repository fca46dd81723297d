/**
 * Which requests run, which wait and which are refused, when a process gets more of them than it can serve.
 *
 *     new ──┬─────────────► running ──► over
 *           ├─► waiting ──┬─► running
 *           │             ├─► refused ──► over
 *           │             └─► over (its client has left)
 *           └─► over (refused at once)
 *
 * The line is served oldest first while it is short. Once more than half of it is taken the newest comes first: then some
 * will wait for too long anyway, and those that have just come are the ones whose clients are still there. For one more than
 * there is room for, the one that has waited longest is refused.
 */
import type * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import type { Observer } from "../observe/Observer.ts"
import type { Values } from "../options/ServerOptions.ts"

/** The option because of which a request is refused. */
export type Shortage = "maxConcurrentRequests" | "maxQueuedRequests" | "maxQueueTime"

/** Whose place it is. What it is told comes in a later step than what has caused it. */
export interface Claimant {
  /** The request need not wait any more. */
  onAdmitted(): void
  /** The request has waited in vain. */
  onShed(shortage: Shortage): void
}

/** How a request is served that asks for a place. */
type PlaceState = "new" | "running" | "waiting" | "refused" | "over"

/** The place of a request among those that run and wait. Only the `Admission` changes it. */
export class Place {
  state: PlaceState = "new"
  readonly claimant: Claimant
  /** Since when it has waited, by the clock of the admission. */
  since = 0
  /** Whether it counts among those that run at the same time. */
  isCounted = true
  shortage: Shortage = "maxQueueTime"
  next: Place | undefined = undefined
  previous: Place | undefined = undefined

  constructor(claimant: Claimant) {
    this.claimant = claimant
  }
}

/** What the admission has to know. */
export interface AdmissionSettings {
  readonly options: Pick<Values, "maxConcurrentRequests" | "maxQueuedRequests" | "maxQueueTime" | "healthPaths">
  readonly clock: Clock.Clock
  readonly observer: Pick<Observer, "waitBegan" | "waitEnded"> | undefined
  /** For how many milliseconds a request may have waited already that is read now; 0 where nobody knows. */
  readonly age?: (() => number) | undefined
}

/** Decides for all requests of a server. */
export class Admission {
  readonly #clock: Clock.Clock
  readonly #observer: AdmissionSettings["observer"]
  readonly #age: () => number
  readonly #maxRunning: number
  readonly #maxWaiting: number
  /** Milliseconds. */
  readonly #maxTime: number
  readonly #healthPaths: ReadonlySet<string>
  #running = 0
  #waiting = 0
  #oldest: Place | undefined = undefined
  #newest: Place | undefined = undefined
  #refused: Array<Place> = []
  #isSettling = false
  readonly #hasWaiting = Latch.makeUnsafe(false)

  constructor({ age, clock, observer, options }: AdmissionSettings) {
    this.#clock = clock
    this.#observer = observer
    this.#age = age ?? (() => 0)
    this.#maxRunning = options.maxConcurrentRequests === 0 ? Number.POSITIVE_INFINITY : options.maxConcurrentRequests
    this.#maxWaiting = options.maxQueuedRequests
    this.#maxTime = Duration.toMillis(options.maxQueueTime)
    this.#healthPaths = new Set(options.healthPaths)
  }

  /** How many requests run that count. */
  get running(): number {
    return this.#running
  }

  /** How many requests wait. */
  get waiting(): number {
    return this.#waiting
  }

  /** Takes the place, or lets it wait; answers why there is none. */
  enter(place: Place, path: string): Shortage | undefined {
    if (this.#healthPaths.has(path)) {
      place.isCounted = false
      place.state = "running"
      return undefined
    }
    const age = this.#maxTime === 0 ? 0 : this.#age()
    const shortage = this.#shortage(age)
    if (shortage !== undefined) place.state = "over"
    else if (this.#running < this.#maxRunning && this.#waiting === 0) this.#run(place)
    else this.#wait(place, age)
    return shortage
  }

  #shortage(age: number): Shortage | undefined {
    if (this.#maxTime > 0 && age > this.#maxTime) return "maxQueueTime"
    const mustWait = this.#running >= this.#maxRunning || this.#waiting > 0
    return mustWait && this.#maxWaiting === 0 ? "maxConcurrentRequests" : undefined
  }

  /** The request is over, in whatever way, or does not count any more. Only the first call does something. */
  leave(place: Place): void {
    const { state } = place
    place.state = "over"
    if (state === "waiting") this.#takeOut(place)
    if (state !== "running" || !place.isCounted) return
    this.#running--
    if (this.#waiting > 0) this.#settleSoon()
  }

  #run(place: Place): void {
    place.state = "running"
    this.#running++
  }

  #wait(place: Place, age: number): void {
    place.state = "waiting"
    place.since = this.#now() - age
    const newest = this.#newest
    place.previous = newest
    if (newest === undefined) this.#oldest = place
    else newest.next = place
    this.#newest = place
    this.#waiting++
    this.#observer?.waitBegan?.()
    if (this.#waiting > this.#maxWaiting && this.#oldest !== undefined) this.#refuse(this.#oldest, "maxQueuedRequests")
    if (this.#maxTime > 0) this.#hasWaiting.openUnsafe()
  }

  #takeOut(place: Place): void {
    const { next, previous } = place
    if (previous === undefined) this.#oldest = next
    else previous.next = next
    if (next === undefined) this.#newest = previous
    else next.previous = previous
    place.next = undefined
    place.previous = undefined
    this.#waiting--
    if (this.#waiting === 0) this.#hasWaiting.closeUnsafe()
    this.#observer?.waitEnded?.(this.#now() - place.since)
  }

  #refuse(place: Place, shortage: Shortage): void {
    this.#takeOut(place)
    place.state = "refused"
    place.shortage = shortage
    this.#refused.push(place)
    this.#settleSoon()
  }

  /** Claimants may be in the middle of something, and ask for places when they are told. */
  #settleSoon(): void {
    if (this.#isSettling) return
    this.#isSettling = true
    queueMicrotask(() => this.#settle())
  }

  #settle(): void {
    this.#isSettling = false
    const refused = this.#refused
    this.#refused = []
    for (const place of refused) {
      // Its client may have left since.
      if (place.state !== "refused") continue
      place.state = "over"
      place.claimant.onShed(place.shortage)
    }
    while (this.#running < this.#maxRunning) {
      const place = this.#waiting > this.#maxWaiting / 2 ? this.#newest : this.#oldest
      if (place === undefined) return
      if (this.#isLate(place)) this.#refuse(place, "maxQueueTime")
      else {
        this.#takeOut(place)
        this.#run(place)
        place.claimant.onAdmitted()
      }
    }
  }

  #isLate(place: Place): boolean {
    return this.#maxTime > 0 && this.#now() - place.since >= this.#maxTime
  }

  #now(): number {
    return Number(this.#clock.monotonicTimeNanosUnsafe()) / 1e6
  }

  /** Refuses those that have waited for too long, for as long as it runs. */
  readonly run: Effect.Effect<never> = Effect.gen({ self: this }, function* () {
    while (true) {
      yield* this.#hasWaiting.await
      const left = this.#oldest === undefined ? 0 : this.#oldest.since + this.#maxTime - this.#now()
      yield* this.#clock.sleep(Duration.millis(Math.max(1, Math.ceil(left))))
      while (this.#oldest !== undefined && this.#isLate(this.#oldest)) this.#refuse(this.#oldest, "maxQueueTime")
    }
  })
}
