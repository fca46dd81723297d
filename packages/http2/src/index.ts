/** What programs import from `@pagi/http2`: the driver, and the protocol machine by itself. */
export { Http2Driver } from "./Http2Driver.ts"
export { type DriverOptions, makeSettings } from "./stream/DriverOptions.ts"
export { Connection } from "./protocol/Connection.ts"
export type { Event } from "./protocol/Event.ts"
export type { ConnectionConfig } from "./protocol/ConnectionConfig.ts"
