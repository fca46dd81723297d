/**
 * Counters as entities of a cluster, in the workers of a server.
 *
 *     npx pagi-server --workers 4 examples/16-cluster/app.ts
 *     curl -X POST http://127.0.0.1:5000/counters/apples
 *     kill -9 of a worker, and again
 *
 * - `stored.ts`: the cluster for messages that have to outlive workers
 * - `machines.ts`: the one of many machines
 */
import * as PagiCluster from "@pagi/node/PagiCluster"
import * as Entity from "effect/cluster/Entity"
import * as Effect from "effect/Effect"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Layer from "effect/Layer"
import * as Rpc from "effect/rpc/Rpc"
import * as Schema from "effect/Schema"

const Counter = Entity.make("Counter", [Rpc.make("Add", { success: Schema.Int })])

const Counters = Counter.toLayer(
  Effect.sync(() => {
    let count = 0
    return { Add: () => Effect.sync(() => ++count) }
  })
)

const routes = HttpRouter.use((router) =>
  Effect.gen(function* () {
    const counter = yield* Counter.client
    yield* router.add(
      "POST",
      "/counters/:id",
      Effect.gen(function* () {
        const { id = "" } = yield* HttpRouter.params
        return yield* HttpServerResponse.json(yield* counter(id).Add())
      })
    )
  })
)

export default HttpRouter.serve(Layer.provide(routes, Layer.provideMerge(Counters, PagiCluster.layer())), {
  disableListenLog: true
})
