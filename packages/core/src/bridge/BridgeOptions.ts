import type { FileSource } from "../contract/FileSource.ts"
import type { Input } from "../options/ServerOptions.ts"

/** Options of a server that have a meaning without connections. */
export interface BridgeOptions extends Pick<
  Input,
  | "lifespan"
  | "lifespanStartupTimeout"
  | "shutdownTimeout"
  | "disconnectGrace"
  | "writeHighWatermark"
  | "writeLowWatermark"
  | "sseIdleTimeout"
  | "extensions"
> {
  /** Where response files come from; by default Effect's `FileSystem`, where there is one. */
  readonly files?: FileSource
}
