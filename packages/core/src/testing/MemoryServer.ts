import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import type * as Scope from "effect/Scope"
import { type ExchangeOptions, makeExchangeOptions } from "../exchange/Exchange.ts"
import type { HttpRequestHead, ScopeConnection } from "../exchange/RequestScope.ts"
import type { ServerContext } from "../server/ServerContext.ts"
import { MemoryHost } from "./MemoryHost.ts"
import { MemoryWebSocket } from "./MemoryWebSocket.ts"
import { ResponseReader } from "./ResponseReader.ts"
import { TestExchange } from "./TestExchange.ts"
import { makeHead, type OpenRequest, type TestRequest } from "./TestRequest.ts"
import type { IncompleteResponse, TestResponse } from "./TestResponse.ts"
import { TestWebSocket, WebSocketRefused } from "./TestWebSocket.ts"
import { type Handshake, makeHandshake, type WebSocketRequest } from "./WebSocketRequest.ts"

const refuse = (
  response: Effect.Effect<TestResponse, IncompleteResponse>
): Effect.Effect<never, WebSocketRefused | IncompleteResponse> =>
  Effect.flatMap(response, (whole) => Effect.fail(new WebSocketRefused({ response: whole })))

/** Runs an application for the requests of a test, as the drivers of a server do. */
export class MemoryServer {
  readonly #server: ServerContext
  readonly #connection: ScopeConnection
  readonly #scope: Scope.Scope
  readonly #options: ExchangeOptions

  /** Applications run until the scope closes. */
  constructor(server: ServerContext, connection: ScopeConnection, scope: Scope.Scope) {
    this.#server = server
    this.#connection = connection
    this.#scope = scope
    this.#options = makeExchangeOptions(server)
  }

  readonly open = (request: OpenRequest): Effect.Effect<TestExchange> =>
    Effect.sync(() => this.#open(request, makeHead(request)))

  readonly request = (request: TestRequest): Effect.Effect<TestResponse, IncompleteResponse> =>
    Effect.flatMap(this.open(request), (exchange) => this.#whole(exchange))

  readonly webSocket = (
    request: WebSocketRequest
  ): Effect.Effect<TestWebSocket, WebSocketRefused | IncompleteResponse> =>
    Effect.suspend(() => {
      const handshake = makeHandshake(request)
      if (handshake !== undefined && this.#options.servesWebSockets) return this.#connect(handshake)
      return refuse(this.#whole(this.#open({}, handshake?.head)))
    })

  #whole(exchange: TestExchange): Effect.Effect<TestResponse, IncompleteResponse> {
    return Effect.onInterrupt(exchange.response, () => exchange.disconnect())
  }

  /** Without a head the request is malformed. */
  #open(request: OpenRequest, head: HttpRequestHead | undefined): TestExchange {
    const host = new MemoryHost(request, head, this.#options)
    if (head === undefined) {
      host.exit = Exit.void
      host.response.answer(400, "the request is malformed")
      return new TestExchange(host, Effect.void)
    }
    this.#run(host, head)
    return new TestExchange(host, this.#leave(host))
  }

  #connect({ head, subprotocols }: Handshake): Effect.Effect<TestWebSocket, WebSocketRefused | IncompleteResponse> {
    const onClosed = () => this.#server.runner.background(this.#leave(host))
    const host = new MemoryWebSocket(this.#server, this.#options, subprotocols, onClosed)
    const reader = new ResponseReader(host)
    this.#run(host, head)
    const answered = host.changes.when(() => {
      const { accepted, response } = host
      if (accepted !== undefined) return Effect.succeed(new TestWebSocket(host, accepted))
      return response.head === undefined && response.status === "open" ? undefined : refuse(reader.whole)
    })
    return Effect.onError(answered, () => {
      host.disconnect("client_closed")
      return this.#leave(host)
    })
  }

  #run(host: MemoryHost | MemoryWebSocket, head: HttpRequestHead): void {
    const { registry, runner } = this.#server
    const fiber = host.exchange.run(runner, host.exchange.makeScope(this.#server, this.#connection, head), host)
    if (fiber === undefined) return
    host.fiber = fiber
    Fiber.runIn(fiber, this.#scope)
    registry.add(host)
    fiber.addObserver(() => registry.remove(host))
  }

  /** Interrupts an application that runs on for too long after its peer has left. */
  #leave(host: MemoryHost | MemoryWebSocket): Effect.Effect<void> {
    return Effect.suspend(() => {
      if (host.exit !== undefined) return Effect.void
      const interrupt = Effect.suspend(() => (host.fiber === undefined ? Effect.void : Fiber.interrupt(host.fiber)))
      const later = Effect.delay(interrupt, this.#server.options.disconnectGrace)
      return Effect.asVoid(Effect.forkIn(later, this.#scope))
    })
  }
}
