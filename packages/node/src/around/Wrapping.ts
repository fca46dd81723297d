/**
 * What options put around the application of a server, and in which order: each sees what those before it in `wrap` have
 * made of a response, and not what those behind it make of it. Each is loaded only if it is asked for.
 */
import type { PagiApp } from "@pagi/core/contract/PagiApp"
import { endpoints } from "@pagi/core/options/Endpoint"
import type { Values } from "@pagi/core/options/ServerOptions"
import * as Effect from "effect/Effect"
import type { RootError } from "../static/RootError.ts"

/** The port that https has for clients, as far as the options tell: it may be another one behind what passes it on. */
const portOf = (options: Values): number => {
  if (options.redirectPort !== 0) return options.redirectPort
  const first = endpoints(options).find((endpoint) => endpoint._tag === "Tcp" && endpoint.redirects !== true)
  // A port that the system picks is known to nobody in advance.
  return first?._tag === "Tcp" && first.port !== 0 ? first.port : 443
}

type Served = PagiApp["Service"]["application"]

/** What gives responses the fields that are asked for, if any are. */
const fieldsOf = ({ hsts, securityHeaders: preset }: Values) =>
  Effect.gen(function* () {
    if (preset === "off" && hsts === undefined) return undefined
    const { securityHeaders } = yield* Effect.promise(() => import("../fields/securityHeaders.ts"))
    return (application: Served): Served =>
      securityHeaders(application, { preset: preset === "off" ? undefined : preset, hsts })
  })

/** Puts around an application what the options ask for. */
export const wrap = (app: PagiApp["Service"], options: Values): Effect.Effect<PagiApp["Service"], RootError> =>
  Effect.gen(function* () {
    let { application } = app
    if (options.sendfile !== undefined) {
      const { sendFiles } = yield* Effect.promise(() => import("../sendfile/sendFiles.ts"))
      application = yield* sendFiles(application, options.sendfile)
    }
    if (options.static !== undefined) {
      const { staticFiles } = yield* Effect.promise(() => import("../static/StaticFiles.ts"))
      const { staticImmutable: immutable, staticMaxAge: maxAge } = options
      application = yield* staticFiles(application, options.static, { immutable, maxAge })
    }
    // Adds to pages, which have to be as they are written then, and to their policies, those of a preset among them.
    if (options.mode === "development") {
      const { around } = yield* Effect.promise(() => import("../development/Development.ts"))
      const withFields = options.reloadBrowser ? yield* fieldsOf(options) : undefined
      application = yield* around(withFields?.(application) ?? application, options)
    }
    if (options.compress) {
      const { compress } = yield* Effect.promise(() => import("../coding/compress.ts"))
      const levels = Object.fromEntries((options.compressLevels ?? []).map(({ coding, level }) => [coding, level]))
      const { compressMinSize: minSize, syncFileThreshold } = options
      application = compress(application, { minSize, levels, syncFileThreshold })
    }
    if (options.redirectHttps !== undefined) {
      const { redirectToHttps } = yield* Effect.promise(() => import("../redirect/redirectToHttps.ts"))
      application = redirectToHttps(application, { port: portOf(options), except: options.redirectExcept })
    }
    // Whatever answers has them; what it has already stays.
    const withFields = yield* fieldsOf(options)
    application = withFields?.(application) ?? application
    return { ...app, application }
  })
