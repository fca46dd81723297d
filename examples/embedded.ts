/**
 * A server inside a program of your own: a Layer like any other. The application needs a service, `Greeter`, which comes
 * from the program around the server.
 *
 *     npx node examples/embedded.ts
 *     curl http://127.0.0.1:8080/Ada
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as PagiApp from "@pagi/core/PagiApp"
import * as ServerOptions from "@pagi/core/ServerOptions"
import * as PagiServer from "@pagi/node/PagiServer"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"

class Greeter extends Context.Service<
  Greeter,
  {
    readonly greet: (name: string) => Effect.Effect<string>
  }
>()("examples/Greeter") {
  static readonly layer = Layer.succeed(Greeter, { greet: (name) => Effect.succeed(`Good day, ${name}!`) })
}

const app = PagiApp.make({
  http: Effect.fnUntraced(function* (scope, _receive, send) {
    const greeter = yield* Greeter
    const greeting = yield* greeter.greet(scope.path.slice(1) || "stranger")
    yield* send({ type: "http.response.start", status: 200, headers: [["content-type", "text/plain; charset=utf-8"]] })
    yield* send({ type: "http.response.body", body: `${greeting}\n` })
  })
})

const ServerLive = PagiServer.layer.pipe(
  Layer.provide(PagiApp.layer(app)),
  Layer.provide(Greeter.layer),
  Layer.provide(ServerOptions.layer({ port: 8080, shutdownTimeout: "10 seconds" }))
)

NodeRuntime.runMain(Layer.launch(ServerLive))
