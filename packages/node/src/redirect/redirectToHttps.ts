/** Answers what comes by plain HTTP with the address of the same by https. */
import type * as Event from "@pagi/core/contract/Event"
import type { NativeHandler } from "@pagi/core/contract/NativeHandler"
import { type Application, type Receive, type Send, wrap } from "@pagi/core/contract/PagiApp"
import type { Scope } from "@pagi/core/contract/Scope"
import type { SendError } from "@pagi/core/contract/SendError"
import { isAuthority } from "@pagi/core/http/Authority"
import { valuesOf } from "@pagi/core/http/CommaList"
import type { HeaderBlock } from "@pagi/core/http/HeaderBlock"
import { joinTarget, readPath } from "@pagi/core/http/RequestPath"
import * as Effect from "effect/Effect"

/** How requests are redirected. */
export interface RedirectSettings {
  /** The port that https has for clients; 443 by default. */
  readonly port?: number | undefined
  /** Paths, with all below them, that the application answers by plain HTTP, too; none by default. */
  readonly except?: ReadonlyArray<string> | undefined
}

/** As much of a request as is looked at. */
interface Asked {
  readonly method: string
  /** Path and query as they came. */
  readonly target: string
  /** What a proxy has taken off the path. */
  readonly rootPath: string
  readonly headers: HeaderBlock
}

/** A whole answer. */
interface Answer {
  readonly status: number
  readonly headers: HeaderBlock
  readonly content: string
}

const textOf = (status: number, line: string, headers: HeaderBlock = []): Answer => ({
  status,
  headers: [...headers, ["content-type", "text/plain; charset=utf-8"], ["x-content-type-options", "nosniff"]],
  content: `${line}\n`
})

const badHost = textOf(400, "The request does not say for which host it is.")
const badTarget = textOf(400, "The request has no path.")

/**
 * The host that a request names, without its port; `undefined` if it names none, or one with what no host has in it that a
 * browser goes to, so that an address that is made of it leads where the host says.
 */
const hostOf = (headers: HeaderBlock): string | undefined => {
  const [host, ...others] = valuesOf(headers, "host")
  if (host === undefined || others.length > 0 || !isAuthority(host)) return undefined
  const [, name] = /^(\[[\da-fA-F:.]+\]|[\da-zA-Z._-]+)(?::\d*)?$/.exec(host) ?? []
  return name
}

/** The answer to a request, which goes by its method: a form that is posted is posted again (RFC 9110 §15.4.9). */
const answerTo = ({ headers, method, rootPath, target }: Asked, port: number): Answer => {
  const host = hostOf(headers)
  if (host === undefined) return badHost
  if (!target.startsWith("/")) return badTarget
  const location = `https://${host}${port === 443 ? "" : `:${port}`}${rootPath}${target}`
  const status = method === "GET" || method === "HEAD" ? 301 : 308
  return textOf(status, "This is answered by https alone.", [["location", location]])
}

/** Begins and ends a response in the events of each scope type. */
const sendAnswer = (
  type: "http" | "sse" | "websocket",
  send: Send<Event.SendEvent>,
  { content, headers, status }: Answer
): Effect.Effect<void, SendError> => {
  const prefix = type === "http" ? "http" : (`${type}.http` as const)
  return Effect.andThen(
    send({ type: `${prefix}.response.start`, status, headers }),
    send({ type: `${prefix}.response.body`, body: content })
  )
}

/**
 * Redirects everything that comes by plain HTTP to the same address by https, with 301 for GET and HEAD and 308 for the
 * other methods; the application gets what comes by https, and `except`. A request whose Host is not sound is answered
 * with 400. What a trusted proxy says of the scheme counts (docs/tls.md).
 *
 *     const site = Around.redirectToHttps(application, { except: ["/.well-known/acme-challenge"] })
 */
export const redirectToHttps = <E, R>(
  application: Application<E, R>,
  { except = [], port = 443 }: RedirectSettings = {}
): Application<E | SendError, R> => {
  const prefixes = except.map((path) => path.replace(/\/+$/, ""))
  const isExcepted = (path: string): boolean =>
    prefixes.some((prefix) => path === prefix || path.startsWith(`${prefix}/`))
  const around = (
    scope: Scope,
    receive: Receive<Event.ReceiveEvent>,
    send: Send<Event.SendEvent>
  ): Effect.Effect<unknown, E | SendError, R> => {
    const isPlain = scope.type !== "lifespan" && (scope.scheme === "http" || scope.scheme === "ws")
    if (!isPlain || isExcepted(scope.path)) return application(scope, receive, send)
    const method = scope.type === "websocket" ? "GET" : scope.method
    return sendAnswer(scope.type, send, answerTo({ ...scope, method, target: joinTarget(scope) }, port))
  }
  const { native } = application
  const redirecting: NativeHandler | undefined =
    native &&
    ((request, context) => {
      if (request.secure || isExcepted(readPath(request.target)?.path ?? "")) return native(request, context)
      const { content, headers, status } = answerTo(request, port)
      request.respond(status, headers, content)
      return Effect.runFork(Effect.void)
    })
  return wrap(application, around, { native: redirecting })
}
