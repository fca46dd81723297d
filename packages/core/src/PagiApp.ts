/**
 * What programs import as `PagiApp`: applications of the contract, and those that are made of programs for other
 * contracts.
 */
export * from "./contract/PagiApp.ts"
export type { FetchInfo } from "./fetch/FetchInfo.ts"
export type { Fetch, FetchConnection, FetchOptions } from "./fetch/FetchOptions.ts"
export {
  type FetchApplication,
  type FetchFunction,
  type FetchObject,
  type FromFetchOptions,
  fromFetch
} from "./fetch/fromFetch.ts"
export { type FetchHandler, toFetch, toFetchHandler } from "./fetch/toFetch.ts"
export { fromHttpEffect, type HttpEffectApplication } from "./httpEffect/fromHttpEffect.ts"
export { informational } from "./httpEffect/informational.ts"
export type { MountOptions } from "./mount/MountOptions.ts"
export { toHttpEffect } from "./mount/toHttpEffect.ts"
