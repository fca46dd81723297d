import type { FileSource } from "../contract/FileSource.ts"
import type { Input } from "../options/ServerOptions.ts"

/** Options of a server that have a meaning for an application within another one. */
export interface MountOptions extends Pick<
  Input,
  | "lifespan"
  | "lifespanStartupTimeout"
  | "shutdownTimeout"
  | "disconnectGrace"
  | "writeHighWatermark"
  | "writeLowWatermark"
  | "sseIdleTimeout"
  | "maxReceiveQueue"
  | "extensions"
> {
  /** Where response files come from; by default Effect's `FileSystem`, where there is one. */
  readonly files?: FileSource
}
