/**
 * What programs import from `@pagi/node`: the server, for applications and for programs of Effect's HTTP server, the errors
 * with which it does not start or stop, and what it takes to add a listener or a protocol.
 */
export { AccessLogError } from "./accessLog/AccessLogFile.ts"
export { IncompleteDrain } from "./IncompleteDrain.ts"
export { InheritedSockets } from "./listen/InheritedSockets.ts"
export {
  type Acceptor,
  type Carrier,
  type Listen,
  type Listener,
  MoreListeners,
  type Refusal,
  type Shortage
} from "./accept/Listener.ts"
export { ListenError } from "./accept/ListenError.ts"
export { type PreparedProtocol, type Protocol, type ProtocolParts } from "./accept/Protocol.ts"
export { httpProtocols, Protocols, type ProtocolTable } from "./accept/Protocols.ts"
export * as PagiHttpServer from "./PagiHttpServer.ts"
export * as PagiServer from "./PagiServer.ts"
export { PagiServerLive } from "./PagiServer.ts"
export { RuntimeError } from "./process/RuntimeError.ts"
export { TlsError } from "./tls/TlsError.ts"
