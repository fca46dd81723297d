/**
 * What is sent is written at the end of the turn of the event loop, so that a short response goes out in one piece. An
 * application that keeps the event loop busy can have it written before: with http.fullflush.
 *
 *     npx pagi-server examples/07-fullflush.ts
 *     curl -N http://127.0.0.1:5000/        the first line at once, the second after a second of hard work
 *     curl -N http://127.0.0.1:5000/late    both lines after the work
 *
 * Nobody else is served during that second: work like this belongs into a worker thread, and the example is about what
 * the client sees of it.
 */
import * as PagiApp from "@pagi/core/PagiApp"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"

/** Computes for a second, without a pause in which anything else could happen. */
const hardWork = Clock.clockWith((clock) =>
  Effect.sync(() => {
    const end = clock.currentTimeMillisUnsafe() + 1000
    let sum = 0
    while (clock.currentTimeMillisUnsafe() < end) sum += Math.sqrt(sum + 1)
    return sum
  })
)

export default PagiApp.make({
  http: Effect.fnUntraced(function* (scope, _receive, send) {
    yield* send({ type: "http.response.start", status: 200, headers: [["content-type", "text/plain"]] })
    yield* send({ type: "http.response.body", body: "This takes a moment …\n", more: true })
    // The server refuses the event when its operator has taken the extension away.
    if (scope.path !== "/late" && "fullflush" in scope.extensions) yield* send({ type: "http.fullflush" })
    const sum = yield* hardWork
    yield* send({ type: "http.response.body", body: `… and that is the result: ${Math.round(sum)}\n` })
  })
})
