import * as Schema from "effect/Schema"

/** A file or a setting of TLS cannot be used. */
export class TlsError extends Schema.TaggedError<TlsError>()("TlsError", {
  /** What it is for, for instance "certificate". */
  what: Schema.String,
  /** The file, or the setting itself. */
  subject: Schema.String,
  detail: Schema.String
}) {
  override get message(): string {
    return `cannot use the ${this.what} ${this.subject}: ${this.detail}`
  }
}
