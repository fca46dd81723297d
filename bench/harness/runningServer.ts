import type { CertificateFiles } from "./certificate.ts"

export interface Usage {
  readonly residentBytes: number
  readonly peakResidentBytes: number
  readonly processorMicroseconds: number
  /** How long the main thread was ready to run while its core ran something other than this process; may be below 0. */
  readonly waitedForOthersMicroseconds: number
}

/** After garbage was collected. */
export interface Memory {
  readonly residentBytes: number
  /** JavaScript objects and the buffers that they own; `external` already counts array buffers. */
  readonly heapAndExternalBytes: number
}

export interface RunningServer {
  readonly port: number
  readonly usage: () => Promise<Usage>
  /** Only of a server that was started to measure it. */
  readonly memory: () => Promise<Memory>
  readonly stop: () => Promise<void>
}

export interface StartOptions {
  /** With it the server speaks TLS. */
  readonly certificate?: CertificateFiles | undefined
  readonly accessLogPath?: string
  /**
   * Makes memory tell what connections hold: garbage can be collected, and V8's space for new objects, which grows with
   * the load and then keeps its size, stays at 1 MiB.
   */
  readonly measuresMemory?: boolean
  /** With the smallest application instead of one that answers what all rows ask. */
  readonly saysHelloOnly?: boolean
}
