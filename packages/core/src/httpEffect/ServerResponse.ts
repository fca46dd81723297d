/** Sends what a program of Effect's answers. */
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Cookies from "effect/http/Cookies"
import { HttpServerError, ResponseError } from "effect/http/HttpServerError"
import type { HttpServerRequest } from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Stream from "effect/Stream"
import { ParentSpan } from "effect/Tracer"
import type { FilePart } from "../contract/FileSource.ts"
import type { HeaderBlock } from "../http/HeaderBlock.ts"
import type { SendError } from "../contract/SendError.ts"
import { TrailedContent } from "./TrailedContent.ts"
import type { RequestSource } from "./RequestSource.ts"
import type { ServerRequest } from "./ServerRequest.ts"

/** Raw content that is a file, sent in the way of this server. */
export class FileContent {
  readonly part: FilePart

  constructor(part: FilePart) {
    this.part = part
  }
}

type Response = HttpServerResponse.HttpServerResponse

/** Fields that belong to a connection, which the server has in its own hand (RFC 9110 §7.6.1); NodeHttpServer drops them too. */
const fieldsOf = ({ cookies, headers }: Response, isLengthless: boolean): Array<readonly [string, string]> => {
  const fields: Array<readonly [string, string]> = []
  for (const name in headers) {
    const value = headers[name]
    if (value !== undefined && !(isLengthless && name === "content-length")) fields.push([name, value])
  }
  if (!Cookies.isEmpty(cookies)) {
    for (const value of Cookies.toSetCookieHeaders(cookies)) fields.push(["set-cookie", value])
  }
  return fields
}

/**
 * Sends the response to the request. Answers at once when nothing has to be waited for. Fails when the response cannot be
 * sent as it is; when nothing was sent yet, the client has got a 500 then.
 */
export const send = (request: HttpServerRequest, response: Response): Effect.Effect<unknown, HttpServerError> => {
  // Only this server makes the requests that it is asked to answer.
  const { source, upgraded } = (request as ServerRequest).state
  if (upgraded !== undefined) return Exit.succeed(upgraded)
  const { body, status } = response
  if (status >= 500) noteSpan(request)
  const headers = fieldsOf(response, status === 204 || status === 205)
  if (source.method === "HEAD" || HttpServerResponse.omitsBody(response)) {
    return Effect.andThen(cancel(response), orAnswer500(source.respond(status, headers, ""), request, response))
  }
  switch (body._tag) {
    case "Empty":
      return orAnswer500(source.respond(status, headers, ""), request, response)
    case "Uint8Array":
      return orAnswer500(source.respond(status, headers, body.text ?? body.body), request, response)
    case "Raw":
      return sendRaw(source, headers, body.body, request, response)
    case "FormData": {
      const form = new globalThis.Response(body.formData)
      for (const field of form.headers) headers.push(field)
      return sendStream(source, headers, webStream(form.body), request, response)
    }
    case "Stream":
      return sendStream(source, headers, body.stream, request, response)
  }
}

/** Keeps the span of a request that fails, for the log. */
const noteSpan = (request: HttpServerRequest): void => {
  const fiber = Fiber.getCurrent()
  if (fiber === undefined) return
  ;(request as ServerRequest).state.span = Context.getOrUndefined(fiber.context, ParentSpan)
}

/** The server has no way to send it. */
const failure =
  (request: HttpServerRequest, response: Response) =>
  (cause: unknown): HttpServerError =>
    new HttpServerError({ reason: new ResponseError({ request, response, cause }) })

const noFields: HeaderBlock = []

const orAnswer500 = (
  sent: Effect.Effect<void, SendError>,
  request: HttpServerRequest,
  response: Response
): Effect.Effect<void, HttpServerError> => {
  if (sent === Exit.void) return Exit.void
  const { source } = (request as ServerRequest).state
  return Effect.catch(sent, (cause) =>
    Effect.andThen(Effect.ignore(source.respond(500, noFields, "")), Effect.fail(failure(request, response)(cause)))
  )
}

/** Lets go of content that nobody will get. */
const cancel = ({ body }: Response): Effect.Effect<void> => {
  if (body._tag !== "Raw") return Exit.void
  const { body: content } = body
  return content instanceof ReadableStream
    ? Effect.promise(() => content.cancel().catch(() => {}))
    : hasDestroy(content)
      ? Effect.sync(() => content.destroy())
      : Exit.void
}

const hasDestroy = (content: unknown): content is { readonly destroy: () => void } =>
  typeof content === "object" && content !== null && "destroy" in content && typeof content.destroy === "function"

const isAsyncIterable = (content: unknown): content is AsyncIterable<unknown> =>
  typeof content === "object" && content !== null && Symbol.asyncIterator in content

const webStream = (body: ReadableStream<Uint8Array> | null): Stream.Stream<Uint8Array, unknown> =>
  body === null ? Stream.empty : Stream.fromReadableStream({ evaluate: () => body, onError: (cause) => cause })

const encoder = new TextEncoder()

const toBytes = (piece: unknown): Uint8Array => {
  if (piece instanceof Uint8Array) return piece
  if (piece instanceof ArrayBuffer) return new Uint8Array(piece)
  return encoder.encode(String(piece))
}

const sendRaw = (
  source: RequestSource,
  headers: Array<readonly [string, string]>,
  content: unknown,
  request: HttpServerRequest,
  response: Response
): Effect.Effect<void, HttpServerError> => {
  const { status } = response
  if (content === undefined || content === null) {
    return orAnswer500(source.respond(status, headers, ""), request, response)
  }
  if (typeof content === "string" || content instanceof Uint8Array) {
    return orAnswer500(source.respond(status, headers, content), request, response)
  }
  if (content instanceof TrailedContent) return sendTrailed(source, headers, content, request, response)
  if (content instanceof FileContent) {
    const file = Effect.andThen(source.start(status, headers), source.file(content.part))
    return orAnswer500(file, request, response)
  }
  if (content instanceof globalThis.Response) {
    for (const field of content.headers) headers.push(field)
    return sendStream(source, headers, webStream(content.body), request, response)
  }
  if (content instanceof ReadableStream) return sendStream(source, headers, webStream(content), request, response)
  if (content instanceof Blob) return sendStream(source, headers, webStream(content.stream()), request, response)
  if (isAsyncIterable(content)) {
    const pieces = Stream.map(
      Stream.fromAsyncIterable(content, (cause) => cause),
      toBytes
    )
    return sendStream(source, headers, pieces, request, response)
  }
  return orAnswer500(source.respond(status, headers, toBytes(content)), request, response)
}

const join = (pieces: ReadonlyArray<Uint8Array>): Uint8Array => {
  const [first] = pieces
  if (pieces.length === 1 && first !== undefined) return first
  const all = new Uint8Array(pieces.reduce((length, piece) => length + piece.length, 0))
  let at = 0
  for (const piece of pieces) {
    all.set(piece, at)
    at += piece.length
  }
  return all
}

const none = new Uint8Array(0)

const sendTrailed = (
  source: RequestSource,
  headers: HeaderBlock,
  { content, trailers }: TrailedContent,
  request: HttpServerRequest,
  response: Response
): Effect.Effect<void, HttpServerError> =>
  Effect.andThen(
    orAnswer500(source.start(response.status, headers, true), request, response),
    sendPieces(
      source,
      content,
      () =>
        Effect.andThen(
          source.piece(none, false),
          Effect.suspend(() => source.trailers(trailers()))
        ),
      request,
      response
    )
  )

/** A stream that fails leaves the response incomplete, and the client sees that. */
const sendStream = (
  source: RequestSource,
  headers: HeaderBlock,
  stream: Stream.Stream<Uint8Array, unknown>,
  request: HttpServerRequest,
  response: Response
): Effect.Effect<void, HttpServerError> => {
  const content = sendPieces(source, stream, () => source.piece(none, false), request, response)
  return Effect.andThen(orAnswer500(source.start(response.status, headers), request, response), content)
}

const sendPieces = (
  source: RequestSource,
  stream: Stream.Stream<Uint8Array, unknown>,
  end: () => Effect.Effect<void, SendError>,
  request: HttpServerRequest,
  response: Response
): Effect.Effect<void, HttpServerError> => {
  const pieces = Stream.runForEachArray(Stream.orDie(stream), (array) =>
    Effect.mapError(source.piece(join(array), true), failure(request, response))
  )
  return Effect.matchCauseEffect(Effect.interruptible(pieces), {
    onSuccess: () => Effect.mapError(end(), failure(request, response)),
    onFailure: (cause) => {
      noteSpan(request)
      ;(request as ServerRequest).state.isBrokenOff = true
      return Effect.failCause(Cause.combine(cause, Cause.die(response)))
    }
  })
}
