import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type { BridgeServer } from "../bridge/BridgeServer.ts"
import type { HttpRequestHead, ScopeConnection } from "../exchange/RequestScope.ts"
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

/** Makes exchanges of the requests of a test, all of which come from one client. */
export class MemoryServer {
  readonly #server: BridgeServer
  readonly #connection: ScopeConnection

  constructor(server: BridgeServer, connection: ScopeConnection) {
    this.#server = server
    this.#connection = connection
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
      if (handshake !== undefined && this.#server.options.servesWebSockets) return this.#connect(handshake)
      return refuse(this.#whole(this.#open({}, handshake?.head)))
    })

  #whole(exchange: TestExchange): Effect.Effect<TestResponse, IncompleteResponse> {
    return Effect.onInterrupt(exchange.response, () => exchange.disconnect())
  }

  /** Without a head the request is malformed. */
  #open(request: OpenRequest, head: HttpRequestHead | undefined): TestExchange {
    const host = new MemoryHost(request, head, this.#server.options)
    if (head === undefined) {
      host.exit = Exit.void
      host.response.answer(400, "the request is malformed")
    } else this.#server.begin(host, head, this.#connection)
    return new TestExchange(host)
  }

  #connect({ head, subprotocols }: Handshake): Effect.Effect<TestWebSocket, WebSocketRefused | IncompleteResponse> {
    const { context, options } = this.#server
    const host = new MemoryWebSocket(context, options, subprotocols, () => this.#server.leave(host))
    const reader = new ResponseReader(host)
    this.#server.begin(host, head, this.#connection)
    const answered = host.changes.when(() => {
      const { accepted, response } = host
      if (accepted !== undefined) return Effect.succeed(new TestWebSocket(host, accepted))
      return response.head === undefined && response.status === "open" ? undefined : refuse(reader.whole)
    })
    return Effect.onError(answered, () =>
      Effect.sync(() => {
        host.disconnect("client_closed")
        this.#server.leave(host)
      })
    )
  }
}
