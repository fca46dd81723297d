/** A response that is a file: conditions, ranges, and what caches are told. */
import type { HttpSendEvent } from "@pagi/core/contract/Event"
import type { Send } from "@pagi/core/contract/PagiApp"
import type { SendError } from "@pagi/core/contract/SendError"
import type { HeaderBlock } from "@pagi/core/http/HeaderBlock"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as ByteRange from "./ByteRange.ts"
import * as ContentType from "./ContentType.ts"
import type { OpenedFile } from "./OpenedFile.ts"
import * as Preconditions from "./Preconditions.ts"
import * as Reply from "./Reply.ts"
import * as Validators from "./Validators.ts"

/** As much of a request as decides how a file is sent. */
export interface FileRequest {
  /** GET or HEAD. */
  readonly method: string
  readonly headers: HeaderBlock
  readonly send: Send<HttpSendEvent>
}

/** What is said of a file beside what it says itself. */
export interface FileFields {
  /** The value of Cache-Control. */
  readonly cacheControl: string
  /** The coding of the file's content; none when absent. */
  readonly coding?: string
  /** Whether another request could get the content in another coding. */
  readonly varies?: boolean
}

/** The tag of content in a coding, which is never that of the same content without. */
const tagOf = (entityTag: string, coding: string | undefined): string =>
  coding === undefined ? entityTag : `${entityTag.slice(0, -1)}-${coding}"`

/**
 * Sends a file, or the part of it that is asked for, or says that it has not changed.
 *
 * @param name what the type of the content is told by
 */
export const answerFile = Effect.fnUntraced(function* (
  request: FileRequest,
  name: string,
  file: OpenedFile,
  { cacheControl, coding, varies = false }: FileFields
): Effect.fn.Return<void, SendError> {
  const { send } = request
  const read = Validators.make(file.status, yield* Clock.currentTimeMillis)
  const validators = { ...read, entityTag: tagOf(read.entityTag, coding) }
  const headers: HeaderBlock = [
    ["etag", validators.entityTag],
    ["last-modified", new Date(validators.lastModified).toUTCString()],
    ["accept-ranges", "bytes"],
    ["cache-control", cacheControl],
    ...(varies ? [["vary", "accept-encoding"] as const] : [])
  ]
  switch (Preconditions.evaluate(request.headers, validators)) {
    case "notModified":
      return yield* Reply.empty(send, 304, headers)
    case "failed":
      return yield* Reply.text(send, 412, "The file is not in the state that the request asks for.")
  }
  const size = Number(file.status.size)
  const range = selectRange(request, size, validators)
  if (range === "unsatisfiable") {
    return yield* Reply.text(send, 416, "The file has no such part.", [["content-range", `bytes */${size}`]])
  }
  const { start, end } = range ?? { start: 0, end: size }
  yield* Reply.start(send, range === undefined ? 200 : 206, [
    ...headers,
    ["content-type", ContentType.ofName(name)],
    ...(coding === undefined ? [] : [["content-encoding", coding] as const]),
    ["content-length", String(end - start)],
    ...(range === undefined ? [] : [["content-range", `bytes ${start}-${end - 1}/${size}`] as const])
  ])
  // The server sends nothing of it when the method is HEAD.
  yield* send({ type: "http.response.body", fh: file.handle, offset: start, length: end - start })
})

/** Ranges are defined for GET only (RFC 9110 §14.2). */
const selectRange = (
  { headers, method }: FileRequest,
  size: number,
  validators: Validators.Validators
): ReturnType<typeof ByteRange.parse> => {
  const field = method === "GET" ? Preconditions.single(headers, "range") : undefined
  return field !== undefined && Preconditions.allowsRange(headers, validators)
    ? ByteRange.parse(field, size)
    : undefined
}
