/**
 * Effect's HttpRouter beside handlers of the contract, in one server: routes for whatever is asked and answered, an `sse` and
 * a `websocket` handler for what lasts, and an application of the contract as one route among the others.
 *
 *     npx pagi-server examples/14-router-and-sse.ts
 *     open http://127.0.0.1:5000/ in a few browser windows, or
 *     curl -N -H 'Accept: text/event-stream' http://127.0.0.1:5000/events
 *     curl -X POST http://127.0.0.1:5000/votes/tea
 *     npx wscat -c ws://127.0.0.1:5000/vote -x coffee
 *     curl http://127.0.0.1:5000/report/votes.csv
 *
 * Press Ctrl-C: the streams end at once, and the server with them.
 */
import type { SseReceiveEvent } from "@pagi/core/Event"
import * as PagiApp from "@pagi/core/PagiApp"
import * as Effect from "effect/Effect"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import * as SubscriptionRef from "effect/SubscriptionRef"

const page = `<!doctype html>
<meta charset="utf-8">
<title>Tea or coffee?</title>
<button>tea</button> <button>coffee</button>
<pre></pre>
<p><a href="/report/votes.csv">The votes as a table</a></p>
<script>
  for (const button of document.querySelectorAll("button")) {
    button.onclick = () => fetch("/votes/" + button.textContent, { method: "POST" })
  }
  new EventSource("/events").onmessage = (event) => {
    document.querySelector("pre").textContent = event.data
  }
</script>
`

type Tally = Readonly<Record<string, number>>

type Votes = SubscriptionRef.SubscriptionRef<Tally>

const vote = (votes: Votes, choice: string): Effect.Effect<Tally> =>
  SubscriptionRef.updateAndGet(votes, (tally) => ({ ...tally, [choice]: (tally[choice] ?? 0) + 1 }))

/** An application of the contract, which says its paths without knowing where it is mounted. */
const report = (votes: Votes) =>
  PagiApp.make({
    http: Effect.fnUntraced(function* ({ path, rootPath }, _receive, send) {
      if (path !== "/votes.csv") {
        yield* send({
          type: "http.response.start",
          status: 302,
          headers: [["location", `${rootPath}/votes.csv`]]
        })
        return yield* send({ type: "http.response.body" })
      }
      yield* send({ type: "http.response.start", status: 200, headers: [["content-type", "text/csv; charset=utf-8"]] })
      yield* send({ type: "http.response.body", body: "choice,votes\r\n", more: true })
      // Each `send` waits for a client that reads slowly, however long the table is.
      for (const [choice, count] of Object.entries(yield* SubscriptionRef.get(votes))) {
        yield* send({ type: "http.response.body", body: `${choice},${count}\r\n`, more: true })
      }
      yield* send({ type: "http.response.body" })
    })
  })

const routes = (votes: Votes) =>
  Layer.mergeAll(
    HttpRouter.add("GET", "/", HttpServerResponse.html(page)),
    HttpRouter.add("GET", "/votes", Effect.flatMap(SubscriptionRef.get(votes), HttpServerResponse.json)),
    HttpRouter.add(
      "POST",
      "/votes/:choice",
      Effect.gen(function* () {
        const { choice = "" } = yield* HttpRouter.params
        if (choice !== "tea" && choice !== "coffee") return HttpServerResponse.empty({ status: 404 })
        return yield* HttpServerResponse.json(yield* vote(votes, choice))
      })
    ),
    HttpRouter.use((router) =>
      Effect.flatMap(PagiApp.toHttpEffect(report(votes)), (handler) => router.add("GET", "/report/*", handler))
    )
  )

/** Completes when the client is gone. */
const disconnected = Effect.fnUntraced(function* (receive: PagiApp.Receive<SseReceiveEvent>) {
  while ((yield* receive).type !== "sse.disconnect");
})

export default Effect.gen(function* () {
  const votes = yield* SubscriptionRef.make<Tally>({ tea: 0, coffee: 0 })
  const router = PagiApp.fromHttpEffect(yield* HttpRouter.toHttpEffect(routes(votes)))
  return PagiApp.make({
    http: router,

    // It gets every request that accepts an event stream, whatever its path.
    sse: Effect.fnUntraced(function* (scope, receive, send) {
      // 204 and not 404, which tells the client just as clearly not to come again.
      if (scope.path !== "/events") return yield* send({ type: "sse.start", status: 204 })
      yield* send({ type: "sse.start" })
      yield* SubscriptionRef.changes(votes).pipe(
        Stream.runForEach((tally) => send({ type: "sse.send", data: JSON.stringify(tally) })),
        Effect.raceFirst(disconnected(receive)),
        Effect.raceFirst(scope.shuttingDown)
      )
    }),

    websocket: Effect.fnUntraced(function* (scope, receive, send) {
      yield* receive // websocket.connect
      if (scope.path !== "/vote") return yield* send({ type: "websocket.close" })
      yield* send({ type: "websocket.accept" })
      for (;;) {
        const event = yield* receive
        if (event.type === "websocket.disconnect") return
        if (event.type !== "websocket.receive" || event.text === undefined) continue
        yield* send({ type: "websocket.send", text: JSON.stringify(yield* vote(votes, event.text)) })
      }
    })
  })
})
