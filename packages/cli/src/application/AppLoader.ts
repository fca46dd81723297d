/** Loads the application that the command line names. */
import * as PagiApp from "@pagi/core/contract/PagiApp"
import type { Endpoint } from "@pagi/core/options/Endpoint"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import type { Stats } from "node:fs"
import * as fs from "node:fs/promises"
import { extname, resolve } from "node:path"
import { pathToFileURL } from "node:url"
import { AppLoadError, ExportMissing, ExtensionUnsupported, FileMissing, ImportFailed } from "./AppLoadError.ts"
import * as Description from "../plan/Description.ts"
import * as EffectVersion from "./EffectVersion.ts"
import * as Exported from "./Exported.ts"
import * as LoadTime from "./LoadTime.ts"
import * as ModuleWarnings from "./ModuleWarnings.ts"
import * as NearNames from "../plan/NearNames.ts"
import * as StopSignals from "../signals/StopSignals.ts"
import * as SyntaxPlace from "./SyntaxPlace.ts"
import * as Thrown from "./Thrown.ts"

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
 * @param endpoint where the server will listen first, which a program may ask
 * @param limit how long it may take until there is an application; 0 for no limit
 */
export const layer = (
  reference: string,
  endpoint: Endpoint,
  limit: Duration.Duration = Duration.zero
): Layer.Layer<PagiApp.PagiApp, AppLoadError> =>
  Layer.effect(
    PagiApp.PagiApp,
    Effect.suspend(() => {
      const { exportName, path } = parseReference(reference)
      return LoadTime.watch(path, limit, (progress) => load({ path, endpoint, progress }, exportName))
    })
  )

/** What loading an application is about. */
interface Course {
  readonly path: string
  readonly endpoint: Endpoint
  readonly progress: LoadTime.Progress
}

const load = Effect.fnUntraced(function* (course: Course, exportName: string) {
  const { path } = course
  yield* checkFile(path)
  yield* EffectVersion.check(path)
  const exports = yield* importModule(path)
  if (!(exportName in exports)) {
    const available = Object.keys(exports).filter((name) => name !== "module.exports")
    return yield* failed(path, new ExportMissing({ exportName, available }))
  }
  const subject = exportName === "default" ? "the default export" : `the export "${exportName}"`
  course.progress.subject = subject
  return yield* Effect.mapError(
    toApplication(course, subject, exports[exportName]),
    (reason) => new AppLoadError({ path, reason })
  )
})

const failed = (path: string, reason: AppLoadError["reason"]): Effect.Effect<never, AppLoadError> =>
  Effect.fail(new AppLoadError({ path, reason }))

const extensions = new Set([".ts", ".mts", ".js", ".mjs"])

const checkFile = Effect.fnUntraced(function* (path: string) {
  const status = yield* Effect.promise(() => fs.stat(path).catch((error: NodeJS.ErrnoException) => error))
  const missing = problemOf(status)
  if (missing !== undefined) return yield* failed(path, new FileMissing({ message: `${missing}${adviceFor(path)}` }))
  const extension = extname(path)
  if (!extensions.has(extension)) return yield* failed(path, new ExtensionUnsupported({ extension }))
})

const commands = ["check", "status", "health", "top", "--help", "--version"]

/** What is no command names an application. */
const adviceFor = (path: string): string => {
  const [near] = NearNames.find(path, commands)
  return near === undefined || near === path ? "" : `; did you mean pagi-server ${near}?`
}

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
      Effect.catch((error) => failed(path, importFailed(url, error)))
    )
  })

const importFailed = (url: string, error: unknown): ImportFailed => {
  const thrown = Thrown.of(error, ({ message }) =>
    error instanceof SyntaxError ? SyntaxPlace.find(url, message) : undefined
  )
  const text = Description.ofError(error, () => thrown.place)
  const isNoModule = error instanceof SyntaxError && moduleSyntax.test(error.message)
  return new ImportFailed({ message: isNoModule ? `${text}; ${moduleAdvice}` : text, thrown })
}

/** What V8 says of a module that Node takes for CommonJS, as the `package.json` that `npm init` writes has it. */
const moduleSyntax = /^Cannot use import statement outside a module|^Unexpected token 'export'/

const moduleAdvice = 'set "type": "module" in the package.json of its folder, or name it .mjs or .mts'

type Served = PagiApp.PagiApp["Service"]

/** What the server runs of a value that a module exports. */
const toApplication = (
  { endpoint, path, progress }: Course,
  subject: string,
  value: unknown
): Effect.Effect<Served, AppLoadError["reason"], Scope.Scope> =>
  Effect.gen(function* () {
    const tell = (words: string) => Effect.logDebug(`${subject} of ${path} is ${words}`)
    const exported = Exported.of(value, subject)
    if (exported._tag === "Unusable") return yield* Effect.fail(exported.reason)
    if (exported._tag === "Application" || exported._tag === "Fetch") {
      yield* tell(Exported.describe(exported))
      return yield* fromValue(exported, subject)
    }
    const EffectExport = yield* Effect.promise(() => import("./EffectExport.ts"))
    const server = yield* EffectExport.makeServer(path, endpoint)
    progress.isServing = server.isServing
    const found = yield* exported._tag === "Layer"
      ? EffectExport.ofLayer(exported.layer, subject, server)
      : EffectExport.ofEffect(exported.effect, subject, server)
    if (found._tag === "Served") {
      yield* tell(found.words)
      return found.app
    }
    yield* tell(`an Effect that yields ${Exported.describe(found.exported)}`)
    return yield* Effect.provideContext(fromValue(found.exported, `what ${subject} yields`), server.services)
  })

/** What the server runs of what need not be built. */
const fromValue = (
  exported: Exported.ExportedApplication | Exported.ExportedFetch,
  subject: string
): Effect.Effect<Served, never, Scope.Scope> =>
  Effect.gen(function* () {
    const application = exported._tag === "Application" ? exported.application : yield* fromFetch(exported, subject)
    // What an application requires is not known, and whoever lacks it says so.
    const layer = PagiApp.layer(application as PagiApp.Application<unknown>)
    return Context.get(yield* Layer.build(layer), PagiApp.PagiApp)
  })

const fromFetch = ({ handler, unused }: Exported.ExportedFetch, subject: string) =>
  Effect.gen(function* () {
    if (unused.length > 0) yield* Effect.logWarning(`of ${subject} only fetch is used, and not ${unused.join(", ")}`)
    const { fromFetch } = yield* Effect.promise(() => import("@pagi/core/fetch/fromFetch"))
    return fromFetch(handler)
  })
