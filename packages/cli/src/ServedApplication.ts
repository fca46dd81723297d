/** What a command line says is to be served. */
import * as PagiApp from "@pagi/core/PagiApp"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { AppLoadError } from "./AppLoadError.ts"
import * as AppLoader from "./AppLoader.ts"
import * as Directory from "./apps/Directory.ts"

const currentDirectory = Layer.unwrap(
  Effect.map(
    Effect.suspend(() => Directory.make(process.cwd())),
    PagiApp.layer
  )
)

/** The application that a reference names; without one, that which serves the files of the current directory. */
export const layer = (reference: string | null): Layer.Layer<PagiApp.PagiApp, AppLoadError | Directory.RootError> =>
  reference === null ? currentDirectory : AppLoader.layer(reference)
