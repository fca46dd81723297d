/** A worker of tests: its parent says by the payload which options its server has. It answers with its number. */
import * as PagiApp from "@pagi/core/PagiApp"
import * as ServerOptions from "@pagi/core/ServerOptions"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import { PagiServerLive } from "../../src/PagiServer.ts"
import { WorkerIdentity } from "../../src/process/WorkerIdentity.ts"
import * as WorkerProcess from "../../src/worker/WorkerProcess.ts"

const application = PagiApp.layer(
  PagiApp.make({
    http: Effect.fnUntraced(function* (_scope, _receive, send) {
      const worker = yield* WorkerIdentity
      yield* send({ type: "http.response.start", status: 200 })
      yield* send({ type: "http.response.body", body: String(worker?.num) })
    })
  })
)

const server = (payload: unknown) =>
  PagiServerLive.pipe(
    Layer.provide(application),
    // Tests give nothing else, and what they give is checked.
    Layer.provideMerge(ServerOptions.layer(payload as ServerOptions.Input))
  )

const exit = await Effect.runPromiseExit(WorkerProcess.run(server))
process.exitCode = Exit.isSuccess(exit) ? 0 : 1
