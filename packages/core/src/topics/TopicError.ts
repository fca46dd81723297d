/** Why something with a topic fails. */
import * as Schema from "effect/Schema"
import type { LinkError } from "./LinkError.ts"

const fields = { topic: Schema.String, message: Schema.String }

/** The topic's name is empty, too long or no text. */
export class InvalidTopicName extends Schema.TaggedError<InvalidTopicName>()("InvalidTopicName", fields) {}

/** The value is not one that the topic's schema describes. */
export class InvalidTopicValue extends Schema.TaggedError<InvalidTopicValue>()("InvalidTopicValue", fields) {}

/** The value has more bytes as JSON than may be in a message, or be told of a member. */
export class TopicValueTooLarge extends Schema.TaggedError<TopicValueTooLarge>()("TopicValueTooLarge", fields) {}

/** An option has a value that it cannot have. */
export class InvalidTopicOption extends Schema.TaggedError<InvalidTopicOption>()("InvalidTopicOption", fields) {}

/** The subscriber was behind with its whole buffer full, and had asked to be ended then. */
export class SubscriberBehind extends Schema.TaggedError<SubscriberBehind>()("SubscriberBehind", fields) {}

/** What connects the processes could not do it; it was done in this process alone. */
export class TopicLinkFailed extends Schema.TaggedError<TopicLinkFailed>()("TopicLinkFailed", {
  ...fields,
  /** What has caused it, where something has. */
  cause: Schema.optionalKey(Schema.Defect())
}) {}

/**
 * Why something with a topic failed: `reason` says which of the ways it is, and its message what to do.
 */
export class TopicError extends Schema.TaggedError<TopicError>()("TopicError", {
  reason: Schema.Union([
    InvalidTopicName,
    InvalidTopicOption,
    InvalidTopicValue,
    TopicValueTooLarge,
    SubscriberBehind,
    TopicLinkFailed
  ])
}) {
  override get message(): string {
    return `topic ${JSON.stringify(this.reason.topic)}: ${this.reason.message}`
  }
}

/** A name as it may stand in a message: names of others may be as long as they like. */
const shown = (topic: unknown): string => {
  const text = typeof topic === "string" ? topic : `a ${typeof topic}`
  return text.length > 100 ? `${text.slice(0, 100)}…` : text
}

export const invalidName = (topic: unknown, message: string): TopicError =>
  new TopicError({ reason: new InvalidTopicName({ topic: shown(topic), message }) })

export const invalidOption = (topic: string, message: string): TopicError =>
  new TopicError({ reason: new InvalidTopicOption({ topic: shown(topic), message }) })

export const invalidValue = (topic: string, message: string): TopicError =>
  new TopicError({ reason: new InvalidTopicValue({ topic: shown(topic), message }) })

export const tooLarge = (topic: string, message: string): TopicError =>
  new TopicError({ reason: new TopicValueTooLarge({ topic: shown(topic), message }) })

export const behind = (topic: string, capacity: number): TopicError =>
  new TopicError({
    reason: new SubscriberBehind({
      topic: shown(topic),
      message: `the subscriber has not taken the last ${capacity} messages, and was ended as its option whenFull says; read faster, or subscribe again with a larger capacity`
    })
  })

/** The link has failed, for a reason that it tells. */
export const linkFailed = (topic: string, { cause, message }: LinkError): TopicError =>
  new TopicError({
    reason: new TopicLinkFailed({ topic: shown(topic), message, ...(cause === undefined ? {} : { cause }) })
  })
