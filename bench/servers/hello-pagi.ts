import * as PagiApp from "@pagi/core/PagiApp"
import * as Effect from "effect/Effect"
import * as Contract from "./support/contract.ts"

export default PagiApp.make({
  http: Effect.fnUntraced(function* (_scope, _receive, send) {
    yield* send({ type: "http.response.start", status: 200, headers: [["content-type", Contract.contentType]] })
    yield* send({ type: "http.response.body", body: Contract.greeting })
  })
})
