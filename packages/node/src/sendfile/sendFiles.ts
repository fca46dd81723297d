/** Sends files that the application names by X-Sendfile or X-Accel-Redirect in place of its own content. */
import type * as Event from "@pagi/core/contract/Event"
import { type Application, type Receive, type Send, wrap } from "@pagi/core/contract/PagiApp"
import type { HttpScope, Scope } from "@pagi/core/contract/Scope"
import type { SendError } from "@pagi/core/contract/SendError"
import { checkHttp } from "@pagi/core/exchange/EventGuard"
import type { HeaderBlock } from "@pagi/core/http/HeaderBlock"
import type { Mount } from "@pagi/core/options/Mount"
import { callApplication } from "@pagi/core/server/ApplicationCall"
import * as Effect from "effect/Effect"
import { resolve } from "node:path"
import { answerFile } from "../static/AnswerFile.ts"
import * as ContentType from "../static/ContentType.ts"
import { type FileFailure, NotShown } from "../static/FileError.ts"
import * as OpenedFile from "../static/OpenedFile.ts"
import * as Reply from "../static/Reply.ts"
import { realRoot, type RootError } from "../static/RootError.ts"
import * as SentPath from "./SentPath.ts"

type StartEvent = Event.HttpSendEvent & { readonly type: "http.response.start" }
type SendHttp = Send<Event.HttpSendEvent>

/** What the server says of a file itself, whatever the application says, and what is not for clients. */
const replaced = new Set([
  "x-sendfile",
  "x-accel-redirect",
  "content-length",
  "content-range",
  "accept-ranges",
  "etag",
  "last-modified",
  "transfer-encoding"
])

/** What the application says besides. */
const keptFields = (headers: HeaderBlock): HeaderBlock => headers.filter(([name]) => !replaced.has(name.toLowerCase()))

/** Sends the start of a file's response with the fields of the application, which win; its type is that of content alone. */
const withFields =
  (send: SendHttp, fields: HeaderBlock): SendHttp =>
  (event) => {
    if (event.type !== "http.response.start") return send(event)
    const hasContent = event.status === 200 || event.status === 206
    const own = hasContent ? fields : fields.filter(([name]) => !/^content-/i.test(name))
    const names = new Set(own.map(([name]) => name.toLowerCase()))
    const others = (event.headers ?? []).filter(([name]) => !names.has(name))
    return send({ ...event, headers: [...own, ...others] })
  }

/** The whole file, with the status of the application: neither conditions nor ranges are for such a response. */
const sendWhole = (send: SendHttp, status: number, fields: HeaderBlock, name: string, file: OpenedFile.OpenedFile) => {
  const hasType = fields.some(([field]) => field.toLowerCase() === "content-type")
  const type: HeaderBlock = hasType ? [] : [["content-type", ContentType.ofName(name)]]
  const headers: HeaderBlock = [...fields, ...type, ["content-length", String(file.status.size)]]
  return Effect.andThen(
    send({ type: "http.response.start", status, headers }),
    send({ type: "http.response.body", fh: file.handle })
  )
}

/** Sends the file that a response names. */
const sendNamed = (
  folders: ReadonlyArray<SentPath.SendFolder>,
  { headers, method }: HttpScope,
  send: SendHttp,
  start: StartEvent,
  field: readonly [SentPath.SendField, string]
): Effect.Effect<void, SendError | FileFailure> => {
  const fields = keptFields(start.headers ?? [])
  const path = SentPath.read(folders, field)
  const isPlain = start.status === 200 && (method === "GET" || method === "HEAD")
  const sent = Effect.suspend((): Effect.Effect<void, SendError | NotShown | FileFailure> => {
    if (path === undefined) return Effect.fail(new NotShown({ path: field[1], detail: "it is in none of the folders" }))
    return OpenedFile.use(path.root, path.names, (file): Effect.Effect<void, SendError | NotShown> => {
      const name = path.names.at(-1) ?? ""
      if (!file.status.isFile()) return Effect.fail(new NotShown({ path: field[1], detail: "it is no regular file" }))
      return isPlain
        ? answerFile({ method, headers, send: withFields(send, fields) }, name, file, {
            cacheControl: "private, no-cache"
          })
        : sendWhole(send, start.status, fields, name, file)
    })
  })
  return Effect.catchTag(sent, "NotShown", ({ message }) =>
    Effect.andThen(
      Effect.logError(
        `the application has named a file by ${field[0]} that cannot be sent: ${JSON.stringify(message)}`
      ),
      Reply.text(send, 404, "There is nothing at this address.")
    )
  )
}

/** The application's way to send: behind a start that names a file, its own content goes nowhere. */
const sendingFiles = (folders: ReadonlyArray<SentPath.SendFolder>, scope: HttpScope, send: SendHttp): SendHttp => {
  let isSent = false
  return (event) =>
    Effect.suspend(() => {
      if (isSent) {
        // Twice is wrong, as without.
        return event.type === "http.response.start" ? send(event) : Effect.void
      }
      if (checkHttp(event) !== undefined || event.type !== "http.response.start") return send(event)
      const field = SentPath.fieldOf(event.headers ?? [])
      if (field === undefined || scope.connection.responseStarted) return send(event)
      isSent = true
      // A disk that fails is nothing that the application can do something about: it is logged, and answered with 500.
      return Effect.catchTag(sendNamed(folders, scope, send, event, field), "FileFailure", (failure) =>
        Effect.die(failure)
      )
    })
}

/**
 * Sends a file in place of the content of responses that name one: by its path (`x-sendfile: /srv/files/a.pdf`), or by a
 * prefix and the path below the folder (`x-accel-redirect: /files/a.pdf`). What is outside of the folders, also by
 * symbolic links, is answered with 404 and logged (docs/static.md). Fails when a folder cannot be read.
 *
 *     const site = yield* Around.sendFiles(application, [{ prefix: "/files", folder: "/srv/files" }])
 */
export const sendFiles = <E, R>(
  application: Application<E, R>,
  mounts: ReadonlyArray<Mount>
): Effect.Effect<Application<E | SendError, R>, RootError> =>
  Effect.gen(function* () {
    const folders = yield* Effect.forEach(mounts, ({ folder, prefix }) =>
      Effect.map(realRoot(folder), (root) => ({ prefix: prefix.replace(/\/+$/, ""), folder: resolve(folder), root }))
    )
    // What it fails with and requires is that of the application, which is added below.
    const inner = application as unknown as Application<unknown, never>
    const around = (scope: Scope, receive: Receive<Event.ReceiveEvent>, send: Send<Event.SendEvent>) => {
      if (scope.type !== "http") return inner(scope, receive, send)
      // In this scope it is asked for events of HTTP alone; others it hands to the server, which refuses them.
      return callApplication(inner, scope, receive, sendingFiles(folders, scope, send) as Send<Event.SendEvent>)
    }
    return wrap(application, around) as Application<E | SendError, R>
  })
