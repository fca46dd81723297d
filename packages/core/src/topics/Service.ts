/** The service of topics, for one process and for several. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import { poolKey } from "../contract/PoolKey.ts"
import { TopicHub } from "./TopicHub.ts"
import type { MakeLink } from "./TopicLink.ts"
import * as TopicMetrics from "./TopicMetrics.ts"
import * as Unreadable from "./Unreadable.ts"

/** The service: the topics of this process, and the way to those of others. */
export class Topics extends Context.Service<Topics, { readonly hub: TopicHub }>()("@pagi/core/Topics") {}

/** The topics of this process, connected with those of others by a link. For those who write one. */
export const layerLink = <E, R>(makeLink: MakeLink<E, R>): Layer.Layer<Topics, E, Exclude<R, Scope.Scope>> =>
  Layer.effect(
    Topics,
    Effect.gen(function* () {
      const hub = yield* makeHub
      hub.connect(yield* makeLink(hub.listener))
      return { hub }
    })
  )

const Pool = Context.Reference<unknown>(poolKey, { defaultValue: () => undefined })

/** Topics of one process. With the workers of a server it says in the log that clients of others hear nothing of them. */
export const layer: Layer.Layer<Topics> = Layer.effect(
  Topics,
  Effect.gen(function* () {
    if ((yield* Pool) !== undefined) yield* Effect.logWarning(aloneAmongWorkers)
    return { hub: yield* makeHub }
  })
)

const aloneAmongWorkers =
  "topics of this worker alone, which clients of other workers hear nothing of: PagiTopics.layer of @pagi/node connects all workers"

const makeHub: Effect.Effect<TopicHub, never, Scope.Scope> = Effect.gen(function* () {
  const context = yield* Effect.context<never>()
  const fork = Effect.runForkWith(context)
  const hub = yield* Effect.acquireRelease(
    Effect.sync(() => new TopicHub({ fork, id: crypto.randomUUID(), onUnreadable: Unreadable.make(context) })),
    (hub) => Effect.sync(() => hub.close())
  )
  yield* TopicMetrics.count(hub.counts)
  return hub
})
