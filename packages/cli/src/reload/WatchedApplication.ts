/** An application that is loaded to be replaced: its files are told, and it is never a mixture of two versions of them. */
import type { PagiApp } from "@pagi/core/contract/PagiApp"
import { ofProcess } from "@pagi/node/worker/WorkerChannel"
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import * as Layer from "effect/Layer"
import { AppLoadError, ChangedMeanwhile } from "../application/AppLoadError.ts"
import { parseReference } from "../application/AppLoader.ts"
import * as BrokenVersion from "./BrokenVersion.ts"
import * as FileVersion from "./FileVersion.ts"
import * as LoadedFiles from "./LoadedFiles.ts"
import { quiet } from "./Quiet.ts"

/**
 * Loads an application, and tells the parent which files that took, also when it fails. Fails with `ChangedMeanwhile` when
 * one of them was written meanwhile; the parent, which sees that too, then has it loaded again.
 *
 * @param reference as on the command line; null for no application
 */
export const layer = <E, R>(
  reference: string | null,
  application: Layer.Layer<PagiApp, E, R>
): Layer.Layer<PagiApp, E | AppLoadError, R> =>
  Layer.unwrap(
    Effect.sync(() => {
      const path = reference === null ? undefined : parseReference(reference).path
      const isUntold = Latch.makeUnsafe(false)
      const untold = new Set<string>()
      const files = LoadedFiles.note(path, (file) => {
        untold.add(file)
        isUntold.openUnsafe()
      })
      const tell = Effect.suspend(() => {
        const news = [...untold].map((file) => [file, files.get(file) ?? FileVersion.missing])
        untold.clear()
        isUntold.closeUnsafe()
        return ofProcess.send({ type: "files", files: Object.fromEntries(news) })
      })
      // What the application imports later, when a request asks for it.
      const tellLater = Effect.forever(Effect.andThen(isUntold.await, tell))
      const unmixed = Effect.gen(function* () {
        const wait = quiet - LoadedFiles.quietFor(files)
        if (wait > 0) yield* Effect.sleep(wait)
        const file = LoadedFiles.changed(files)
        if (file !== undefined)
          return yield* new AppLoadError({ path: path ?? ".", reason: new ChangedMeanwhile({ file }) })
      })
      return Layer.effectContext(
        Layer.build(application).pipe(
          Effect.tap(() => unmixed),
          Effect.ensuring(tell),
          Effect.tap(() => Effect.forkScoped(tellLater))
        )
      )
    })
  )

/** Tells the parent too why a server does not start, with the place in the application. */
export const telling = <A, E, R>(server: Layer.Layer<A, E, R>): Layer.Layer<A, E, R> =>
  Layer.effectContext(
    Effect.tapCause(Layer.build(server), (cause) => {
      const problem = BrokenVersion.problemOf(cause)
      return problem === undefined ? Effect.void : ofProcess.send({ type: "broken", problem })
    })
  )
