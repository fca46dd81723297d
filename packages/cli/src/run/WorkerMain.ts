/** A worker: serves what its supervisor tells it to. */
import { minimumLogLevel, ServerOptions } from "@pagi/core/options/ServerOptions"
import { InheritedSockets, passOn } from "@pagi/node/listen/InheritedSockets"
import { PagiServerLive } from "@pagi/node/PagiServer"
import * as WorkerProcess from "@pagi/node/worker/WorkerProcess"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { MinimumLogLevel } from "effect/References"
import * as Schema from "effect/Schema"
import * as ConsoleLog from "../program/ConsoleLog.ts"
import * as ExitCode from "../program/ExitCode.ts"
import * as Otlp from "../otlp/Otlp.ts"
import * as MainProgram from "../program/MainProgram.ts"
import * as ServedApplication from "./ServedApplication.ts"
import { ServedPlan } from "../plan/ServerPlan.ts"
import * as FileEnvironment from "../plan/FileEnvironment.ts"
import * as ServerValues from "../plan/ServerValues.ts"

/** What the supervisor wants to be served; it has checked that. */
const planOf = Effect.fnUntraced(function* (payload: unknown) {
  const { app, environment, secrets, texts } = yield* Effect.orDie(Schema.decodeUnknownEffect(ServedPlan)(payload))
  FileEnvironment.apply(environment)
  const options = yield* ServerValues.resolve(texts)
  yield* ConsoleLog.use(options)
  return { app, options, secrets }
})

type Plan = ReturnType<typeof planOf>

const serverOf = (plan: Plan) =>
  Layer.unwrap(
    Effect.gen(function* () {
      const { app, options, secrets } = yield* plan
      const application = ServedApplication.layer({ app, secrets })
      // What a reload needs is loaded only if there may be one.
      const watched = options.reload
        ? yield* Effect.promise(() => import("../reload/WatchedApplication.ts"))
        : undefined
      const server = PagiServerLive.pipe(
        Layer.provide(watched?.layer(app, application) ?? application),
        Layer.provideMerge(Layer.succeed(ServerOptions, options)),
        Layer.provide(Layer.succeed(MinimumLogLevel, minimumLogLevel(options)))
      )
      return watched?.telling(server) ?? server
    })
  )

const serve = (plan: Plan, worker: number | undefined) => {
  const serving = WorkerProcess.run(() => serverOf(plan))
  if (worker === undefined) return serving
  return Effect.matchEffect(plan, {
    // It is the server's start that tells the supervisor.
    onFailure: () => serving,
    onSuccess: ({ options, secrets }) =>
      Effect.provideService(
        Otlp.exporting(options, { worker }, FileEnvironment.withFiles({ secrets }))(serving),
        MinimumLogLevel,
        minimumLogLevel(options)
      )
  })
}

const worker = Effect.gen(function* () {
  // The environment is cleaned here, before the application is loaded.
  const inheritance = (yield* InheritedSockets).claim()
  const number = inheritance.worker?.num
  const plan = yield* Effect.cached(planOf(inheritance.worker?.payload))
  yield* serve(plan, number).pipe(
    Effect.tapCause(number === undefined ? MainProgram.report : MainProgram.reportUnforeseen),
    Effect.provideService(InheritedSockets, passOn(inheritance)),
    Effect.provide(ConsoleLog.layerWith({ worker: number }))
  )
})

/** Serves until the supervisor wants the worker to stop, or is gone; exits with a code of `ExitCode`. */
export const main = (): void => MainProgram.run(worker, () => true, ExitCode.ofWorkerExit)
