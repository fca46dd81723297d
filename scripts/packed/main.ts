/** What a user writes by hand to embed the server; prints the answer to one request. */
import { PagiApp, ServerOptions } from "@pagi/core"
import type { HttpSendEvent } from "@pagi/core/Event"
import { PagiServer, PagiServerLive } from "@pagi/node/PagiServer"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import app from "./app.ts"

const ServerLive = PagiServerLive.pipe(
  Layer.provide(PagiApp.layer(app)),
  Layer.provide(ServerOptions.layer({ port: 0, quiet: true }))
)

const end: HttpSendEvent = { type: "http.response.body" }

const main = Effect.gen(function* () {
  const server: PagiServer["Service"] = yield* PagiServer
  const port: number = server.port
  const text = yield* Effect.promise(() => fetch(`http://127.0.0.1:${port}/${end.type}`).then((it) => it.text()))
  console.log(text)
})

await Effect.runPromise(Effect.provide(main, ServerLive))
