/** The protocols that servers speak, as a table: the next version of HTTP is another row. */
import * as Context from "effect/Context"
import { http1, http2 } from "./HttpProtocols.ts"
import type { Protocol } from "./Protocol.ts"

/** The protocols that there are. */
export interface ProtocolTable {
  /**
   * Those that clients choose by ALPN or by their first bytes. Where several can be had, the first counts: the first bytes
   * are shown to a row only when all rows before it have said that they are not for them.
   */
  readonly chosen: ReadonlyArray<Protocol>
  /** For clients that have chosen none of these. Whether it is on is not asked. */
  readonly fallback: Protocol
}

/** HTTP/2, and HTTP/1.1 for everybody else. */
export const httpProtocols: ProtocolTable = { chosen: [http2], fallback: http1 }

/**
 * What a server speaks; `httpProtocols` by default. A program that embeds a server provides another table:
 *
 *     const table = { ...httpProtocols, chosen: [mine, ...httpProtocols.chosen] }
 *     PagiServer.layer.pipe(Layer.provide(Layer.succeed(Protocols, table)))
 *
 * Workers are processes of their own and do not have it.
 */
export const Protocols = Context.Reference<ProtocolTable>("@pagi/node/Protocols", { defaultValue: () => httpProtocols })
