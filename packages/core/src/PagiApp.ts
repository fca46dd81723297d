/**
 * What programs import as `PagiApp`: applications of the contract, and those that are made of programs for other
 * contracts.
 */
export * from "./contract/PagiApp.ts"
export {
  type Fetch,
  type FetchConnection,
  type FetchHandler,
  type FetchOptions,
  toFetch,
  toFetchHandler
} from "./fetch/toFetch.ts"
export { fromHttpEffect } from "./httpEffect/fromHttpEffect.ts"
export { type MountOptions, toHttpEffect } from "./httpEffect/toHttpEffect.ts"
