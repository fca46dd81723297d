import * as Effect from "effect/Effect"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServerResponse from "effect/http/HttpServerResponse"

const routes = HttpRouter.add("GET", "/:name", (request) =>
  Effect.map(HttpRouter.params, ({ name }) => HttpServerResponse.text(`packed ${request.method} ${name}`))
)

export default HttpRouter.serve(routes, { disableListenLog: true, disableLogger: true })
