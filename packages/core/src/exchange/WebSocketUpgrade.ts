/** How a driver of an HTTP version reaches the WebSocket protocol, which it does not know. */
import type { ExchangeEntry } from "../observe/ExchangeRecorder.ts"
import type { ByteString } from "../bytes/ByteString.ts"
import type { ServerConnection } from "../server/ConnectionRegistry.ts"
import type { ConnectionFibers } from "../server/ConnectionFibers.ts"
import type { WebSocketChannel, WebSocketExchange } from "./WebSocket.ts"
import type { HeaderBlock } from "../http/HeaderBlock.ts"
import type { Refusal } from "../server/Refusal.ts"
import type { HttpRequestHead } from "./RequestScope.ts"
import type { Transport } from "../transport/Transport.ts"

/** A request that asks for a WebSocket. */
export type UpgradeRequest = HttpRequestHead & {
  /** The Upgrade field in lower case when Connection lists it; absent on HTTP/2. */
  readonly upgrade?: ByteString | undefined
}

/** What a session takes over from the driver that received its handshake. */
export interface UpgradedConnection {
  readonly transport: Transport
  readonly exchange: WebSocketExchange
  readonly fibers: ConnectionFibers
  /** Absent when nobody listens to exchanges. */
  readonly entry: ExchangeEntry | undefined
  /** What came right behind the handshake. */
  readonly received: Uint8Array
  /** Whether the transport has refused to take all that was written before. */
  readonly isBlocked: boolean
  /** The connection's applications that have not ended, the session's own among them. */
  readonly running: number
}

/** An open session, as the driver sees it. */
export interface OpenWebSocket extends WebSocketChannel, ServerConnection {}

/** A handshake that is sound and waits for the application. */
export interface WebSocketHandshake {
  readonly type: "handshake"
  /** What the client offers, in its order. */
  readonly subprotocols: ReadonlyArray<string>
  /** The fields that accept it, with the application's behind them, none of which is the server's to write. */
  accept(subprotocol: string | undefined, headers: HeaderBlock): HeaderBlock
  /** The session, to be called when that head has been sent. */
  open(connection: UpgradedConnection): OpenWebSocket
}

/** The WebSocket protocol, for all drivers of a server. */
export interface WebSocketUpgrade {
  /** Reads the handshake in a request; answers `undefined` for one that asks for something else. */
  read(request: UpgradeRequest): WebSocketHandshake | Refusal | undefined
}
