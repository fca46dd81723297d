import * as PagiApp from "@pagi/core/PagiApp"
import * as Effect from "effect/Effect"

/** An application that computes for 2 ms for each request. */
export default PagiApp.make({
  http: (_scope, _receive, send) =>
    Effect.suspend(() => {
      const end = performance.now() + 2
      while (performance.now() < end);
      return Effect.andThen(
        send({ type: "http.response.start", status: 200, headers: [["content-type", "text/plain"]] }),
        send({ type: "http.response.body", body: "computed" })
      )
    })
})
