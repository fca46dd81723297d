import type { CertificateFiles } from "./certificate.ts"
import type { OwnScheduling } from "./scheduling.ts"

export interface Usage extends OwnScheduling {
  readonly residentBytes: number
  readonly peakResidentBytes: number
  /** JavaScript objects and the buffers that they own; `external` already counts array buffers. 0 outside of Node. */
  readonly heapAndExternalBytes: number
}

export interface RunningServer {
  readonly port: number
  readonly usage: () => Promise<Usage>
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
}
