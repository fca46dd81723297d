/** What a fetch function is, that is made of an application, and what can be set about it. */
import type { BridgeOptions } from "../bridge/BridgeOptions.ts"
import type { Address } from "../contract/Address.ts"
import type { Extensions } from "../contract/Scope.ts"

/**
 * Answers a request of the Fetch standard. What a platform gives its handlers besides the request is there for
 * `FetchOptions.connection`, so that it can be such a handler as it is: of `Deno.serve`, of `Bun.serve`, or the `fetch` of a
 * module's default export.
 */
export type Fetch = (request: Request, ...platform: ReadonlyArray<unknown>) => Promise<Response>

/** What is known of a request besides the request. */
export interface FetchConnection {
  /** The peer's address. */
  readonly client?: Address | undefined
  /** Where the client has connected to. */
  readonly server?: Address | undefined
  /** What the application finds in `scope.extensions`, in addition to the option `extensions`: bindings of a platform, say. */
  readonly extensions?: Extensions | undefined
}

/** What can be set about a fetch function that is made of an application. */
export interface FetchOptions extends BridgeOptions {
  /**
   * Says what is known of a request, from the request or from what the platform gave besides; nothing by default. With
   * Deno, for instance, the second argument tells the address:
   * `(_request, info: Deno.ServeHandlerInfo) => ({ client: [info.remoteAddr.hostname, info.remoteAddr.port] })`.
   */
  readonly connection?: (request: Request, ...platform: ReadonlyArray<never>) => FetchConnection
}
