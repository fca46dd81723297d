/** What a server in development puts around its application; it is loaded by no other. */
import type { Application } from "@pagi/core/contract/PagiApp"
import type { Values } from "@pagi/core/options/ServerOptions"
import * as Effect from "effect/Effect"
import { Reload } from "../process/ReloadState.ts"
import { errorPages } from "./ErrorPages.ts"
import { NewestCode } from "./NewestCode.ts"

type Served = Application<unknown, never>

/** Puts around an application what shows browsers its errors, and has them reload pages if they are to. */
export const around = (application: Served, { reloadBrowser }: Values): Effect.Effect<Served> =>
  Effect.gen(function* () {
    const code = new NewestCode(yield* Reload)
    const shown = errorPages(application, code)
    if (!reloadBrowser) return shown
    const { browserReload } = yield* Effect.promise(() => import("./BrowserReload.ts"))
    return browserReload(shown, code)
  })
