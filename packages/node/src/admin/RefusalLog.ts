/** Tells in the log who was refused something: the first at once, and how many have followed once a minute. */
import type { Address } from "@pagi/core/contract/Address"
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"

/** Between two messages. */
const interval = "1 minute"

/** One that was refused. */
export interface RefusedRequest {
  readonly method: string
  /** A path of the listener's; absent for one that there is not, which could be any text. */
  readonly path: string | undefined
  /** Absent for a Unix socket, which tells no address. */
  readonly client: Address | undefined
  readonly reason: string
}

const describe = ({ client, method, path, reason }: RefusedRequest): string => {
  const where = client === undefined ? "its Unix socket" : client[0]
  return `${method} ${path ?? "of another path"} from ${where}: ${reason}`
}

export class RefusalLog {
  readonly #hasNews = Latch.makeUnsafe(false)
  #count = 0
  #last: RefusedRequest | undefined = undefined

  /** Notes one, which costs nothing but that. */
  add(request: RefusedRequest): void {
    this.#count++
    this.#last = request
    this.#hasNews.openUnsafe()
  }

  /** Tells of them, for as long as it runs. */
  readonly run: Effect.Effect<never> = Effect.gen({ self: this }, function* () {
    yield* this.#hasNews.await
    let message = "the admin listener has refused"
    while (this.#last !== undefined) {
      const [count, last] = [this.#count, this.#last]
      this.#count = 0
      this.#last = undefined
      const others = count > 1 ? ` (and ${count - 1} more before it)` : ""
      yield* Effect.logWarning(`${message} ${describe(last)}${others}`)
      message = "in the last minute the admin listener has refused"
      yield* Effect.sleep(interval)
    }
    this.#hasNews.closeUnsafe()
  }).pipe(Effect.forever)
}
