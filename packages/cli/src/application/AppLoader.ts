/** Loads the application that the command line names. */
import * as PagiApp from "@pagi/core/contract/PagiApp"
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import type { Stats } from "node:fs"
import * as fs from "node:fs/promises"
import { extname, resolve } from "node:path"
import { pathToFileURL } from "node:url"
import {
  AppLoadError,
  BuildFailed,
  ExportMissing,
  ExportUnusable,
  ExtensionUnsupported,
  FileMissing,
  ImportFailed
} from "./AppLoadError.ts"
import * as Description from "../plan/Description.ts"
import * as EffectVersion from "./EffectVersion.ts"
import * as LoadTime from "./LoadTime.ts"
import * as ModuleWarnings from "./ModuleWarnings.ts"
import * as StopSignals from "../signals/StopSignals.ts"
import * as SyntaxPlace from "./SyntaxPlace.ts"

/** A module and the export that is the application. */
export interface Reference {
  readonly path: string
  readonly exportName: string
}

/** Reads `./app.ts`, or `./app.ts:admin` with the name of an export. */
export const parseReference = (text: string): Reference => {
  const [, path, exportName] = /^(.+):([\p{ID_Start}$_][\p{ID_Continue}$]*)$/u.exec(text) ?? []
  return path === undefined || exportName === undefined ? { path: text, exportName: "default" } : { path, exportName }
}

/**
 * The application that `reference` names, for a server. What its Effect or Layer acquires lives as long as the server.
 *
 * @param reference as on the command line; a relative path starts at the current directory
 * @param limit how long it may take until there is an application; 0 for no limit
 */
export const layer = (
  reference: string,
  limit: Duration.Duration = Duration.zero
): Layer.Layer<PagiApp.PagiApp, AppLoadError> =>
  Layer.effect(
    PagiApp.PagiApp,
    Effect.suspend(() => {
      const parsed = parseReference(reference)
      return LoadTime.watch(parsed.path, limit, (progress) =>
        Effect.map(Layer.build(Layer.unwrap(load(parsed, progress))), (context) =>
          Context.get(context, PagiApp.PagiApp)
        )
      )
    })
  )

const load = Effect.fnUntraced(function* ({ exportName, path }: Reference, progress: LoadTime.Progress) {
  yield* checkFile(path)
  yield* EffectVersion.check(path)
  const exports = yield* importModule(path)
  if (!(exportName in exports)) {
    const available = Object.keys(exports).filter((name) => name !== "module.exports")
    return yield* failed(path, new ExportMissing({ exportName, available }))
  }
  const subject = exportName === "default" ? "the default export" : `the export "${exportName}"`
  progress.subject = subject
  return yield* toLayer(path, subject, exports[exportName])
})

const failed = (path: string, reason: AppLoadError["reason"]): Effect.Effect<never, AppLoadError> =>
  Effect.fail(new AppLoadError({ path, reason }))

const extensions = new Set([".ts", ".mts", ".js", ".mjs"])

const checkFile = Effect.fnUntraced(function* (path: string) {
  const status = yield* Effect.promise(() => fs.stat(path).catch((error: NodeJS.ErrnoException) => error))
  const missing = problemOf(status)
  if (missing !== undefined) return yield* failed(path, new FileMissing({ message: missing }))
  const extension = extname(path)
  if (!extensions.has(extension)) return yield* failed(path, new ExtensionUnsupported({ extension }))
})

const problemOf = (status: Stats | NodeJS.ErrnoException): string | undefined => {
  if (status instanceof Error) {
    return status.code === "ENOENT" || status.code === "ENOTDIR" ? "there is no such file" : status.message
  }
  if (status.isDirectory()) return "it is a directory"
  return status.isFile() ? undefined : "it is not a regular file"
}

type Exports = Readonly<Record<string, unknown>>

const importModule = (path: string): Effect.Effect<Exports, AppLoadError> =>
  Effect.suspend(() => {
    const url = pathToFileURL(resolve(path)).href
    return Effect.tryPromise({
      try: (): Promise<Exports> => StopSignals.leaveToSystem(() => ModuleWarnings.holdBack(() => import(url))),
      catch: (error) => error
    }).pipe(
      Effect.tapCause((cause) => Effect.logDebug(`importing ${path} failed`, cause)),
      Effect.catch((error) => failed(path, new ImportFailed({ message: describeFailure(url, error) })))
    )
  })

const describeFailure = (url: string, error: unknown): string => {
  const text = Description.ofError(error, ({ message }) =>
    error instanceof SyntaxError ? SyntaxPlace.find(url, message) : undefined
  )
  return error instanceof SyntaxError && moduleSyntax.test(error.message) ? `${text}; ${moduleAdvice}` : text
}

/** What V8 says of a module that Node takes for CommonJS, as the `package.json` that `npm init` writes has it. */
const moduleSyntax = /^Cannot use import statement outside a module|^Unexpected token 'export'/

const moduleAdvice = 'set "type": "module" in the package.json of its folder, or name it .mjs or .mts'

type AnyApplication = PagiApp.Application<unknown>

/** A function is taken for an application as it is; only its use can show whether it is one. */
const isApplication = (value: unknown): value is AnyApplication =>
  typeof value === "function" && !/^class\b/.test(Function.prototype.toString.call(value))

const toLayer = (
  path: string,
  subject: string,
  value: unknown
): Effect.Effect<Layer.Layer<PagiApp.PagiApp, AppLoadError>, AppLoadError> => {
  if (isApplication(value)) return Effect.succeed(PagiApp.layer(value))
  if (Layer.isLayer(value)) return Effect.succeed(fromLayer(path, subject, value))
  if (Effect.isEffect(value)) return Effect.succeed(fromEffect(path, subject, value))
  return failed(path, new ExportUnusable({ subject, found: Description.ofValue(value) }))
}

const fromEffect = (path: string, subject: string, effect: Effect.Effect<unknown, unknown, unknown>) =>
  Layer.unwrap(
    Effect.flatMap(build(path, subject, effect), (value) =>
      isApplication(value)
        ? Effect.succeed(PagiApp.layer(value))
        : failed(path, new ExportUnusable({ subject: `what ${subject} yields`, found: Description.ofValue(value) }))
    )
  )

const fromLayer = (path: string, subject: string, layer: Layer.Layer<unknown, unknown, unknown>) =>
  Layer.effect(
    PagiApp.PagiApp,
    Effect.flatMap(build(path, subject, Layer.build(layer)), (context) =>
      Option.match(Context.getOption(context, PagiApp.PagiApp), {
        onSome: Effect.succeed,
        onNone: () => failed(path, new ExportUnusable({ subject, found: "a Layer that does not provide PagiApp" }))
      })
    )
  )

/** Runs what a module exports. Nobody has checked its types, so a service that it lacks shows here, as a defect. */
const build = <A>(
  path: string,
  subject: string,
  effect: Effect.Effect<A, unknown, unknown>
): Effect.Effect<A, AppLoadError, Scope.Scope> =>
  // What else the effect may require is not there to be given.
  Effect.catchCause(effect as Effect.Effect<A, unknown, Scope.Scope>, (cause) =>
    Cause.hasInterruptsOnly(cause)
      ? Effect.interrupt
      : Effect.andThen(
          Effect.logDebug(`${subject} of ${path} failed`, cause),
          failed(path, new BuildFailed({ subject, detail: withAdvice(Description.ofCause(cause)) }))
        )
  )

/** Says what to do about a service that is not there. */
const withAdvice = (detail: string): string =>
  detail.startsWith("Service not found: ")
    ? `${detail}; what the module exports has to provide it, by Layer.provide or Effect.provide`
    : detail
