import * as Effect from "effect/Effect"
import type * as EffectScope from "effect/Scope"
import type { IncomingMessage } from "node:http"
import { WebSocket } from "ws"
import { testCertificates } from "./TlsClient.ts"
import { until } from "./Until.ts"

export type ClientOptions = WebSocket.ClientOptions & {
  readonly subprotocols?: ReadonlyArray<string>
  /** The name in the certificate that the server has to show. */
  readonly servername?: string
}

/** A message as it was received: text as a string, bytes as an array. */
export type Message = string | Buffer

/** A client by the package `ws`, and everything that has happened to it. */
export class WebSocketClient {
  readonly socket: WebSocket
  readonly messages: Array<Message> = []
  readonly pings: Array<string> = []
  readonly pongs: Array<string> = []
  /** How the connection was closed, once it is. */
  closed: { readonly code: number; readonly reason: string } | undefined = undefined
  /** The response that came in place of a session, once it is complete. */
  refusal: { readonly response: IncomingMessage; readonly body: string } | undefined = undefined
  error: Error | undefined = undefined

  constructor(url: string, { subprotocols = [], ...options }: ClientOptions) {
    const socket = new WebSocket(url, [...subprotocols], { perMessageDeflate: false, ...options })
    socket.on("message", (data: Buffer, isBinary) => this.messages.push(isBinary ? data : data.toString()))
    socket.on("ping", (data) => this.pings.push(data.toString("latin1")))
    socket.on("pong", (data) => this.pongs.push(data.toString("latin1")))
    socket.on("close", (code, reason) => {
      this.closed = { code, reason: reason.toString() }
    })
    socket.on("error", (error) => {
      this.error = error
    })
    socket.on("unexpected-response", (_request, response) => {
      const pieces: Array<Buffer> = []
      response.on("data", (piece: Buffer) => pieces.push(piece))
      response.on("end", () => {
        this.refusal = { response, body: Buffer.concat(pieces).toString() }
      })
    })
    this.socket = socket
  }

  readonly opened: Effect.Effect<void> = until("the session opens", () => this.socket.readyState === WebSocket.OPEN)
  readonly refused: Effect.Effect<void> = until("the handshake is refused", () => this.refusal !== undefined)
  readonly ended: Effect.Effect<void> = until("the session ends", () => this.closed !== undefined)

  readonly received = (count: number): Effect.Effect<void> =>
    until(`${count} messages arrive`, () => this.messages.length >= count)
}

/** A client that connects; its connection is cut off with the scope. */
export const connect = (
  url: string,
  options: ClientOptions = {}
): Effect.Effect<WebSocketClient, never, EffectScope.Scope> =>
  Effect.acquireRelease(
    Effect.sync(() => new WebSocketClient(url, options)),
    ({ socket }) => Effect.sync(() => socket.terminate())
  )

/** The same over TLS, for a server with the certificate of the tests. */
export const connectTls = (port: number, options: ClientOptions = {}) =>
  Effect.flatMap(testCertificates, ({ authority }) =>
    connect(`wss://127.0.0.1:${port}`, { ca: authority.cert, servername: "localhost", ...options })
  )
