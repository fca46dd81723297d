/**
 * What programs import from `@pagi/core`; each of these modules is an entry of its own too, as in `@pagi/core/PagiApp`.
 */
export * as ByteString from "./bytes/ByteString.ts"
export * as Endpoint from "./options/Endpoint.ts"
export * as Event from "./contract/Event.ts"
export * as HeaderBlock from "./http/HeaderBlock.ts"
export * as Observer from "./observe/Observer.ts"
export * as PagiApp from "./PagiApp.ts"
export * as Scope from "./contract/Scope.ts"
export * as SendError from "./contract/SendError.ts"
export * as ServerOptions from "./options/ServerOptions.ts"
export * as Transport from "./transport/Transport.ts"
export type { Address } from "./contract/Address.ts"
export type { ConnectionState } from "./contract/ConnectionState.ts"
export type { DisconnectReason } from "./contract/DisconnectReason.ts"
export type { TlsExtension } from "./contract/TlsExtension.ts"
export type { TransportState } from "./contract/TransportState.ts"
