import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/testing/TestClock"
import * as PagiApp from "../../src/contract/PagiApp.ts"
import * as TestClient from "../../src/testing/TestClient.ts"

describe("the scope of an exchange of TestClient", () => {
  /** Notes what is acquired and released, which takes a second, in each kind of exchange. */
  const makeApp = (notes: Array<string>) => {
    const note = (text: string) => Effect.sync(() => void notes.push(text))
    const acquire = (name: string) =>
      Effect.acquireRelease(note(`+${name}`), () => Effect.delay(note(`-${name}`), "1 second"))
    return PagiApp.make({
      http: Effect.fnUntraced(function* (_scope, receive, send) {
        yield* acquire("http")
        yield* send({ type: "http.response.start", status: 200 })
        yield* send({ type: "http.response.body" })
        yield* receive
      }),
      sse: Effect.fnUntraced(function* (_scope, receive, send) {
        yield* acquire("sse")
        yield* send({ type: "sse.start" })
        while ((yield* receive).type !== "sse.disconnect");
      }),
      websocket: Effect.fnUntraced(function* (_scope, _receive, send) {
        yield* acquire("websocket")
        yield* send({ type: "websocket.accept" })
        return yield* Effect.never
      }),
      lifespan: Effect.fnUntraced(function* (_scope, _receive, send) {
        yield* acquire("lifespan")
        yield* send({ type: "lifespan.startup.complete" })
      })
    })
  }

  it.effect("ends with it, and that of the lifespan with the client", () =>
    Effect.gen(function* () {
      const notes: Array<string> = []
      const closing = yield* Effect.forkChild(
        Effect.scoped(
          Effect.gen(function* () {
            const client = yield* TestClient.make(makeApp(notes))
            yield* client.request({})
            yield* TestClock.adjust("1 second")
            const stream = yield* client.open({ headers: [["accept", "text/event-stream"]] })
            yield* stream.start
            yield* stream.disconnect()
            yield* TestClock.adjust("1 second")
            yield* stream.exit
            assert.deepStrictEqual(notes, ["+lifespan", "+http", "-http", "+sse", "-sse"])
            yield* client.webSocket({ path: "/" })
          })
        ),
        { startImmediately: true }
      )
      // One after the other: what the lifespan has opened may be needed by the finalizers of exchanges.
      while (closing.pollUnsafe() === undefined) yield* TestClock.adjust("1 second")
      yield* Fiber.join(closing)
      assert.deepStrictEqual(notes.slice(5), ["+websocket", "-websocket", "-lifespan"])
    })
  )
})
