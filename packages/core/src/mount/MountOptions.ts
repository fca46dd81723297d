import type { BridgeOptions } from "../bridge/BridgeOptions.ts"
import type { Input } from "../options/ServerOptions.ts"

/** Options of a server that have a meaning for an application within another one. */
export interface MountOptions extends BridgeOptions, Pick<Input, "maxReceiveQueue"> {}
