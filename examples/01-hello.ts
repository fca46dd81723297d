/**
 * The smallest application: it answers every request with a greeting.
 *
 *     npx pagi-server examples/01-hello.ts
 *     curl -i http://127.0.0.1:5000/
 *     curl -i http://127.0.0.1:5000/world?name=Ada
 */
import * as PagiApp from "@pagi/core/PagiApp"
import * as Effect from "effect/Effect"

export default PagiApp.make({
  http: Effect.fnUntraced(function* (scope, _receive, send) {
    const name = new URLSearchParams(scope.queryString).get("name") ?? "stranger"
    yield* send({
      type: "http.response.start",
      status: 200,
      headers: [["content-type", "text/plain; charset=utf-8"]]
    })
    yield* send({ type: "http.response.body", body: `Hello, ${name}! You asked for ${scope.path}\n` })
  })
})
