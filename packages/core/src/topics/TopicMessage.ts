/** A message or a member as it goes to others: its text, encoded once, and its value, decoded once for all who want it. */
import * as Result from "effect/Result"
import type { TopicCodec } from "./TopicCodec.ts"

/** Something that was made from a message for all who ask for the same. */
interface Derived {
  readonly by: unknown
  readonly value: unknown
  readonly next: Derived | undefined
  /** How many there are from here on. */
  readonly length: number
}

/** Beyond these nobody looks at one after the other: a program may make a form for each of its clients. */
const longest = 8

export class TopicMessage {
  /** The value as JSON. */
  readonly text: string
  #derived: Derived | undefined = undefined
  /** Those for which there was no place in the list. */
  #more: Map<unknown, unknown> | undefined = undefined

  constructor(text: string) {
    this.text = text
  }

  /** A message of this process, whose value is known. */
  static of<A>(text: string, codec: TopicCodec<A>, value: A): TopicMessage {
    const message = new TopicMessage(text)
    message.#derived = { by: codec, value: Result.succeed(value), next: undefined, length: 1 }
    return message
  }

  /** The value as the codec reads it, or what is wrong with the text. */
  value<A>(codec: TopicCodec<A>): Result.Result<A, string> {
    return this.derive(codec, decode)
  }

  /**
   * What `make` gives for this message, made once for all who ask by the same `by`. Few ask by different ones: schemas of
   * subscribers, and forms in which the message is sent.
   */
  derive<By, Value>(by: By, make: (by: By, message: TopicMessage) => Value): Value {
    for (let known = this.#derived; known !== undefined; known = known.next) {
      // What is kept with `by` was made by it.
      if (known.by === by) return known.value as Value
    }
    // As above.
    if (this.#more?.has(by) === true) return this.#more.get(by) as Value
    const value = make(by, this)
    const length = (this.#derived?.length ?? 0) + 1
    if (length > longest) (this.#more ??= new Map()).set(by, value)
    else this.#derived = { by, value, next: this.#derived, length }
    return value
  }
}

const decode = <A>(codec: TopicCodec<A>, { text }: TopicMessage): Result.Result<A, string> => codec.decode(text)
