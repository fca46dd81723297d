/** The command `pagi-server`. */
import * as PagiApp from "@pagi/core/PagiApp"
import * as ServerOptions from "@pagi/core/ServerOptions"
import { PagiServerLive } from "@pagi/node/PagiServer"
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import { MinimumLogLevel } from "effect/References"
import * as AppLoader from "./AppLoader.ts"
import * as Directory from "./apps/Directory.ts"
import * as ServerFlags from "./ServerFlags.ts"

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

interface Input extends ServerFlags.Input {
  readonly app: Option.Option<string>
}

/** Serves until the process is told to stop. */
const serve = Effect.fnUntraced(function* (input: Input) {
  const options = yield* ServerFlags.resolve(input)
  const application = Option.match(input.app, { onNone: () => currentDirectory, onSome: AppLoader.layer })
  return yield* Layer.launch(PagiServerLive).pipe(
    Effect.provide(Layer.mergeAll(application, Layer.succeed(ServerOptions.ServerOptions, options))),
    Effect.provideService(MinimumLogLevel, ServerOptions.minimumLogLevel(options))
  )
})

/**
 * `pagi-server [flags] [app]`. Fails with `UsageError` or `InvalidOption` for flags and variables that are not allowed,
 * `AppLoadError` or `RootError` when there is nothing to serve, and `ListenError` or `LifespanError` when the server
 * cannot start.
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
