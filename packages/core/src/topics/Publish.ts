/** Tells everybody who subscribes to a topic. */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { Topics } from "./Service.ts"
import { nameProblem, type Topic } from "./Topic.ts"
import { TopicCodec } from "./TopicCodec.ts"
import { invalidValue, tooLarge, type TopicError } from "./TopicError.ts"
import { fits, maxMessageBytes } from "./TopicLimits.ts"
import { TopicMessage } from "./TopicMessage.ts"
import * as Wait from "./Wait.ts"

/**
 * Tells everybody who subscribes to the topic. Subscribers of this process have the message when this has succeeded, in
 * their buffers or by themselves; it waits for nobody but subscribers who have asked for that (`whenFull: "wait"`), and
 * for what connects the processes when that is behind. Who is interrupted while it waits has told all others.
 *
 * Subscribers of this process with the same schema get this very value, so it should not be changed afterwards. It is to
 * have at most 1 MiB as JSON.
 */
export const publish = <A>(topic: Topic<A>, value: A): Effect.Effect<void, TopicError, Topics> =>
  Effect.flatMap(Topics, ({ hub }) =>
    Effect.uninterruptibleMask((restore) => {
      const codec = TopicCodec.of(topic.schema)
      const message = encode(topic.name, codec, value, maxMessageBytes)
      if (!(message instanceof TopicMessage)) return Effect.fail(message)
      const wait = hub.publish(topic.name, message)
      return wait === undefined ? Effect.void : Wait.await_(wait, restore)
    })
  )

/** A value as it is told, or what is wrong with it or with the topic's name. */
export const encode = <A>(
  name: string,
  codec: TopicCodec<A>,
  value: A,
  maxBytes: number
): TopicMessage | TopicError => {
  const problem = nameProblem(name)
  if (problem !== undefined) return problem
  const text = codec.encode(value)
  if (Result.isFailure(text)) return invalidValue(name, text.failure)
  return fits(text.success, maxBytes)
    ? TopicMessage.of(text.success, codec, value)
    : tooLarge(name, `the value has more than ${maxBytes} bytes as JSON; keep it somewhere else and tell where`)
}
