import * as Schema from "effect/Schema"

/**
 * What connects the processes could not do something. The message says what it was and what a person can do; what was to
 * be done has happened in this process alone.
 */
export class LinkError extends Schema.TaggedError<LinkError>()("LinkError", {
  message: Schema.String,
  /** What has caused it, where something has. */
  cause: Schema.optionalKey(Schema.Defect())
}) {}
