/** What workers have counted, as their last two reports say it, for whoever tells what all of them did in a second. */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import { emptyAt, type Reading, type Stretch } from "../admin/Reading.ts"

/** How long those that have told of the second before may take to tell of this one. */
const patience = "500 millis"

/** Processes that have ended and of which not everything was told, at most. */
const mostEnded = 100

export class PoolReadings {
  readonly #stretches = new Map<string, Stretch>()
  /** Those that are waited for: they were in time so far. */
  readonly #prompt = new Set<string>()
  readonly #ended = new Set<string>()
  /** Those of whose beginning nobody has been told yet. */
  readonly #begun = new Set<string>()
  #waiting: { readonly time: number; readonly done: Deferred.Deferred<void> } | undefined = undefined

  /** The process begins to count; one that is not told of has counted before, which is nobody's second. */
  begin(process: string, time: number): void {
    const reading = emptyAt(time)
    this.#stretches.set(process, { before: reading, now: reading })
    this.#begun.add(process)
  }

  /** It has told what it has counted. `isPrompt` says whether it does when a second is over, and not at any time. */
  report(process: string, reading: Reading, isPrompt: boolean): void {
    const known = this.#stretches.get(process)
    const before = (this.#begun.has(process) ? known?.before : known?.now) ?? reading
    this.#stretches.set(process, { before, now: reading })
    if (isPrompt) this.#prompt.add(process)
    this.#look()
  }

  /** It tells nothing more. */
  end(process: string): void {
    this.#prompt.delete(process)
    if (this.#stretches.has(process)) this.#ended.add(process)
    const [oldest] = this.#ended
    if (oldest !== undefined && this.#ended.size > mostEnded) this.#forget(oldest)
    this.#look()
  }

  /** Those of all processes, when those that are waited for have told what they had counted by this time. */
  at(time: number): Effect.Effect<ReadonlyMap<string, Stretch>> {
    return Effect.andThen(
      this.#wait(time),
      Effect.sync(() => this.#take(time))
    )
  }

  #wait(time: number): Effect.Effect<void> {
    return Effect.suspend(() => {
      if (this.#late(time).length === 0) return Effect.void
      const done = Deferred.makeUnsafe<void>()
      this.#waiting = { time, done }
      return Effect.asVoid(Effect.timeoutOption(Deferred.await(done), patience))
    })
  }

  #take(time: number): ReadonlyMap<string, Stretch> {
    this.#waiting = undefined
    this.#begun.clear()
    for (const process of this.#late(time)) this.#prompt.delete(process)
    const all = new Map(this.#stretches)
    for (const process of this.#ended) if ((all.get(process)?.now.time ?? 0) <= time) this.#forget(process)
    return all
  }

  #late(time: number): ReadonlyArray<string> {
    return [...this.#prompt].filter((process) => (this.#stretches.get(process)?.now.time ?? time) < time)
  }

  #look(): void {
    const waiting = this.#waiting
    if (waiting !== undefined && this.#late(waiting.time).length === 0) Deferred.doneUnsafe(waiting.done, Effect.void)
  }

  #forget(process: string): void {
    this.#ended.delete(process)
    this.#begun.delete(process)
    this.#stretches.delete(process)
  }
}
