/** What a command line says is to be served. */
import * as PagiApp from "@pagi/core/contract/PagiApp"
import { endpoints } from "@pagi/core/options/Endpoint"
import { ServerOptions } from "@pagi/core/options/ServerOptions"
import { Pool } from "@pagi/node/process/Pool"
import type { RootError } from "@pagi/node/static/RootError"
import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { AppLoadError } from "../application/AppLoadError.ts"
import * as ApplicationServices from "../application/ApplicationServices.ts"
import * as AppLoader from "../application/AppLoader.ts"
import * as Memory from "./Memory.ts"

/** Loaded only where there is no application. */
const currentDirectory = Layer.unwrap(
  Effect.promise(() => import("../directory/Directory.ts")).pipe(
    Effect.flatMap(({ make }) => make(process.cwd())),
    Effect.map(PagiApp.layer)
  )
)

/** Why there is nothing to serve. */
type LoadError = AppLoadError | RootError

/** What is said of an application: the reference of one, and the secrets that it finds by `Config`. */
export interface Named {
  readonly app: string | null
  readonly secrets?: Readonly<Record<string, string>> | undefined
}

/**
 * The application that a reference names; without one, that which serves the files of the current directory.
 *
 * @param limit how long loading may take; 0 for no limit
 */
export const layer = (
  { app: reference, secrets }: Named,
  limit?: Duration.Duration
): Layer.Layer<PagiApp.PagiApp, LoadError, ServerOptions> =>
  Layer.merge(
    Layer.unwrap(
      Effect.gen(function* () {
        const options = yield* ServerOptions
        const pool = yield* Pool
        const application: Layer.Layer<PagiApp.PagiApp, LoadError> =
          reference === null ? currentDirectory : AppLoader.layer(reference, endpoints(options)[0], limit)
        let more: Context.Context<never> = pool === undefined ? Context.empty() : Context.make(Pool, pool)
        if (options.admin !== undefined) more = Context.merge(more, yield* watched)
        if (secrets !== undefined) more = Context.merge(more, yield* secretive(secrets))
        return ApplicationServices.isolate(application, more)
      })
    ),
    memory
  )

/**
 * Where the application's checks and metrics are to be, for those who ask the admin listener. It may have other copies of
 * these modules, which would have other defaults.
 */
const watched = Effect.gen(function* () {
  const [{ HealthChecks }, { MetricRegistry }] = yield* Effect.promise(() =>
    Promise.all([import("@pagi/core/health/HealthChecks"), import("effect/Metric")])
  )
  return Context.make(HealthChecks, yield* HealthChecks).pipe(Context.add(MetricRegistry, yield* MetricRegistry))
})

/** The variables of the environment, and behind them those of folders of secrets. */
const secretive = (secrets: Readonly<Record<string, string>>) =>
  Effect.map(
    Effect.promise(() => import("effect/ConfigProvider")),
    ({ ConfigProvider, fromEnv, orElse }) => Context.make(ConfigProvider, orElse(fromEnv(), fromEnv({ env: secrets })))
  )

/** What loading has needed is given back when the server has been started and nobody asks for anything. */
const memory = Layer.effectDiscard(Effect.forkScoped(Memory.releaseWhenIdle))
