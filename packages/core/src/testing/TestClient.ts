/**
 * Drives an application in memory, without HTTP bytes or sockets, for tests of applications.
 *
 * ```ts
 * it.effect("greets", () =>
 *   Effect.gen(function*() {
 *     const client = yield* TestClient.make(app)
 *     const response = yield* client.request({ path: "/hello?name=Ada" })
 *     assert.strictEqual(response.text, "Hello, Ada!")
 *   }))
 * ```
 *
 * A WebSocket is the client's end of a session:
 *
 * ```ts
 * const socket = yield* client.webSocket({ path: "/chat", subprotocols: ["chat"] })
 * yield* socket.send("hello")
 * assert.strictEqual(yield* socket.receive, "hello")
 * yield* socket.close(1000)
 * ```
 *
 * What a server does by itself shows: 500 for an application that fails or returns before it answers, a failure for a
 * response that is broken off, no body with HEAD, refused headers and lengths, the codes with which sessions are closed,
 * `wsIdleTimeout`, pings, and `maxReceiveQueue`, where every message that the test sends has arrived at once. What
 * belongs to the bytes of a protocol does not: limits on requests and messages, framing, and the Date field.
 */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type * as Lifespan from "../exchange/Lifespan.ts"
import { type FileSource, FileUnreadable } from "../contract/FileSource.ts"
import type * as PagiApp from "../contract/PagiApp.ts"
import type { State } from "../contract/Scope.ts"
import type * as ServerOptions from "../options/ServerOptions.ts"
import { startApplication } from "../bridge/BridgeServer.ts"
import type { Address } from "../contract/Address.ts"
import { MemoryServer } from "./MemoryServer.ts"
import type { TestExchange } from "./TestExchange.ts"
import type { OpenRequest, TestRequest } from "./TestRequest.ts"
import type { IncompleteResponse, TestResponse } from "./TestResponse.ts"
import type { TestWebSocket, WebSocketRefused } from "./TestWebSocket.ts"
import type { WebSocketRequest } from "./WebSocketRequest.ts"

export type { CloseFrame } from "./CloseFrame.ts"
export type { TestExchange } from "./TestExchange.ts"
export type { OpenRequest, TestRequest } from "./TestRequest.ts"
export type { ResponseHead } from "../bridge/BridgeResponse.ts"
export type { IncompleteResponse, TestResponse } from "./TestResponse.ts"
export type { TestWebSocket, WebSocketClosed, WebSocketRefused } from "./TestWebSocket.ts"
export type { WebSocketRequest } from "./WebSocketRequest.ts"

/** The server's options, and what the application is told of the connection. */
export type Options = ServerOptions.Input & {
  /** The peer's address; `["127.0.0.1", 50000]` by default. */
  readonly client?: Address
  /** The server's address; `["127.0.0.1", 5000]` by default. */
  readonly server?: Address
  /** Whether the scheme is https. */
  readonly secure?: boolean
  /** Where response files come from, for instance the one of @pagi/node; without it no file can be opened. */
  readonly files?: FileSource
}

const noFiles: FileSource = {
  open: () =>
    Effect.fail(new FileUnreadable({ message: "this client has no files; give it some by its option `files`" }))
}

/** A started application and the way to it. */
export interface TestClient {
  /** What the application's lifespan handler left for its exchanges. */
  readonly state: State
  /** Sends a request and waits for the whole response. */
  readonly request: (request: TestRequest) => Effect.Effect<TestResponse, IncompleteResponse>
  /** Sends a request whose bodies the test sends and takes piece by piece. */
  readonly open: (request: OpenRequest) => Effect.Effect<TestExchange>
  /**
   * Opens a WebSocket and waits until the application has accepted it. To leave before that, interrupt it. An
   * application without a handler for them sees an ordinary request, as with a server.
   */
  readonly webSocket: (request: WebSocketRequest) => Effect.Effect<TestWebSocket, WebSocketRefused | IncompleteResponse>
  /** Begins a drain: `shuttingDown` of the scopes completes, and event streams and WebSockets end 100 ms later. */
  readonly beginShutdown: Effect.Effect<void>
}

/**
 * Starts the application's lifespan and answers a client for it. When the scope closes, exchanges that still run are
 * ended as by a server that stops, and the lifespan is shut down; a shutdown that fails is a defect.
 */
export const make = <E, R>(
  application: PagiApp.Application<E, R>,
  options: Options = {}
): Effect.Effect<TestClient, Lifespan.StartError | ServerOptions.InvalidOption, R | Scope.Scope> =>
  Effect.gen(function* () {
    const {
      client = ["127.0.0.1", 50_000],
      server = ["127.0.0.1", 5000],
      files = noFiles,
      secure = false,
      ...input
    } = options
    const started = yield* startApplication(application, {
      options: input,
      files,
      end: (running) => running.abort("server_shutdown"),
      onShutdownError: Effect.die
    })
    const shared = started.server.context
    const { open, request, webSocket } = new MemoryServer(started.server, { client, server, secure, tls: undefined })
    return {
      state: started.state,
      open,
      request,
      webSocket,
      beginShutdown: Effect.andThen(
        Effect.sync(() => shared.registry.drain()),
        shared.beginShutdown
      )
    }
  })
