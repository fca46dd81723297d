/** Who is told what happens to the workers of a pool, for its administrator. */
import type { Slot, WorkerId } from "../pool/PoolEvent.ts"
import type { MetricsReport, ReadinessAnswer } from "../worker/WorkerMessage.ts"
import type { RestartReason } from "./RestartReasons.ts"

export interface PoolWatcher {
  /** A process was started. */
  readonly onSpawn: (id: WorkerId, slot: Slot) => void
  readonly onReady: (slot: Slot) => void
  /** A process has ended; without a reason nobody takes its place. */
  readonly onExit: (slot: Slot, reason: RestartReason | undefined) => void
  /** Nothing more comes from a process. */
  readonly onDisconnect: (id: WorkerId) => void
  readonly onMetrics: (id: WorkerId, report: MetricsReport) => void
  readonly onReadiness: (id: WorkerId, answer: ReadinessAnswer) => void
}
