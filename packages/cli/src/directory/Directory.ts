/**
 * An application that serves the files of a directory: what `pagi-server` runs when it is given none.
 *
 * It shows regular files and directories below the root, and nothing else: no hidden file, no device, and no link that
 * leads out. A directory is answered with its `index.html` or with a page that lists it.
 */
import type { HttpSendEvent } from "@pagi/core/contract/Event"
import * as PagiApp from "@pagi/core/contract/PagiApp"
import type { HttpScope } from "@pagi/core/contract/Scope"
import type { SendError } from "@pagi/core/contract/SendError"
import * as Effect from "effect/Effect"
import * as DirectoryEntries from "./DirectoryEntries.ts"
import * as AnswerFile from "@pagi/node/static/AnswerFile"
import type { FileFailure } from "@pagi/node/static/FileError"
import * as Listing from "./Listing.ts"
import * as OpenedFile from "@pagi/node/static/OpenedFile"
import * as Reply from "@pagi/node/static/Reply"
import { realRoot, RootError } from "@pagi/node/static/RootError"
import * as TargetPath from "@pagi/node/static/TargetPath"

export { RootError }

/** Why an exchange with the application fails; the server answers 500, or cuts the response off if it has begun. */
export type Failure = FileFailure | SendError | PagiApp.UnsupportedScope

/**
 * Makes the application.
 *
 * @param root the directory; a link to one is followed, once and for all
 */
export const make = (root: string): Effect.Effect<PagiApp.Application<Failure>, RootError> =>
  Effect.map(realRoot(root), (root) => PagiApp.make({ http: (scope, _receive, send) => answer({ root, scope, send }) }))

/** One request, with what its answer needs. */
interface Exchange {
  readonly root: string
  readonly scope: HttpScope
  readonly send: PagiApp.Send<HttpSendEvent>
}

type Answer = Effect.Effect<void, Exclude<Failure, PagiApp.UnsupportedScope>>

const answer = (exchange: Exchange): Answer => {
  const { scope, send } = exchange
  if (scope.method !== "GET" && scope.method !== "HEAD") {
    return Reply.text(send, 405, "This address can only be read.", [["allow", "GET, HEAD"]])
  }
  const target = TargetPath.parse(scope.path, scope.rawPath)
  if (target === undefined) return notFound(send)
  return OpenedFile.use(exchange.root, target.names, (file) => answerOpened(exchange, target, file)).pipe(
    Effect.catchTag("NotShown", () => notFound(send))
  )
}

const answerOpened = (exchange: Exchange, target: TargetPath.TargetPath, file: OpenedFile.OpenedFile): Answer => {
  const isDirectory = file.status.isDirectory()
  if (isDirectory !== target.endsWithSlash) {
    return isDirectory ? redirect(exchange, target.names) : notFound(exchange.send)
  }
  return isDirectory
    ? answerDirectory(exchange, target.names, file)
    : answerFile(exchange, target.names.at(-1) ?? "", file)
}

const notFound = (send: Exchange["send"]): Effect.Effect<void, SendError> =>
  Reply.text(send, 404, "There is nothing at this address.")

/** Relative links in a directory's page need the slash. */
const redirect = ({ scope, send }: Exchange, names: ReadonlyArray<string>): Answer => {
  const query = scope.queryString === "" ? "" : `?${scope.queryString}`
  const location = `${scope.rootPath}${TargetPath.toUrlPath(names)}${query}`
  return Reply.text(send, 301, `This directory is at ${location}`, [
    ["location", location],
    // Without this, browsers keep it for ever, also when there is a file of that name one day.
    ["cache-control", "no-cache"]
  ])
}

const indexName = "index.html"

const answerDirectory = (exchange: Exchange, names: ReadonlyArray<string>, directory: OpenedFile.OpenedFile): Answer =>
  OpenedFile.use(exchange.root, [...names, indexName], (file) =>
    file.status.isFile() ? Effect.as(answerFile(exchange, indexName, file), true) : Effect.succeed(false)
  ).pipe(
    Effect.catchTag("NotShown", () => Effect.succeed(false)),
    Effect.flatMap((isAnswered) => (isAnswered ? Effect.void : answerListing(exchange, names, directory)))
  )

const answerListing = (exchange: Exchange, names: ReadonlyArray<string>, directory: OpenedFile.OpenedFile): Answer =>
  DirectoryEntries.read(exchange.root, directory).pipe(
    Effect.flatMap(({ entries, omitted }) => Reply.page(exchange.send, Listing.render(names, entries, omitted))),
    Effect.catchTag("NotShown", () => notFound(exchange.send))
  )

const answerFile = ({ scope, send }: Exchange, name: string, file: OpenedFile.OpenedFile): Answer =>
  AnswerFile.answerFile({ method: scope.method, headers: scope.headers, send }, name, file, fields)

/** A cache may keep the file but asks before it uses it, so that a change is seen at once. */
const fields: AnswerFile.FileFields = { cacheControl: "no-cache" }
