/**
 * A client whose functions are the procedures. How it reaches them is a Layer, which the address decides on.
 *
 *     node examples/12-rpc/client.ts ws://127.0.0.1:5000/rpc
 */
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as Layer from "effect/Layer"
import * as RpcClient from "effect/rpc/RpcClient"
import * as RpcSerialization from "effect/rpc/RpcSerialization"
import * as Socket from "effect/socket/Socket"
import * as Stream from "effect/Stream"
import { Numbers } from "./Numbers.ts"

const overHttp = (url: string) => RpcClient.layerProtocolHttp({ url }).pipe(Layer.provide(FetchHttpClient.layer))

const overWebSocket = (url: string) =>
  RpcClient.layerProtocolSocket().pipe(
    Layer.provide(Socket.layerWebSocket(url)),
    Layer.provide(Socket.layerWebSocketConstructorGlobal)
  )

const protocol = (url: string) =>
  (url.startsWith("ws") ? overWebSocket(url) : overHttp(url)).pipe(Layer.provide(RpcSerialization.layerNdjson))

const program = Effect.gen(function* () {
  const numbers = yield* RpcClient.make(Numbers)
  yield* Console.log(`60 is ${(yield* numbers.Factors({ of: 60 })).join(" × ")}`)
  yield* numbers.Factors({ of: 1e15 }).pipe(
    // What else may happen is that the server is not there.
    Effect.catchTag("TooLarge", (error) => Console.log(`1e15: ${error.message}`))
  )
  // The server ends the stream when the client has enough of it.
  yield* numbers.Primes({ from: 100 }).pipe(
    Stream.take(3),
    Stream.runForEach((prime) => Console.log(`- ${prime}`))
  )
  yield* Console.log(`${yield* numbers.Looked()} primes were looked for`)
})

const [url = "http://127.0.0.1:5000/rpc"] = process.argv.slice(2)

await Effect.runPromise(Effect.provide(Effect.scoped(program), protocol(url)))
