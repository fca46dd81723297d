/**
 * Files of folders around an application: a request below a prefix is answered by a file where there is one, and by the
 * application where there is none.
 */
import { type Application, type Receive, type Send, wrap } from "@pagi/core/contract/PagiApp"
import type * as Event from "@pagi/core/contract/Event"
import type { NativeHandler } from "@pagi/core/contract/NativeHandler"
import type { Scope } from "@pagi/core/contract/Scope"
import type { SendError } from "@pagi/core/contract/SendError"
import { type PathParts, readPath } from "@pagi/core/http/RequestPath"
import type { Mount } from "@pagi/core/options/Mount"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { answerFile, type FileRequest } from "./AnswerFile.ts"
import * as CacheRule from "./CacheRule.ts"
import * as ContentCoding from "./ContentCoding.ts"
import * as ContentType from "./ContentType.ts"
import type { FileFailure } from "./FileError.ts"
import * as OpenedFile from "./OpenedFile.ts"
import * as Reply from "./Reply.ts"
import { realRoot, type RootError } from "./RootError.ts"
import * as TargetPath from "./TargetPath.ts"

export type { Mount }

/** Why a request for a file fails; the server answers 500, or cuts the response off if it has begun. */
export type StaticFailure = FileFailure | SendError

/** A folder that has been found. */
interface Site {
  /** Without a slash at the end; empty for all paths. */
  readonly prefix: string
  readonly root: string
  readonly cacheControl: (name: string) => string
}

type Request = FileRequest & PathParts

/** Whether it was answered. */
type Answer = Effect.Effect<boolean, StaticFailure>

const unanswered: Answer = Effect.succeed(false)

const indexName = "index.html"

/** Opens a file and answers by it; what may not be shown is as if it were not there. */
const useFile = (
  { root }: Site,
  names: ReadonlyArray<string>,
  use: (file: OpenedFile.OpenedFile) => Effect.Effect<boolean, StaticFailure>
): Answer => Effect.catchTag(OpenedFile.use(root, names, use), "NotShown", () => unanswered)

const suffixes: Readonly<Record<ContentCoding.Coding, string>> = { br: ".br", zstd: ".zst", gzip: ".gz" }

/** Sends the file, or what lies beside it in the coding that the client likes best. */
const answerBest = (
  site: Site,
  names: ReadonlyArray<string>,
  file: OpenedFile.OpenedFile,
  request: Request
): Answer => {
  const name = names.at(-1) ?? ""
  const cacheControl = site.cacheControl(name)
  const varies = ContentCoding.isCompressible(ContentType.ofName(name))
  const codings = varies ? ContentCoding.accepted(request.headers) : []
  const plain: Answer = Effect.as(answerFile(request, name, file, { cacheControl, varies }), true)
  return codings.reduceRight<Answer>((otherwise, coding) => {
    const variant = useFile(site, [...names.slice(0, -1), `${name}${suffixes[coding]}`], (found) =>
      found.status.isFile()
        ? Effect.as(answerFile(request, name, found, { cacheControl, coding, varies }), true)
        : unanswered
    )
    return Effect.flatMap(variant, (isAnswered) => (isAnswered ? Effect.succeed(true) : otherwise))
  }, plain)
}

/** Relative links of a folder's page need the slash. The address is a relative one, whatever is before it. */
const redirect = (site: Site, names: ReadonlyArray<string>, { queryString, send }: Request): Answer => {
  const name = names.at(-1) ?? site.prefix.slice(site.prefix.lastIndexOf("/") + 1)
  const location = `./${encodeURIComponent(name)}/${queryString === "" ? "" : `?${queryString}`}`
  const fields = [
    ["location", location],
    ["cache-control", "no-cache"]
  ] as const
  return useFile(site, [...names, indexName], (index) =>
    index.status.isFile() ? Effect.as(Reply.text(send, 301, `This folder is at ${location}`, fields), true) : unanswered
  )
}

const answer = (site: Site, request: Request): Answer => {
  const path = request.path.slice(site.prefix.length)
  const target = path === "" ? { names: [], endsWithSlash: false } : TargetPath.parse(path, request.rawPath)
  if (target === undefined) return unanswered
  const names = target.endsWithSlash ? [...target.names, indexName] : target.names
  return useFile(site, names, (file) => {
    if (file.status.isFile()) return answerBest(site, names, file, request)
    return target.endsWithSlash ? unanswered : redirect(site, names, request)
  })
}

const isBelow = (path: string, { prefix }: Site): boolean =>
  path.startsWith(prefix) && (path.length === prefix.length ? prefix !== "" : path[prefix.length] === "/")

/** Finds the files of the longest prefix first; answers `undefined` when no prefix is that of the path. */
const find =
  (sites: ReadonlyArray<Site>) =>
  (method: string, path: string): ((request: Request) => Answer) | undefined => {
    if (method !== "GET" && method !== "HEAD") return undefined
    const found = sites.filter((site) => isBelow(path, site))
    if (found.length === 0) return undefined
    return (request) =>
      found.reduceRight<Answer>(
        (otherwise, site) =>
          Effect.flatMap(answer(site, request), (isAnswered) => (isAnswered ? Effect.succeed(true) : otherwise)),
        unanswered
      )
  }

type Find = ReturnType<typeof find>

/** A native handler behind the files. */
const behind =
  (files: Find, native: NativeHandler): NativeHandler =>
  (request, context) => {
    const parts = readPath(request.target)
    const answerOf = parts === undefined ? undefined : files(request.method, parts.path)
    if (parts === undefined || answerOf === undefined) return native(request, context)
    const { headers, method, send } = request
    return Effect.runForkWith(context)(
      Effect.flatMap(answerOf({ ...parts, method, headers, send }), (isAnswered) => {
        if (isAnswered) return Effect.void
        const fiber = native(request, context)
        return Effect.onInterrupt(Fiber.join(fiber), () => Fiber.interrupt(fiber))
      })
    )
  }

/**
 * Serves the files of folders around an application (docs/static.md). Only GET and HEAD are answered; everything that is
 * not there, hidden, or outside its folder is the application's to answer. Fails when a folder cannot be read.
 *
 *     const site = yield* Around.staticFiles(application, [{ prefix: "/assets", folder: "./public" }])
 */
export const staticFiles = <E, R>(
  application: Application<E, R>,
  mounts: ReadonlyArray<Mount>,
  settings: CacheRule.CacheSettings = {}
): Effect.Effect<Application<E | StaticFailure, R>, RootError> =>
  Effect.gen(function* () {
    const cacheControl = CacheRule.make(settings)
    const sites = yield* Effect.forEach(mounts, ({ folder, prefix }) =>
      Effect.map(realRoot(folder), (root): Site => ({ prefix: prefix.replace(/\/+$/, ""), root, cacheControl }))
    )
    const files = find(sites.toSorted((left, right) => right.prefix.length - left.prefix.length))
    const handlesHttp = application.scopeTypes?.has("http") !== false
    const around = (
      scope: Scope,
      receive: Receive<Event.ReceiveEvent>,
      send: Send<Event.SendEvent>
    ): Effect.Effect<unknown, E | StaticFailure, R> => {
      const answerOf = scope.type === "http" ? files(scope.method, scope.path) : undefined
      if (scope.type !== "http" || (answerOf === undefined && handlesHttp)) return application(scope, receive, send)
      return Effect.flatMap(
        answerOf?.({ ...partsOf(scope), send }) ?? unanswered,
        (isAnswered): ReturnType<typeof around> => {
          if (isAnswered) return Effect.void
          return handlesHttp
            ? application(scope, receive, send)
            : Reply.text(send, 404, "There is nothing at this address.")
        }
      )
    }
    return wrap(application, around, {
      handles: ["http"],
      native: application.native && behind(files, application.native)
    })
  })

const partsOf = ({ headers, method, path, queryString, rawPath }: Scope & { readonly type: "http" }) => ({
  headers,
  method,
  path,
  queryString,
  rawPath
})
