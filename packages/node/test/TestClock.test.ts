import { assert, describe, it } from "@effect/vitest"
import * as PagiApp from "@pagi/core/PagiApp"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { open } from "./support/Client.ts"
import { fetch } from "./support/HttpSuiteClient.ts"
import { serveWay, ways } from "./support/HttpSuiteWay.ts"
import { onStillClock } from "./support/Pace.ts"
import { answer, serve } from "./support/Server.ts"
import { connect } from "./support/WebSocketClient.ts"

const app = PagiApp.make({
  http: answer("good"),
  sse: Effect.fnUntraced(function* (_scope, receive, send) {
    yield* send({ type: "sse.start" })
    yield* send({ type: "sse.send", data: "hello" })
    while ((yield* receive).type !== "sse.disconnect");
  }),
  websocket: Effect.fnUntraced(function* (_scope, receive, send) {
    yield* send({ type: "websocket.accept" })
    while ((yield* receive).type !== "websocket.disconnect");
  })
})

/** Several times what it takes. In virtual time it would never end, as nobody moves that. */
const soon = (close: Effect.Effect<void>) =>
  Effect.map(Effect.timed(close), ([waited]) => assert.isBelow(Duration.toMillis(waited), 6000))

describe("a server under TestClock", () => {
  for (const way of ways) {
    it.live(`closes idle connections and event streams of HTTP/${way.version} over ${way.over}`, () =>
      Effect.gen(function* () {
        const { client, server } = yield* onStillClock(serveWay(way, app))
        yield* fetch(client)
        yield* soon(server.close)
      })
    )
  }

  it.live("closes sessions, streams, and connections without a request", () =>
    Effect.gen(function* () {
      const { close, port } = yield* onStillClock(serve(app))
      yield* open(port)
      const session = yield* connect(`ws://127.0.0.1:${port}`)
      yield* session.opened
      const stream = yield* open(port)
      stream.get("/", "Accept: text/event-stream\r\n")
      yield* stream.endsWith("data: hello\n\n\r\n")
      yield* soon(close)
      yield* session.ended
      assert.strictEqual(session.closed?.code, 1001)
    })
  )

  it.live("does not have the live clock otherwise", () =>
    Effect.gen(function* () {
      const live = Context.get(Context.empty(), Clock.Clock)
      assert.strictEqual(yield* Clock.Clock, live)
      assert.notStrictEqual(yield* onStillClock(Effect.map(Clock.Clock, (clock) => clock)), live)
    })
  )
})
