/**
 * The events of the application contract, for every scope type. The Schemas are the definition; the types are read off
 * them, and `EventGuard` compiles them for the running server.
 */
import * as Schema from "effect/Schema"
import type { FileHandle } from "./FileSource.ts"

/** `[name, value]` pairs of byte strings; duplicates and order are kept. */
export const Headers = Schema.Array(Schema.Tuple([Schema.String, Schema.String]))

const Text = Schema.String.annotateKey({ messageMissingKey: "Expected string" })
// Refinements of Unknown: `Schema.Uint8Array` is a declaration, and guards with a declaration inside are not compiled.
const isBytes = (value: unknown): value is Uint8Array => value instanceof Uint8Array
const isContent = (value: unknown): value is string | Uint8Array => typeof value === "string" || isBytes(value)
const Bytes = Schema.Unknown.pipe(Schema.refine(isBytes, { message: "Expected Uint8Array" })).annotateKey({
  messageMissingKey: "Expected Uint8Array"
})
/** Bytes as they are, or text that is encoded as UTF-8. */
const Content = Schema.Unknown.pipe(Schema.refine(isContent, { message: "Expected string | Uint8Array" }))
const Empty = Schema.optionalKey(Schema.Never.annotate({ message: "Expected text or bytes, not both," }))

const between = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))
const FinalStatus = between(200, 599).annotateKey({ messageMissingKey: "Expected a status from 200 to 599" })
const Seconds = Schema.Finite.check(Schema.isGreaterThanOrEqualTo(0)).annotateKey({
  messageMissingKey: "Expected a number of seconds"
})

// http ---------------------------------------------------------------------------------------------------------------

/** A piece of the request body, at least one for each request, possibly empty. */
export const HttpRequest = Schema.Struct({ type: Schema.Literal("http.request"), body: Bytes, more: Schema.Boolean })
/** The response is complete or the peer is gone. Repeated for every later receive. */
export const HttpDisconnect = Schema.Struct({ type: Schema.Literal("http.disconnect") })
/** What an application receives in an `http` scope. */
export const HttpReceiveEvent = Schema.Union([HttpRequest, HttpDisconnect])

/** Status and headers. `trailers: true` announces that `http.response.trailers` will end the response. */
export const HttpResponseStart = Schema.Struct({
  type: Schema.Literal("http.response.start"),
  status: FinalStatus,
  headers: Schema.optionalKey(Headers),
  trailers: Schema.optionalKey(Schema.Boolean)
})
/** An interim response before the start: 102 Processing or 103 Early Hints (RFC 8297). */
export const HttpResponseInformational = Schema.Struct({
  type: Schema.Literal("http.response.informational"),
  status: Schema.Literals([102, 103]).annotateKey({ messageMissingKey: "Expected 102 | 103" }),
  headers: Schema.optionalKey(Headers)
})
/** A piece of the response body. It is the last one unless `more` is true. */
export const HttpResponseBody = Schema.Struct({
  type: Schema.Literal("http.response.body"),
  body: Schema.optionalKey(Content),
  more: Schema.optionalKey(Schema.Boolean)
})
const ByteCount = Schema.Int.check(Schema.isGreaterThanOrEqualTo(0))
/** What a file response has besides its file. */
const FilePart = {
  type: Schema.Literal("http.response.body"),
  body: Schema.optionalKey(Schema.Never.annotate({ message: "Expected one of body, file and fh," })),
  offset: Schema.optionalKey(ByteCount),
  length: Schema.optionalKey(ByteCount),
  more: Schema.optionalKey(
    Schema.Literal(false).annotate({ message: "Expected false, because a file ends the response," })
  )
}
const isFileHandle = (value: unknown): value is FileHandle =>
  typeof value === "number"
    ? Number.isInteger(value) && value >= 0
    : typeof value === "object" && value !== null && "fd" in value && typeof value.fd === "number"

/** The rest of the response: a file by its absolute path, or `length` bytes of it from `offset` on. */
export const HttpResponseFile = Schema.Struct({
  ...FilePart,
  file: Schema.String,
  fh: Schema.optionalKey(Schema.Never.annotate({ message: "Expected one of body, file and fh," }))
})
/** The same with a file that the application has opened, and closes itself. */
export const HttpResponseFileHandle = Schema.Struct({
  ...FilePart,
  fh: Schema.Unknown.pipe(Schema.refine(isFileHandle, { message: "Expected a file handle or descriptor" }))
})
/** Trailer fields; they end the response and must have been announced. */
export const HttpResponseTrailers = Schema.Struct({
  type: Schema.Literal("http.response.trailers"),
  headers: Schema.optionalKey(Headers)
})
/** Pushes everything buffered to the socket now instead of at the end of the turn. */
export const HttpFullFlush = Schema.Struct({ type: Schema.Literal("http.fullflush") })
/** What an application sends in an `http` scope; `exchange/Http` has the order as a table. */
export const HttpSendEvent = Schema.Union([
  HttpResponseStart,
  HttpResponseInformational,
  HttpResponseBody,
  HttpResponseFile,
  HttpResponseFileHandle,
  HttpResponseTrailers,
  HttpFullFlush
])

/** A piece of a request's body. */
export type HttpRequestEvent = typeof HttpRequest.Type
/** What an application receives in an `http` scope. */
export type HttpReceiveEvent = typeof HttpReceiveEvent.Type
/** What an application sends in an `http` scope. */
export type HttpSendEvent = typeof HttpSendEvent.Type

// sse ----------------------------------------------------------------------------------------------------------------

/** A piece of the request body, as `http.request` is. */
export const SseRequest = Schema.Struct({ type: Schema.Literal("sse.request"), body: Bytes, more: Schema.Boolean })
/**
 * The stream, or the response in its place, is over: by a `DisconnectReason`, or `closed` after an end of the
 * application's own. Repeated for every later receive.
 */
export const SseDisconnect = Schema.Struct({ type: Schema.Literal("sse.disconnect"), reason: Schema.String })
/** What an application receives in an `sse` scope. */
export const SseReceiveEvent = Schema.Union([SseRequest, SseDisconnect])

/**
 * Begins the stream, with status 200 unless another is given. The server adds the fields that make it an event stream.
 */
export const SseStart = Schema.Struct({
  type: Schema.Literal("sse.start"),
  status: Schema.optionalKey(FinalStatus),
  headers: Schema.optionalKey(Headers)
})
/**
 * One event. `data` may have several lines, `event` and `id` no line break; `retry` is in milliseconds (HTML standard,
 * "Server-sent events").
 */
export const SseSend = Schema.Struct({
  type: Schema.Literal("sse.send"),
  data: Text,
  event: Schema.optionalKey(Schema.String.check(Schema.isPattern(/^[^\r\n]*$/))),
  id: Schema.optionalKey(Schema.String.check(Schema.isPattern(/^[^\r\n\0]*$/))),
  retry: Schema.optionalKey(Schema.Int.check(Schema.isGreaterThanOrEqualTo(0)))
})
/** A comment, which clients ignore. */
export const SseComment = Schema.Struct({ type: Schema.Literal("sse.comment"), comment: Text })
/** A comment every `interval` seconds while nothing else is sent; 0 stops. */
export const SseKeepalive = Schema.Struct({
  type: Schema.Literal("sse.keepalive"),
  interval: Seconds,
  comment: Schema.optionalKey(Schema.String)
})
/** Ends the stream; may be repeated. The reason is for the log. */
export const SseClose = Schema.Struct({
  type: Schema.Literal("sse.close"),
  reason: Schema.optionalKey(Schema.String)
})
/** Status and headers of an ordinary response in place of a stream. */
export const SseHttpResponseStart = Schema.Struct({
  type: Schema.Literal("sse.http.response.start"),
  status: FinalStatus,
  headers: Schema.optionalKey(Headers)
})
/** A piece of that response's body. It is the last one unless `more` is true. */
export const SseHttpResponseBody = Schema.Struct({
  type: Schema.Literal("sse.http.response.body"),
  body: Schema.optionalKey(Content),
  more: Schema.optionalKey(Schema.Boolean)
})
/** What an application sends in an `sse` scope; `exchange/Sse` has the order as a table. */
export const SseSendEvent = Schema.Union([
  SseStart,
  SseSend,
  SseComment,
  SseKeepalive,
  SseClose,
  SseHttpResponseStart,
  SseHttpResponseBody
])

/** What an application receives in an `sse` scope. */
export type SseReceiveEvent = typeof SseReceiveEvent.Type
/** What an application sends in an `sse` scope. */
export type SseSendEvent = typeof SseSendEvent.Type

// websocket ----------------------------------------------------------------------------------------------------------

/** Comes first: the handshake waits to be accepted or refused. */
export const WebSocketConnect = Schema.Struct({ type: Schema.Literal("websocket.connect") })
/** A whole message: `text` or `bytes`. */
export const WebSocketReceive = Schema.Union([
  Schema.Struct({ type: Schema.Literal("websocket.receive"), text: Schema.String, bytes: Empty }),
  Schema.Struct({ type: Schema.Literal("websocket.receive"), bytes: Bytes, text: Empty })
])
/**
 * The session is over, by this close code and reason: the peer's, or the server's (RFC 6455 §7.4). 1005 stands for a
 * close frame without a code, 1006 for an end without a close frame. Repeated for every later receive.
 */
export const WebSocketDisconnect = Schema.Struct({
  type: Schema.Literal("websocket.disconnect"),
  code: Schema.Int,
  reason: Schema.String
})
/** What an application receives in a `websocket` scope. */
export const WebSocketReceiveEvent = Schema.Union([WebSocketConnect, WebSocketReceive, WebSocketDisconnect])

/** Completes the handshake. The subprotocol is one of those that the client offers. */
export const WebSocketAccept = Schema.Struct({
  type: Schema.Literal("websocket.accept"),
  subprotocol: Schema.optionalKey(Schema.String),
  headers: Schema.optionalKey(Headers)
})
/** A message: `text` or `bytes`, not both. */
export const WebSocketSend = Schema.Union([
  Schema.Struct({ type: Schema.Literal("websocket.send"), text: Text, bytes: Empty }),
  Schema.Struct({ type: Schema.Literal("websocket.send"), bytes: Bytes, text: Empty })
])
/**
 * Begins the closing handshake, with code 1000 unless another is given, and a reason of up to 123 bytes (RFC 6455
 * §5.5.1). Before accept it refuses the handshake with 403.
 */
export const WebSocketClose = Schema.Struct({
  type: Schema.Literal("websocket.close"),
  code: Schema.optionalKey(between(1000, 4999)),
  reason: Schema.optionalKey(Schema.String)
})
/**
 * A ping every `interval` seconds, 0 for none (RFC 6455 §5.5.2). Without a pong within `timeout` seconds the session
 * ends; without a timeout, or with 0, pongs are not waited for.
 */
export const WebSocketKeepalive = Schema.Struct({
  type: Schema.Literal("websocket.keepalive"),
  interval: Seconds,
  timeout: Schema.optionalKey(Seconds)
})
/** Status and headers of a response that refuses the handshake. Ignored after accept. */
export const WebSocketHttpResponseStart = Schema.Struct({
  type: Schema.Literal("websocket.http.response.start"),
  status: FinalStatus,
  headers: Schema.optionalKey(Headers)
})
/** A piece of that response's body. It is the last one unless `more` is true. */
export const WebSocketHttpResponseBody = Schema.Struct({
  type: Schema.Literal("websocket.http.response.body"),
  body: Schema.optionalKey(Content),
  more: Schema.optionalKey(Schema.Boolean)
})
/** What an application sends in a `websocket` scope; `exchange/WebSocket` has the order as a table. */
export const WebSocketSendEvent = Schema.Union([
  WebSocketAccept,
  WebSocketSend,
  WebSocketClose,
  WebSocketKeepalive,
  WebSocketHttpResponseStart,
  WebSocketHttpResponseBody
])

/** What an application receives in a `websocket` scope. */
export type WebSocketReceiveEvent = typeof WebSocketReceiveEvent.Type
/** What an application sends in a `websocket` scope. */
export type WebSocketSendEvent = typeof WebSocketSendEvent.Type

// lifespan -----------------------------------------------------------------------------------------------------------

/** The server is about to listen, and waits for an answer within `lifespanStartupTimeout`. */
export const LifespanStartup = Schema.Struct({ type: Schema.Literal("lifespan.startup") })
/** All connections have ended, and the server waits for an answer within `shutdownTimeout`. */
export const LifespanShutdown = Schema.Struct({ type: Schema.Literal("lifespan.shutdown") })
/** What an application receives in the `lifespan` scope. */
export const LifespanReceiveEvent = Schema.Union([LifespanStartup, LifespanShutdown])

/** The application is ready. */
export const LifespanStartupComplete = Schema.Struct({ type: Schema.Literal("lifespan.startup.complete") })
/** The application cannot start, and so the server does not. */
export const LifespanStartupFailed = Schema.Struct({
  type: Schema.Literal("lifespan.startup.failed"),
  message: Schema.optionalKey(Schema.String)
})
/** The application has ended what it had begun. */
export const LifespanShutdownComplete = Schema.Struct({ type: Schema.Literal("lifespan.shutdown.complete") })
/** The application could not; that is logged. */
export const LifespanShutdownFailed = Schema.Struct({
  type: Schema.Literal("lifespan.shutdown.failed"),
  message: Schema.optionalKey(Schema.String)
})
/** What an application sends in the `lifespan` scope. */
export const LifespanSendEvent = Schema.Union([
  LifespanStartupComplete,
  LifespanStartupFailed,
  LifespanShutdownComplete,
  LifespanShutdownFailed
])

/** What an application receives in the `lifespan` scope. */
export type LifespanReceiveEvent = typeof LifespanReceiveEvent.Type
/** What an application sends in the `lifespan` scope. */
export type LifespanSendEvent = typeof LifespanSendEvent.Type

/** Everything that an application of any scope type can receive. */
export type ReceiveEvent = HttpReceiveEvent | SseReceiveEvent | WebSocketReceiveEvent | LifespanReceiveEvent

/** Everything that an application of any scope type can send. */
export type SendEvent = HttpSendEvent | SseSendEvent | WebSocketSendEvent | LifespanSendEvent
