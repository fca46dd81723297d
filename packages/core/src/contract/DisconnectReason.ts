/**
 * Why an exchange ended before its response was complete, as `scope.connection.disconnectReason` and the access log
 * report it. Names that begin with `x-` are free for middleware.
 */
export type DisconnectReason =
  | "client_closed"
  | "client_timeout"
  | "idle_timeout"
  | "request_deadline"
  | "keepalive_timeout"
  | "write_timeout"
  | "write_error"
  | "read_error"
  | "protocol_error"
  | "server_shutdown"
  | "server_error"
  | "body_too_large"
  | "queue_overflow"
  | `x-${string}`
