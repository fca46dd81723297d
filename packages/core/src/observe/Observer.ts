/** The observer of a server: what it is told, when, and how often. */
import * as Context from "effect/Context"
import type { Address } from "../contract/Address.ts"
import type { DisconnectReason } from "../contract/DisconnectReason.ts"
import type { HeaderBlock } from "../http/HeaderBlock.ts"

/** Both ends of a connection, as its transport knows them. */
export interface ObservedConnection {
  /** The peer; absent on Unix sockets. */
  readonly client: Address | undefined
  readonly server: Address | undefined
}

/** What an observer is told of a request. */
export interface ObservedRequest {
  readonly method: string
  /** The request target as received. */
  readonly target: string
  readonly httpVersion: string
  readonly headers: HeaderBlock
}

/** How an exchange ended; `at_capacity` is a connection that was turned away. */
export type ExchangeOutcome = "complete" | "at_capacity" | DisconnectReason

/** What is known about an exchange when it has ended. */
export interface ExchangeRecord extends ObservedConnection {
  /** The one that `exchangeStarted` was told of; absent when there was no valid head. */
  readonly request: ObservedRequest | undefined
  /** The status sent; 499 when the exchange ended before one was. */
  readonly status: number
  /** What the application sent with the status; absent unless an observer asks for it. */
  readonly responseHeaders: HeaderBlock | undefined
  /** Bytes of the response body that were sent, without the protocol's framing. */
  readonly bytes: number
  /** Wall-clock time of the request's start, milliseconds since 1970. */
  readonly startedAt: number
  /** Milliseconds from the request's head to the end of the exchange. */
  readonly duration: number
  /** Milliseconds from the request's head to that of the response; absent without one, or unless an observer asks for it. */
  readonly firstByte: number | undefined
  readonly outcome: ExchangeOutcome
}

/**
 * Listens to a server. Each method is an event, and may be left out: nothing is put together for an event that nobody
 * listens to. The server calls them in the middle of its work, so they have to be quick and must not throw, which would
 * end the connection or the process.
 *
 * Of each connection `connectionOpened` is told exactly once, and later `connectionClosed`, exactly once. So it is of a
 * WebSocket over HTTP/2, which lasts and therefore counts as a connection of its own once it is accepted. Clients that
 * are turned away have neither.
 *
 * An exchange is a request with its response, an event stream or a WebSocket session; it is also one when the server
 * itself answers, be it to something that is no request. Of each exchange `exchangeStarted` is told exactly once, and
 * later `exchangeEnded`, exactly once; between them `applicationStarted`, unless the server refuses the request. Exchanges of one
 * connection may overlap, and all have ended when it is closed.
 */
export interface Observer {
  /** A connection was accepted. Over TLS its handshake is still to come. */
  readonly connectionOpened?: (() => void) | undefined
  /** A connection has closed and its applications have ended, or it had nothing left to do and gives way to another. */
  readonly connectionClosed?: (() => void) | undefined
  /** An exchange begins: with a request, or without one when what has come was no valid head. */
  readonly exchangeStarted?:
    | ((request: ObservedRequest | undefined, connection: ObservedConnection) => void)
    | undefined
  /** The application is about to be run for an exchange. */
  readonly applicationStarted?: (() => void) | undefined
  /** An exchange has ended, in whatever way; its application may run on. The record does not change any more. */
  readonly exchangeEnded?: ((record: ExchangeRecord) => void) | undefined
  /** Whether records shall have `responseHeaders`. */
  readonly usesResponseHeaders?: boolean | undefined
  /** Whether records shall have `firstByte`, which costs a look at the clock. */
  readonly usesFirstByte?: boolean | undefined
}

/**
 * Who listens to a server, by default nobody. A program that embeds one provides it:
 *
 *     PagiServerLive.pipe(Layer.provide(Layer.succeed(Observer, { exchangeEnded: ({ status }) => count(status) })))
 */
export const Observer = Context.Reference<Observer | undefined>("@pagi/core/Observer", {
  defaultValue: () => undefined
})

type EventName = "connectionOpened" | "connectionClosed" | "exchangeStarted" | "applicationStarted" | "exchangeEnded"

/** An observer that listens to this event. */
type Listener<Name extends EventName> = { readonly [Event in Name]: NonNullable<Observer[Event]> }

const listensTo =
  <Name extends EventName>(name: Name) =>
  (observer: Observer): observer is Observer & Listener<Name> =>
    observer[name] !== undefined

/** One observer for all of these, which are told in this order; nothing when there is none. */
export const combine = (...observers: ReadonlyArray<Observer | undefined>): Observer | undefined => {
  const all = observers.filter((observer) => observer !== undefined)
  if (all.length < 2) return all[0]
  const opened = all.filter(listensTo("connectionOpened"))
  const closed = all.filter(listensTo("connectionClosed"))
  const started = all.filter(listensTo("exchangeStarted"))
  const applications = all.filter(listensTo("applicationStarted"))
  const ended = all.filter(listensTo("exchangeEnded"))
  return {
    connectionOpened:
      opened.length === 0
        ? undefined
        : () => {
            for (const observer of opened) observer.connectionOpened()
          },
    connectionClosed:
      closed.length === 0
        ? undefined
        : () => {
            for (const observer of closed) observer.connectionClosed()
          },
    exchangeStarted:
      started.length === 0
        ? undefined
        : (request, connection) => {
            for (const observer of started) observer.exchangeStarted(request, connection)
          },
    applicationStarted:
      applications.length === 0
        ? undefined
        : () => {
            for (const observer of applications) observer.applicationStarted()
          },
    exchangeEnded:
      ended.length === 0
        ? undefined
        : (record) => {
            for (const observer of ended) observer.exchangeEnded(record)
          },
    usesResponseHeaders: all.some(({ usesResponseHeaders }) => usesResponseHeaders === true),
    usesFirstByte: all.some(({ usesFirstByte }) => usesFirstByte === true)
  }
}
