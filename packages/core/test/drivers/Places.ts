/** Whatever becomes of a request, the place that it has or waits for is free again. */
import { assert, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import * as TestClock from "effect/testing/TestClock"
import * as PagiApp from "../../src/PagiApp.ts"
import { readBody, respond } from "./support/Applications.ts"
import { accepting, close, fakeSessions } from "./support/FakeWebSocket.ts"
import { ask, assertNothingLeft, type Harness, makeHarness, turn } from "./support/Harness.ts"
import type { Client, ClientExchange, Version } from "./support/Version.ts"

interface Asked {
  readonly client: Client
  readonly exchange: ClientExchange
}

/** What clients ask for. */
const kinds: Readonly<Record<string, (harness: Harness) => Asked>> = {
  "a request": (harness) => {
    const client = harness.connect()
    return { client, exchange: client.request({ path: "/hang" }) }
  },
  "a request with content": (harness) => {
    const client = harness.connect()
    const exchange = client.request({ method: "POST", path: "/upload", more: true })
    exchange.send("some")
    return { client, exchange }
  },
  "a request for an event stream": (harness) => {
    const client = harness.connect()
    return { client, exchange: client.request({ path: "/hang", fields: [["accept", "text/event-stream"]] }) }
  },
  "a WebSocket handshake": (harness) => {
    const client = harness.connect()
    return { client, exchange: client.handshake({ path: "/hang" }) }
  }
}

/** How it ends before its response is complete. */
const ends: Readonly<Record<string, (harness: Harness, asked: Asked) => Effect.Effect<void>>> = {
  "is abandoned": (_, { exchange }) => Effect.sync(() => exchange.abandon()),
  "loses its client": (_, { client }) => Effect.sync(() => client.transport.pushEnd()),
  "loses its connection": (_, { client }) => Effect.sync(() => client.transport.fail("client_closed")),
  "takes too long": () => TestClock.adjust("11 seconds"),
  "is of a server that stops": ({ server }) => Effect.sync(() => server.registry.abort("server_shutdown"))
}

/** An application that does what paths say, and whose state cannot be read while `isBroken`. */
const setUp = (version: Version) =>
  Effect.gen(function* () {
    const mayEnd = Latch.makeUnsafe()
    const broken = { isBroken: false }
    const state = {
      get pool() {
        if (broken.isBroken) throw new Error("the pool is gone")
        return "pool"
      }
    }
    const application = PagiApp.make({
      http: ({ path }, receive, send) => {
        if (path === "/hang") return Effect.never
        if (path === "/first") return Effect.andThen(mayEnd.await, respond(send, "first"))
        if (path === "/throw") throw new Error("thrown")
        return Effect.andThen(path === "/upload" ? readBody(receive) : Effect.void, respond(send, "done"))
      },
      sse: () => Effect.never,
      websocket: (scope, receive, send) => {
        if (scope.path === "/hang") return Effect.never
        return scope.path === "/refuse" ? send(close) : accepting(scope, receive, send)
      }
    })
    const options = {
      maxConcurrentRequests: 1,
      maxQueuedRequests: 10,
      requestDeadline: "10 seconds",
      maxBodySize: 100,
      disconnectGrace: 0
    } as const
    const harness = yield* makeHarness(version, application, { options, state, webSocket: fakeSessions().make })
    return { broken, harness, mayEnd }
  })

const held = ({ server }: Harness) => [server.turns?.admission.running, server.turns?.admission.waiting]

/** No place is held, which the next request finds; and nothing else is left when the server has stopped. */
const assertFree = (harness: Harness) =>
  Effect.gen(function* () {
    yield* turn
    assert.deepStrictEqual(held(harness), [0, 0])
    const { exchange } = yield* ask(harness, { path: "/next" })
    assert.strictEqual(exchange.response.body, "done")
    harness.server.registry.abort("server_shutdown")
    yield* turn
    assertNothingLeft(harness)
  })

export const testReturnedPlaces = (version: Version): void => {
  for (const [kind, begin] of Object.entries(kinds)) {
    for (const [how, end] of Object.entries(ends)) {
      it.effect(`${kind} that ${how} while it is served`, () =>
        Effect.gen(function* () {
          const { harness } = yield* setUp(version)
          const asked = begin(harness)
          yield* turn
          assert.deepStrictEqual(held(harness), [1, 0])
          yield* end(harness, asked)
          yield* assertFree(harness)
        })
      )

      it.effect(`${kind} that ${how} while it waits`, () =>
        Effect.gen(function* () {
          const { harness, mayEnd } = yield* setUp(version)
          yield* ask(harness, { path: "/first" })
          const asked = begin(harness)
          yield* turn
          assert.deepStrictEqual(held(harness), [1, 1])
          yield* end(harness, asked)
          yield* turn
          assert.strictEqual(harness.server.turns?.admission.waiting, 0)
          mayEnd.openUnsafe()
          yield* assertFree(harness)
        })
      )
    }
  }
}

export const testFailedBeginnings = (version: Version): void => {
  for (const [kind, begin] of Object.entries(kinds)) {
    it.effect(`${kind} that cannot begin, as the application's state cannot be read`, () =>
      Effect.gen(function* () {
        const { broken, harness } = yield* setUp(version)
        broken.isBroken = true
        begin(harness)
        yield* turn
        broken.isBroken = false
        yield* assertFree(harness)
      })
    )

    it.effect(`${kind} that cannot begin when its turn has come`, () =>
      Effect.gen(function* () {
        const { broken, harness, mayEnd } = yield* setUp(version)
        yield* ask(harness, { path: "/first" })
        begin(harness)
        yield* turn
        broken.isBroken = true
        mayEnd.openUnsafe()
        yield* turn
        broken.isBroken = false
        yield* assertFree(harness)
      })
    )
  }

  it.effect("an application that throws", () =>
    Effect.gen(function* () {
      const { harness } = yield* setUp(version)
      const { exchange } = yield* ask(harness, { path: "/throw" })
      assert.strictEqual(exchange.response.status, 500)
      yield* assertFree(harness)
    })
  )

  it.effect("a native handler that throws, which it must not", () =>
    Effect.gen(function* () {
      const application = Object.assign(PagiApp.make({ http: () => Effect.never }), {
        native: (): never => {
          throw new Error("broken")
        }
      })
      const harness = yield* makeHarness(version, application, { options: { maxConcurrentRequests: 1 } })
      const { client, exchange } = yield* ask(harness)
      assert.strictEqual(exchange.response.status, 500)
      assert.deepStrictEqual(held(harness), [0, 0])
      client.transport.pushEnd()
      yield* turn
      assert.strictEqual(harness.server.registry.size, 0)
    })
  )

  it.effect("a request with too much content, while it is served and while it waits", () =>
    Effect.gen(function* () {
      const { harness, mayEnd } = yield* setUp(version)
      const upload = () => ask(harness, { method: "POST", path: "/upload", more: true })
      const served = yield* upload()
      const waiting = yield* upload()
      for (const { exchange } of [served, waiting]) exchange.send("x".repeat(200))
      yield* turn
      mayEnd.openUnsafe()
      yield* assertFree(harness)
      assert.strictEqual(served.exchange.response.status, 413)
      assert.strictEqual(waiting.exchange.response.status, 413)
    })
  )

  it.effect("a handshake that is refused, and one that is accepted", () =>
    Effect.gen(function* () {
      const { harness } = yield* setUp(version)
      harness.connect().handshake({ path: "/refuse" })
      yield* turn
      assert.deepStrictEqual(held(harness), [0, 0])
      harness.connect().handshake({ path: "/accept" })
      yield* assertFree(harness)
    })
  )
}
