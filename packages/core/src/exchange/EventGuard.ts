/**
 * Compiled checks of the events that applications send. One guard for each event type, found by the type: that is
 * faster than a guard over the union and the error can name the event.
 */
import "effect/schema/SchemaJITCompiler/enable"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import * as Event from "../contract/Event.ts"
import { invalidEvent, type SendError } from "../contract/SendError.ts"

interface Guard {
  readonly is: (event: unknown) => boolean
  readonly explain: (event: unknown) => string
}

const guard = (schema: Schema.Codec<unknown, unknown>): Guard => {
  const decode = Schema.decodeUnknownExit(schema)
  return {
    is: Schema.is(schema),
    explain: (event) =>
      Option.match(Exit.findErrorOption(decode(event)), {
        onNone: () => "is not valid",
        // Each problem has a line of its own with its path below; only the members of a union make several.
        onSome: (error) => error.message.replaceAll(/\n[ \t]+at /g, " at ").replaceAll("\n", " or ")
      })
  }
}

/** Answers `undefined` for a sound event of the family, else the error that `send` fails with. */
export type Check = (event: unknown) => SendError | undefined

const nameOf = (type: unknown): string => (Predicate.isString(type) ? type : "an event without a type")

const family = (name: string, schemas: Readonly<Record<string, Schema.Codec<unknown, unknown>>>): Check => {
  const types: ReadonlyArray<unknown> = Object.keys(schemas)
  const guards = Object.values(schemas).map(guard)
  const expected = Object.keys(schemas).join(", ")
  return (event) => {
    const type = Predicate.isObject(event) && "type" in event ? event.type : undefined
    // Of so few a list is faster than a map; those that are sent most come first.
    const found = guards[types.indexOf(type)]
    if (found === undefined) {
      return invalidEvent(nameOf(type), `unknown event type for the ${name} scope; expected one of ${expected}`)
    }
    return found.is(event) ? undefined : invalidEvent(nameOf(type), found.explain(event))
  }
}

const checkOtherHttp: Check = family("http", {
  "http.response.start": Event.HttpResponseStart,
  "http.response.informational": Event.HttpResponseInformational,
  "http.response.body": Event.HttpResponseBody,
  "http.response.trailers": Event.HttpResponseTrailers,
  "http.fullflush": Event.HttpFullFlush
})

const fileGuard = guard(Event.HttpResponseFile)
const fileHandleGuard = guard(Event.HttpResponseFileHandle)

/** A file has the type of a piece of the body, but properties of its own. */
const fileGuardOf = (event: unknown): Guard | undefined => {
  if (!Predicate.isObject(event) || !("type" in event) || event.type !== "http.response.body") return undefined
  return "file" in event ? fileGuard : "fh" in event ? fileHandleGuard : undefined
}

export const checkHttp: Check = (event) => {
  const file = fileGuardOf(event)
  if (file === undefined) return checkOtherHttp(event)
  return file.is(event) ? undefined : invalidEvent("http.response.body", file.explain(event))
}

export const checkSse: Check = family("sse", {
  "sse.start": Event.SseStart,
  "sse.send": Event.SseSend,
  "sse.comment": Event.SseComment,
  "sse.keepalive": Event.SseKeepalive,
  "sse.close": Event.SseClose,
  "sse.http.response.start": Event.SseHttpResponseStart,
  "sse.http.response.body": Event.SseHttpResponseBody
})

export const checkWebSocket: Check = family("websocket", {
  "websocket.accept": Event.WebSocketAccept,
  "websocket.send": Event.WebSocketSend,
  "websocket.close": Event.WebSocketClose,
  "websocket.keepalive": Event.WebSocketKeepalive,
  "websocket.http.response.start": Event.WebSocketHttpResponseStart,
  "websocket.http.response.body": Event.WebSocketHttpResponseBody
})

export const checkLifespan: Check = family("lifespan", {
  "lifespan.startup.complete": Event.LifespanStartupComplete,
  "lifespan.startup.failed": Event.LifespanStartupFailed,
  "lifespan.shutdown.complete": Event.LifespanShutdownComplete,
  "lifespan.shutdown.failed": Event.LifespanShutdownFailed
})
