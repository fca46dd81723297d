/** The command `pagi-server`. */
import * as PagiApp from "@pagi/core/PagiApp"
import * as ServerOptions from "@pagi/core/ServerOptions"
import { InheritedSockets } from "@pagi/node/InheritedSockets"
import { PagiServer, PagiServerLive } from "@pagi/node/PagiServer"
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import { MinimumLogLevel } from "effect/References"
import * as AppLoader from "./AppLoader.ts"
import * as Directory from "./apps/Directory.ts"
import * as ReloadSignals from "./ReloadSignals.ts"
import * as ServerFlags from "./ServerFlags.ts"
import { StopSignal } from "./StopSignals.ts"

const app = Argument.String("app").pipe(
  Argument.withDescription("Module of the application, such as ./app.ts or ./app.ts:name; without, files are served"),
  Argument.optional
)

const currentDirectory = Layer.unwrap(
  Effect.map(
    Effect.suspend(() => Directory.make(process.cwd())),
    PagiApp.layer
  )
)

/** Lets the administrator's signals reach the server. */
const reloading = Layer.effectDiscard(
  Effect.flatMap(PagiServer, ({ reloadCertificates, reopenLogs }) =>
    Effect.andThen(
      ReloadSignals.on(["SIGHUP", "SIGUSR1"], reopenLogs),
      ReloadSignals.on(["SIGHUP"], reloadCertificates)
    )
  )
)

interface Input extends ServerFlags.Input {
  readonly app: Option.Option<string>
}

/** Serves until the process is told to stop. */
const serve = Effect.fnUntraced(function* (input: Input) {
  // Before the application is loaded, since that may start other programs, which must not see what this one inherits.
  yield* InheritedSockets
  const options = yield* ServerFlags.resolve(input)
  const application = Option.match(input.app, { onNone: () => currentDirectory, onSome: AppLoader.layer })
  const server = Layer.provideMerge(reloading, PagiServerLive).pipe(
    Layer.provide(Layer.mergeAll(application, Layer.succeed(ServerOptions.ServerOptions, options)))
  )
  yield* Effect.scoped(untilStopped(server)).pipe(
    Effect.provideService(MinimumLogLevel, ServerOptions.minimumLogLevel(options))
  )
})

/** Starts a server, which may take its time and is given up at the signal too, and stops it when the signal comes. */
const untilStopped = Effect.fnUntraced(function* <E>(server: Layer.Layer<PagiServer, E>) {
  const { received } = yield* StopSignal
  const started = yield* Effect.raceFirst(Effect.asSome(Layer.build(server)), Effect.as(received, Option.none()))
  if (Option.isNone(started)) return
  yield* received
  yield* Context.get(started.value, PagiServer).shutdown
})

/**
 * `pagi-server [flags] [app]`. Fails with `UsageError` or `InvalidOption` for flags and variables that are not allowed,
 * `AppLoadError` or `RootError` when there is nothing to serve, `StartError` when the server cannot start, and
 * `IncompleteDrain` when it has been told to stop and requests had to be cut off.
 */
export const command = Command.make(
  "pagi-server",
  { app, options: ServerFlags.options, noAccessLog: ServerFlags.noAccessLog },
  serve
).pipe(
  Command.withDescription("Serves a PAGI application, or the files of the current directory"),
  Command.withExamples([
    { command: "pagi-server", description: "Serve the files of the current directory" },
    { command: "pagi-server --port 8080 ./app.ts", description: "Serve the application that a module exports" },
    { command: "pagi-server ./app.ts:admin", description: "Serve another export of the module" }
  ])
)
