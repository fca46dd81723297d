/** Gives what happens to everybody who listens; who does not read falls behind by so much and no more, and delays nobody. */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Queue from "effect/Queue"
import type * as Scope from "effect/Scope"

/** Events that wait for a client; one that leaves so many unread is given up. */
const room = 30

/** Who may listen at a time: half of an admin listener's connections, so that those who listen keep no probe out. */
const mostListeners = 50

interface Subscription {
  readonly queue: Queue.Queue<string>
  readonly dropped: Deferred.Deferred<void>
}

/** What a listener has of the hub. */
export interface Listening {
  /** The next event. */
  readonly take: Effect.Effect<string>
  /** Completes when too many wait. */
  readonly dropped: Effect.Effect<void>
}

export class EventHub {
  readonly #subscriptions = new Set<Subscription>()

  /** Whether one more may listen. */
  get hasRoom(): boolean {
    return this.#subscriptions.size < mostListeners
  }

  /** Listens from now on until the scope closes. */
  readonly listen: Effect.Effect<Listening, never, Scope.Scope> = Effect.map(
    Effect.acquireRelease(
      Effect.gen({ self: this }, function* () {
        const subscription: Subscription = {
          queue: yield* Queue.dropping<string>(room),
          dropped: yield* Deferred.make<void>()
        }
        this.#subscriptions.add(subscription)
        return subscription
      }),
      (subscription) => Effect.sync(() => this.#subscriptions.delete(subscription))
    ),
    ({ dropped, queue }) => ({ take: Queue.take(queue), dropped: Deferred.await(dropped) })
  )

  publish(event: string): void {
    for (const subscription of this.#subscriptions) {
      if (Queue.offerUnsafe(subscription.queue, event)) continue
      this.#subscriptions.delete(subscription)
      Deferred.doneUnsafe(subscription.dropped, Effect.void)
    }
  }
}
