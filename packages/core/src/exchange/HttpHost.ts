/** What a driver of any version of HTTP is to its exchanges, and how one begins and, if it is a WebSocket, is accepted. */
import type { Fiber } from "effect/Fiber"
import type { ExchangeSpan } from "../contract/OwnSpan.ts"
import type { Scope } from "../contract/Scope.ts"
import type { HeaderBlock } from "../http/HeaderBlock.ts"
import type { ExchangeEntry, ExchangeFollower, Traced } from "../observe/ExchangeRecorder.ts"
import type { RunObserver } from "../server/RequestRunner.ts"
import type { ServerContext } from "../server/ServerContext.ts"
import type { Ending, ExchangeOptions } from "./Exchange.ts"
import * as ExchangeTrace from "./ExchangeTrace.ts"
import { HttpExchange } from "./Http.ts"
import { makeExchange } from "./makeExchange.ts"
import type { ExchangeHost } from "./RequestExchange.ts"
import type { HttpRequestHead, ScopeConnection } from "./RequestScope.ts"
import type { ResponseSink } from "./ResponseSink.ts"
import { type WebSocketChannel, WebSocketExchange, type WebSocketHost } from "./WebSocket.ts"
import type { Turn } from "../server/Turn.ts"
import type { OpenWebSocket, UpgradedConnection, WebSocketHandshake } from "./WebSocketUpgrade.ts"

export type { BegunExchange } from "./ExchangeTrace.ts"

/** The way out of a response, in place of which another protocol may be accepted. */
export interface UpgradableResponse extends ResponseSink {
  /** Sends the head that accepts a handshake; answers why the protocol cannot carry it. */
  switchProtocols(headers: HeaderBlock): string | undefined
  /** Has another one be told what observers are, if there is an entry for them. */
  follow(follower: ExchangeFollower): void
  /** Where the span of the exchange will be found, which the application makes itself. */
  tracedBy(traced: Traced): void
  /** Gives up what observers will be told of the exchange, for the session that goes on with it. */
  takeEntry(): ExchangeEntry | undefined
}

/** A driver, for one request: of HTTP/1.1 the connection, of HTTP/2 the request's stream. */
export interface HttpHost extends ExchangeHost {
  readonly response: UpgradableResponse
  /** The exchange is made, and the application about to be run for it. */
  onBegin(exchange: ExchangeTrace.BegunExchange): void
  /** The application waits for something. */
  onWaiting(fiber: Fiber<unknown, unknown>): void
  /** What carries a session from now on, as its handshake has just been accepted. */
  handOver(): Omit<UpgradedConnection, "exchange" | "entry">
  /** The session goes on with what was handed over. */
  onSession(session: OpenWebSocket): void
}

/**
 * Makes the exchange that a request asks for and runs the application; `handshake` is the one that the request is, and
 * `turn` is there on a server whose requests may have to wait.
 */
export const beginExchange = (
  host: HttpHost,
  { exchange: options, server }: { readonly server: ServerContext; readonly exchange: ExchangeOptions },
  connection: ScopeConnection,
  head: HttpRequestHead,
  handshake: WebSocketHandshake | undefined,
  turn?: Turn
): void => {
  const exchange =
    handshake === undefined
      ? makeExchange(host, options, head)
      : new WaitingHandshake(host, options, handshake, turn).exchange
  if (turn !== undefined && !(exchange instanceof WebSocketExchange)) exchange.turn = turn
  if (server.native !== undefined && exchange instanceof HttpExchange) {
    const request = exchange.nativeRequest(server, connection, head)
    const trace = ExchangeTrace.begin(host.response, server, exchange, connection, head)
    host.onBegin(exchange)
    const observer = observeTurn(ExchangeTrace.observe(exchange, trace), turn)
    if (trace === undefined) host.response.tracedBy(request)
    const fiber = exchange.runNative(server.runner, server.native, request, observer, trace)
    if (fiber !== undefined) wait(host, fiber, turn)
    return
  }
  // A getter in the application's state may throw; then nothing has begun.
  const scope = exchange.makeScope(server, connection, head)
  const trace = ExchangeTrace.begin(host.response, server, exchange, connection, head)
  host.onBegin(exchange)
  const observer = observeTurn(ExchangeTrace.observe(exchange, trace), turn)
  const fiber = exchange.run(server.runner, scope, observer, trace ?? ownSpan(host, server, scope.type))
  if (fiber !== undefined) wait(host, fiber, turn)
}

const observeTurn = (observer: RunObserver, turn: Turn | undefined): RunObserver =>
  turn === undefined ? observer : turn.after(observer)

const wait = (host: HttpHost, fiber: Fiber<unknown, unknown>, turn: Turn | undefined): void => {
  turn?.onWaiting(fiber)
  host.onWaiting(fiber)
}

/** Room for the span of an exchange, when its application makes that. */
const ownSpan = (host: HttpHost, server: ServerContext, type: Scope["type"]): ExchangeSpan | undefined => {
  if (server.ownSpans?.has(type) !== true) return undefined
  const own: ExchangeSpan = { span: undefined }
  host.response.tracedBy(own)
  return own
}

/** A handshake until the application has accepted or refused it. */
class WaitingHandshake implements WebSocketHost {
  readonly exchange: WebSocketExchange
  readonly #host: HttpHost
  readonly #handshake: WebSocketHandshake
  readonly #turn: Turn | undefined

  constructor(host: HttpHost, options: ExchangeOptions, handshake: WebSocketHandshake, turn: Turn | undefined) {
    this.#host = host
    this.#handshake = handshake
    this.#turn = turn
    this.exchange = new WebSocketExchange(this, options, handshake.subprotocols)
  }

  get response(): ResponseSink {
    return this.#host.response
  }

  get bufferedAmount(): number {
    return this.#host.bufferedAmount
  }

  acceptWebSocket(subprotocol: string | undefined, headers: HeaderBlock): WebSocketChannel | string {
    const host = this.#host
    const handshake = this.#handshake
    const problem = host.response.switchProtocols(handshake.accept(subprotocol, headers))
    if (problem !== undefined) return problem
    const { exchange } = this
    const session = handshake.open({ ...host.handOver(), exchange, entry: host.response.takeEntry() })
    host.onSession(session)
    this.#turn?.lasts()
    return session
  }

  onApplicationEnd(ending: Ending): void {
    this.#host.onApplicationEnd(ending)
  }
}
