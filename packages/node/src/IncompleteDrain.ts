import * as Duration from "effect/Duration"
import * as Schema from "effect/Schema"

/** The server has stopped, but not every connection finished within `shutdownTimeout`; these were cut off. */
export class IncompleteDrain extends Schema.TaggedError<IncompleteDrain>()("IncompleteDrain", {
  connections: Schema.Int,
  shutdownTimeout: Schema.Duration
}) {
  override get message(): string {
    const count = this.connections === 1 ? "1 connection" : `${this.connections} connections`
    return `${count} did not finish within ${Duration.format(this.shutdownTimeout)}, and had to be closed`
  }
}
