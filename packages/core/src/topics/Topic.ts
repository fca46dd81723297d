/**
 * Topics: names under which values of a schema are published, in one process or many.
 *
 * ```ts
 * const Said = Schema.Struct({ from: Schema.String, text: Schema.String })
 * const room = (id: string) => Topic.make(`room/${id}`, Said)
 * ```
 */
import type * as Schema from "effect/Schema"
import { invalidName, type TopicError } from "./TopicError.ts"
import { fits, maxNameBytes } from "./TopicLimits.ts"

/** A name, and what the values are that are published under it. */
export interface Topic<in out A> {
  /** 1 to 255 bytes of UTF-8, of any characters. */
  readonly name: string
  /** The values. It needs no services and does not wait, so that a message is written and read at once. */
  readonly schema: Schema.Codec<A, unknown>
}

/** A topic that somebody can be in. */
export interface WithMembers<in out A, in out M> extends Topic<A> {
  /** What others are told of a member. */
  readonly member: Schema.Codec<M, unknown>
}

/**
 * A topic. That costs next to nothing, so a name such as `"room/" + id` can be put together whenever the topic is needed;
 * the schema should be the same object each time. A name that is not 1 to 255 bytes of UTF-8 fails whatever is done with
 * the topic.
 *
 * With `member` it has members too: what others are told of them.
 */
export const make: {
  <A, M>(
    name: string,
    schema: Schema.Codec<A, unknown>,
    options: { readonly member: Schema.Codec<M, unknown> }
  ): WithMembers<A, M>
  <A>(name: string, schema: Schema.Codec<A, unknown>): Topic<A>
} = <A>(name: string, schema: Schema.Codec<A, unknown>, options?: object): never =>
  // The overloads tell which of the two it is.
  ({ name, schema, ...options }) as never

/** What is wrong with the name of a topic, if anything. */
export const nameProblem = (name: unknown): TopicError | undefined => {
  if (typeof name !== "string") return invalidName(name, "a name is a string")
  if (name === "") return invalidName(name, "a name has at least one character")
  if (!fits(name, maxNameBytes)) return invalidName(name, `a name has at most ${maxNameBytes} bytes of UTF-8`)
  return name.isWellFormed() ? undefined : invalidName(name, "a name has no halves of surrogate pairs")
}
