export { Http1Driver, type Http1Settings, makeSettings } from "./Http1Driver.ts"
export { Connection } from "./protocol/Connection.ts"
export type { Event } from "./protocol/Event.ts"
export type { Limits } from "./protocol/Limits.ts"
