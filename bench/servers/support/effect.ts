import * as Effect from "effect/Effect"
import * as HttpApi from "effect/http-api/HttpApi"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import * as HttpApiEndpoint from "effect/http-api/HttpApiEndpoint"
import * as HttpApiGroup from "effect/http-api/HttpApiGroup"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as Contract from "./contract.ts"

const hello = HttpRouter.add("GET", "/", () =>
  Effect.succeed(HttpServerResponse.text(Contract.greeting, { contentType: Contract.contentType }))
)

const Line = Schema.Struct({ product: Schema.NonEmptyString, quantity: Schema.Int })

const Order = Schema.Struct({ customer: Schema.String, lines: Schema.Array(Line) })

const Receipt = Schema.Struct({ ...Order.fields, pieces: Schema.Int })

const api = HttpApi.make("shop").add(
  HttpApiGroup.make("orders").add(
    HttpApiEndpoint.post("place", Contract.ordersPath, { payload: Order, success: Receipt })
  )
)

const orders = HttpApiBuilder.group(api, "orders", (handlers) =>
  handlers.handle("place", ({ payload }) =>
    Effect.succeed({ ...payload, pieces: payload.lines.reduce((sum, { quantity }) => sum + quantity, 0) })
  )
)

/** A program for Effect's HTTP server, the same on every server that runs it. */
export const program = HttpRouter.serve(Layer.merge(hello, HttpApiBuilder.layer(api).pipe(Layer.provide(orders))), {
  disableListenLog: true,
  disableLogger: true
})
