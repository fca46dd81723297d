/** What options put around the application of a server. */
import type { PagiApp } from "@pagi/core/contract/PagiApp"
import type { Values } from "@pagi/core/options/ServerOptions"
import * as Effect from "effect/Effect"
import { Reload } from "../process/ReloadState.ts"
import type { RootError } from "../static/RootError.ts"
import { staticFiles } from "../static/StaticFiles.ts"

/** Puts around an application what the options ask for. */
export const wrap = (app: PagiApp["Service"], options: Values): Effect.Effect<PagiApp["Service"], RootError> =>
  Effect.gen(function* () {
    let { application } = app
    if (options.static !== undefined) {
      const { staticImmutable: immutable, staticMaxAge: maxAge } = options
      application = yield* staticFiles(application, options.static, { immutable, maxAge })
    }
    if (options.mode === "development") {
      const { around } = yield* Effect.promise(() => import("../development/Development.ts"))
      application = around(application, yield* Reload)
    }
    return { ...app, application }
  })
