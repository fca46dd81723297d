/** What observers are told of a connection that has ended: what was spoken on it, and why it has ended. */
import type { DisconnectReason } from "../contract/DisconnectReason.ts"

/** What a connection has spoken last: the protocol's name in ALPN, `websocket`, or `unknown` before anything is decided. */
export type ConnectionProtocol = "unknown" | "http/1.1" | "h2" | "websocket" | (string & {})

/**
 * Why a connection has ended; of several reasons the first.
 *
 * - `client_closed`: its client has closed it
 * - `connection_lost`: it was lost on the way, or its client does not answer
 * - `complete`: everything was done, and the server has closed it
 * - `idle_timeout`: nothing has come for too long
 * - `limit`: a limit was reached
 * - `protocol_error`: the client has broken a rule, or its request was refused
 * - `tls_failed`: the handshake of TLS has failed
 * - `server_error`: the application has failed or broken off its response, or the server has failed
 * - `server_shutdown`: the server stops
 */
export type ConnectionEnd =
  | "client_closed"
  | "connection_lost"
  | "complete"
  | "idle_timeout"
  | "limit"
  | "protocol_error"
  | "tls_failed"
  | "server_error"
  | "server_shutdown"

/** Why a connection ends with an exchange that was ended for this reason. */
export const endOf = (reason: DisconnectReason): ConnectionEnd => {
  switch (reason) {
    case "client_timeout":
    case "write_timeout":
    case "request_deadline":
    case "body_too_large":
    case "queue_overflow":
      return "limit"
    case "keepalive_timeout":
    case "write_error":
    case "read_error":
      return "connection_lost"
    case "client_closed":
    case "idle_timeout":
    case "protocol_error":
    case "server_shutdown":
    case "server_error":
      return reason
    default:
      // The application's own.
      return "server_error"
  }
}

/** Why a connection has ended that its transport reports as closed, with what the transport says of an error. */
export const closedBy = (reason: DisconnectReason | undefined): ConnectionEnd =>
  reason === "client_timeout" ? "connection_lost" : endOf(reason ?? "client_closed")
