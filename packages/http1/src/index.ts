/** What programs import from `@pagi/http1`: the driver, and the protocol machine by itself. */
export { Http1Driver } from "./Http1Driver.ts"
export { type Http1Settings, makeSettings } from "./Http1Settings.ts"
export { Connection } from "./protocol/Connection.ts"
export type { Event } from "./protocol/Event.ts"
export type { Limits } from "./protocol/Limits.ts"
