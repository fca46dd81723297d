/** Adds fields of security to the responses of an application. */
import type * as Event from "@pagi/core/contract/Event"
import type { NativeHandler, NativeRequest } from "@pagi/core/contract/NativeHandler"
import { type Application, type Receive, type Send, wrap } from "@pagi/core/contract/PagiApp"
import { RequestAround } from "@pagi/core/contract/RequestAround"
import type { Scope } from "@pagi/core/contract/Scope"
import type { HeaderBlock } from "@pagi/core/http/HeaderBlock"
import { hasProperty } from "effect/Predicate"
import { adding, type SecuritySettings } from "./SecurityFields.ts"

type Add = ReturnType<typeof adding>

/** What begins a response, of any scope type. Nobody has checked the events of an application in plain JavaScript. */
const isStart = (event: Event.SendEvent): event is Event.SendEvent & { readonly headers?: HeaderBlock } =>
  hasProperty(event, "type") &&
  (event.type === "http.response.start" ||
    event.type === "sse.start" ||
    event.type === "sse.http.response.start" ||
    event.type === "websocket.http.response.start")

/** An event that is not sound is left as it is, and fails where it is sent. */
const addTo = <E extends Event.SendEvent>(event: E, add: Add, isSecure: boolean): E =>
  isStart(event) &&
  (event.headers === undefined || Array.isArray(event.headers)) &&
  (event.headers ?? []).every(isField)
    ? { ...event, headers: add(event.headers ?? [], isSecure) }
    : event

const isField = (field: unknown): boolean => Array.isArray(field) && typeof field[0] === "string"

class RequestWithFields extends RequestAround {
  readonly #add: Add

  constructor(request: NativeRequest, add: Add) {
    super(request)
    this.#add = add
  }

  override get send(): Send<Event.HttpSendEvent> {
    const { secure, send } = this.request
    return (event) => send(addTo(event, this.#add, secure))
  }

  override respond(status: number, headers: HeaderBlock, content: string | Uint8Array): string | undefined {
    return this.request.respond(status, this.#add(headers, this.request.secure), content)
  }
}

/**
 * Adds to all responses of an application the fields of a preset, and Strict-Transport-Security to those by https, unless
 * the application has sent a field of the same name itself (docs/security-headers.md).
 *
 *     const site = Around.securityHeaders(application, { preset: "strict", hsts: "max-age=31536000" })
 */
export const securityHeaders = <E, R>(
  application: Application<E, R>,
  settings: SecuritySettings
): Application<E, R> => {
  const add = adding(settings)
  const around = (scope: Scope, receive: Receive<Event.ReceiveEvent>, send: Send<Event.SendEvent>) => {
    if (scope.type === "lifespan") return application(scope, receive, send)
    const isSecure = scope.scheme === "https" || scope.scheme === "wss"
    return application(scope, receive, (event) => send(addTo(event, add, isSecure)))
  }
  const { native } = application
  const withFields: NativeHandler | undefined =
    native && ((request, context) => native(new RequestWithFields(request, add), context))
  return wrap(application, around, { native: withFields })
}
