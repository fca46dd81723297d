/** A program for Effect's HTTP server in which this server is embedded; prints the answer to one request. */
import * as PagiHttpServer from "@pagi/node/PagiHttpServer"
import * as Effect from "effect/Effect"
import * as HttpApi from "effect/http-api/HttpApi"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import * as HttpApiEndpoint from "effect/http-api/HttpApiEndpoint"
import * as HttpApiGroup from "effect/http-api/HttpApiGroup"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServer from "effect/http/HttpServer"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"

const Thing = Schema.Struct({ name: Schema.String })

const api = HttpApi.make("api").add(
  HttpApiGroup.make("things").add(HttpApiEndpoint.post("add", "/things", { payload: Thing, success: Thing }))
)

const things = HttpApiBuilder.group(api, "things", (handlers) =>
  handlers.handle("add", ({ payload }) => Effect.succeed({ name: `packed ${payload.name}` }))
)

const routes = HttpApiBuilder.layer(api).pipe(Layer.provide(things))

const served = HttpRouter.serve(routes, { disableListenLog: true, disableLogger: true }).pipe(
  Layer.provideMerge(PagiHttpServer.layer({ port: 0 }))
)

const main = HttpServer.addressFormattedWith((address) =>
  Effect.promise(async () => {
    const headers = { "content-type": "application/json" }
    const body = JSON.stringify({ name: "thing" })
    const response = await fetch(`${address}/things`, { method: "POST", headers, body })
    console.log(`${response.status} ${await response.text()}`)
  })
)

await Effect.runPromise(Effect.provide(main, served))
