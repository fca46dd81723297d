import * as Schema from "effect/Schema"

/** The event is not one that this scope type sends, or a property is missing or wrong. */
export class InvalidEvent extends Schema.TaggedError<InvalidEvent>()("InvalidEvent", {
  event: Schema.String,
  message: Schema.String
}) {}

/** The event is sound but may not be sent now, for instance a body before the start. */
export class EventOutOfOrder extends Schema.TaggedError<EventOutOfOrder>()("EventOutOfOrder", {
  event: Schema.String,
  message: Schema.String
}) {}

/** The event needs an extension that the scope does not advertise. */
export class ExtensionMissing extends Schema.TaggedError<ExtensionMissing>()("ExtensionMissing", {
  event: Schema.String,
  message: Schema.String
}) {}

/** The protocol cannot carry the event, for instance a header value with a line break or a body over its length. */
export class ResponseRefused extends Schema.TaggedError<ResponseRefused>()("ResponseRefused", {
  event: Schema.String,
  message: Schema.String
}) {}

/** Why a `send` failed. The exchange is as it was before, unless the reason's own text says otherwise. */
export class SendError extends Schema.TaggedError<SendError>()("SendError", {
  reason: Schema.Union([InvalidEvent, EventOutOfOrder, ExtensionMissing, ResponseRefused])
}) {
  override get message(): string {
    return `${this.reason.event}: ${this.reason.message}`
  }
}

/** The failure for an event that is not sound. */
export const invalidEvent = (event: string, message: string): SendError =>
  new SendError({ reason: new InvalidEvent({ event, message }) })

/** The failure for an event that may not be sent now. */
export const outOfOrder = (event: string, message: string): SendError =>
  new SendError({ reason: new EventOutOfOrder({ event, message }) })

/** The failure for an event that needs an extension. */
export const extensionMissing = (event: string, extension: string): SendError =>
  new SendError({
    reason: new ExtensionMissing({ event, message: `the scope does not advertise the extension "${extension}"` })
  })

/** The failure for what the protocol cannot carry. */
export const refused = (event: string, message: string): SendError =>
  new SendError({ reason: new ResponseRefused({ event, message }) })
