/**
 * Of which topics the link is to tell: of those about which somebody here wants to know.
 *
 * | state  | one comes           | the last goes         | the link has answered       | the question has ended |
 * | ------ | ------------------- | --------------------- | --------------------------- | ---------------------- |
 * | none   | asks → asking       |                       |                             |                        |
 * | asking |                     | interrupts → ending   | → told or → failed          |                        |
 * | told   |                     | stops → none          |                             |                        |
 * | failed | asks → asking       | → none                |                             |                        |
 * | ending | asks later → asking |                       | it was too late: stops      | → none                 |
 */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import type { TopicError } from "./TopicError.ts"

export interface InterestsOptions {
  /** Asks the link to tell; completes when it does. */
  readonly ask: (topic: string) => Effect.Effect<void, TopicError>
  /** The link need not tell any more. */
  readonly stop: (topic: string) => void
  readonly fork: <A, E>(effect: Effect.Effect<A, E>) => Fiber.Fiber<A, E>
}

/** A question to the link. */
interface Question {
  readonly fiber: Fiber.Fiber<void, TopicError>
  readonly answer: Deferred.Deferred<void, TopicError>
  state: "asking" | "told" | "failed" | "ending"
}

interface TopicEntry {
  users: number
  question: Question | undefined
}

export class Interests {
  readonly #topics = new Map<string, TopicEntry>()
  readonly #options: InterestsOptions

  constructor(options: InterestsOptions) {
    this.#options = options
  }

  /** Topics of which anything is kept. */
  get size(): number {
    return this.#topics.size
  }

  /** Somebody wants to know. Yields what completes when the link tells. */
  enter(topic: string): Effect.Effect<void, TopicError> {
    let entry = this.#topics.get(topic)
    if (entry === undefined) {
      entry = { users: 0, question: undefined }
      this.#topics.set(topic, entry)
    }
    entry.users++
    const { question } = entry
    if (question?.state === "told") return Effect.void
    if (question?.state === "asking") return Deferred.await(question.answer)
    return Deferred.await(this.#ask(topic, entry).answer)
  }

  /** Somebody does not any more. Who still waits for the link when it was the last is interrupted. */
  leave(topic: string): void {
    const entry = this.#topics.get(topic)
    if (entry === undefined || --entry.users > 0) return
    const { question } = entry
    if (question?.state === "asking") {
      question.state = "ending"
      Deferred.doneUnsafe(question.answer, Exit.interrupt())
      question.fiber.interruptUnsafe()
      return
    }
    if (question?.state === "ending") return
    this.#topics.delete(topic)
    if (question?.state === "told") this.#options.stop(topic)
  }

  #ask(topic: string, entry: TopicEntry): Question {
    const { ask, fork } = this.#options
    const before = entry.question
    const asked = Effect.suspend(() => ask(topic))
    // The link has to have got over an earlier question before it is asked again.
    const asking =
      before?.state === "ending" ? Effect.andThen(Effect.uninterruptible(Fiber.await(before.fiber)), asked) : asked
    const question: Question = { fiber: fork(asking), answer: Deferred.makeUnsafe(), state: "asking" }
    entry.question = question
    question.fiber.addObserver((exit) => this.#answered(topic, entry, question, exit))
    return question
  }

  #answered(topic: string, entry: TopicEntry, question: Question, exit: Exit.Exit<void, TopicError>): void {
    if (question.state !== "ending") {
      question.state = Exit.isSuccess(exit) ? "told" : "failed"
      Deferred.doneUnsafe(question.answer, exit)
      return
    }
    if (Exit.isSuccess(exit)) this.#options.stop(topic)
    if (entry.question === question) this.#topics.delete(topic)
  }
}
