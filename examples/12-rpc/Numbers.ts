/** What can be asked for: a procedure that answers, with an error of its own, and one that answers with a stream. */
import * as Rpc from "effect/rpc/Rpc"
import * as RpcGroup from "effect/rpc/RpcGroup"
import * as Schema from "effect/Schema"

const Natural = Schema.Int.check(Schema.isGreaterThan(0))

export class TooLarge extends Schema.TaggedError<TooLarge>()("TooLarge", { largest: Schema.Int }) {
  override get message(): string {
    return `that would take too long; ask for ${this.largest} at most`
  }
}

export class Numbers extends RpcGroup.make(
  /** The prime factors of a number. */
  Rpc.make("Factors", { payload: { of: Natural }, success: Schema.Array(Natural), error: TooLarge }),
  /** The primes from a number on, without an end. */
  Rpc.make("Primes", { payload: { from: Natural }, success: Natural, stream: true }),
  /** How many primes have been looked for, by anybody. */
  Rpc.make("Looked", { success: Schema.Int })
) {}
