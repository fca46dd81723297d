import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as RpcClient from "effect/rpc/RpcClient"
import * as RpcSerialization from "effect/rpc/RpcSerialization"
import * as Socket from "effect/socket/Socket"
import * as Stream from "effect/Stream"
import { Numbers, TooLarge } from "../../examples/12-rpc/Numbers.ts"
import { httpClient } from "../support/EffectHttpClients.ts"
import { run, type Server, serveFile } from "./support/Programs.ts"
import { standstill, until } from "./support/Until.ts"

const serve = serveFile("examples/12-rpc/app.ts")

const overHttp = (version: "1.1" | "2") => (server: Server) =>
  RpcClient.layerProtocolHttp({ url: server.url("/rpc") }).pipe(Layer.provide(httpClient(version, server.url(""))))

const overWebSocket = (server: Server) =>
  RpcClient.layerProtocolSocket({ retryTransientErrors: false }).pipe(
    Layer.provide(Socket.layerWebSocket(server.url("/rpc").replace("http", "ws"))),
    Layer.provide(Socket.layerWebSocketConstructorGlobal)
  )

/** A client that is there as long as the scope. */
const connect = (
  protocol: (server: Server) => Layer.Layer<RpcClient.Protocol, never, RpcSerialization.RpcSerialization>
) =>
  Effect.fnUntraced(function* (server: Server) {
    const context = yield* Layer.build(Layer.provide(protocol(server), RpcSerialization.layerNdjson))
    return yield* Effect.provideContext(RpcClient.make(Numbers), context)
  })

it.live.each(["http", "ws"])("the client calls every procedure by %s", (scheme) =>
  Effect.gen(function* () {
    const server = yield* serve
    const url = server.url("/rpc").replace("http", scheme)
    const { code, output } = yield* run(process.execPath, ["examples/12-rpc/client.ts", url])
    const [looked, ...lines] = output.trimEnd().split("\n").toReversed()
    assert.deepStrictEqual(
      [code, ...lines.toReversed()],
      [
        0,
        "60 is 2 × 2 × 3 × 5",
        "1e15: that would take too long; ask for 1000000000 at most",
        "- 101",
        "- 103",
        "- 107"
      ]
    )
    assert.match(looked ?? "", /^\d+ primes were looked for$/)
    yield* server.signal("SIGTERM")
    assert.deepStrictEqual(yield* server.result, { code: 0, signal: null }, server.output())
    assert.notInclude(server.output(), "ERROR")
  })
)

describe.each([
  ["HTTP/1.1", overHttp("1.1")],
  ["HTTP/2", overHttp("2")],
  ["WebSocket", overWebSocket]
] as const)("over %s", (name, protocol) => {
  it.live("procedures answer, or fail as they say, and streams end when nobody wants more of them", () =>
    Effect.gen(function* () {
      const server = yield* serve
      const numbers = yield* connect(protocol)(server)
      assert.deepStrictEqual(yield* numbers.Factors({ of: 84 }), [2, 2, 3, 7])
      const failure = yield* Effect.flip(numbers.Factors({ of: 2_000_000_000 }))
      assert.deepStrictEqual(failure, new TooLarge({ largest: 1_000_000_000 }))
      const primes = yield* Stream.runCollect(Stream.take(numbers.Primes({ from: 10 }), 4))
      assert.deepStrictEqual(primes, [11, 13, 17, 19])
      const looked = yield* standstill("what is looked for", numbers.Looked(), 10)
      // Over HTTP nothing is acknowledged, and thousands fit into what is on its way.
      if (name === "WebSocket") assert.isBelow(looked, 50)
    })
  )

  it.live("streams go no further than their client reads", () =>
    Effect.gen(function* () {
      const server = yield* serve
      const numbers = yield* connect(protocol)(server)
      let taken = 0
      const reading = yield* numbers.Primes({ from: 1_000_000 }).pipe(
        Stream.runForEach(() => (taken++ < 10 ? Effect.void : Effect.never)),
        Effect.forkChild
      )
      yield* until(
        "the client has read",
        Effect.sync(() => taken > 10)
      )
      const other = yield* connect(protocol)(server)
      const looked = yield* standstill("what is looked for", other.Looked(), 20)
      assert.isAtLeast(looked, 10)
      yield* Fiber.interrupt(reading)
      assert.deepStrictEqual(yield* other.Factors({ of: 6 }), [2, 3])
    })
  )
})

it.live("a server that is told to stop ends the sessions of its clients, whose calls fail", () =>
  Effect.gen(function* () {
    const server = yield* serve
    const numbers = yield* connect(overWebSocket)(server)
    let taken = 0
    const reading = yield* numbers.Primes({ from: 2 }).pipe(
      Stream.runForEach(() => (taken++ < 10 ? Effect.void : Effect.never)),
      Effect.forkChild
    )
    yield* until(
      "the client has read",
      Effect.sync(() => taken > 10)
    )
    yield* server.signal("SIGTERM")
    assert.deepStrictEqual(yield* server.result, { code: 0, signal: null }, server.output())
    yield* Fiber.interrupt(reading)
    const { _tag } = yield* Effect.flip(numbers.Factors({ of: 6 }))
    assert.strictEqual(_tag, "RpcClientError")
  })
)
