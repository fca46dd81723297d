/**
 * A response that is sent piece by piece while it is made. `send` waits for a slow reader, so nothing piles up.
 *
 *     npx pagi-server examples/02-streaming.ts
 *     curl -N http://127.0.0.1:5000/                                  five lines, one a second
 *     curl --limit-rate 1M -o /dev/null http://127.0.0.1:5000/endless  as slow as you like; memory stays flat
 *
 * Press Ctrl-C in the server's terminal during the first: the response is finished before the server stops. The endless
 * one watches for that and ends by itself.
 */
import type { HttpSendEvent } from "@pagi/core/Event"
import * as PagiApp from "@pagi/core/PagiApp"
import * as Effect from "effect/Effect"

type Send = PagiApp.Send<HttpSendEvent>

const countdown = Effect.fnUntraced(function* (send: Send) {
  for (let left = 5; left > 0; left--) {
    yield* send({ type: "http.response.body", body: `${left}\n`, more: true })
    yield* Effect.sleep("1 second")
  }
  yield* send({ type: "http.response.body", body: "Lift-off!\n" })
})

const piece: HttpSendEvent = { type: "http.response.body", body: ".".repeat(16_384), more: true }

const endless = (send: Send, shuttingDown: Effect.Effect<void>) =>
  Effect.raceFirst(Effect.forever(send(piece)), shuttingDown).pipe(
    Effect.andThen(send({ type: "http.response.body", body: "\n" }))
  )

export default PagiApp.make({
  http: Effect.fnUntraced(function* (scope, _receive, send) {
    yield* send({ type: "http.response.start", status: 200, headers: [["content-type", "text/plain"]] })
    yield* scope.path === "/endless" ? endless(send, scope.shuttingDown) : countdown(send)
  })
})
