import { PagiApp } from "@pagi/core"
import * as Effect from "effect/Effect"

export default PagiApp.make({
  http: Effect.fnUntraced(function* (scope, _receive, send) {
    yield* Effect.sleep("1 millis")
    if (scope.path === "/fail") return yield* Effect.fail("no")
    yield* send({ type: "http.response.start", status: 200, headers: [["content-type", "text/plain"]] })
    yield* send({ type: "http.response.body", body: `packed ${scope.path}` })
  })
})
