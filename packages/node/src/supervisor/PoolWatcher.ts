/** Who is told what happens to the workers of a pool, for its administrator. */
import type { Slot, WorkerId } from "../pool/PoolEvent.ts"
import type { MetricsReport, ReadinessAnswer } from "../worker/WorkerMessage.ts"
import type { ChangeReason, RestartReason } from "./RestartReasons.ts"

export interface PoolWatcher {
  /** A process was started. */
  readonly onSpawn: (id: WorkerId, slot: Slot) => void
  /** With a reason, there are more workers than before. */
  readonly onReady: (slot: Slot, reason?: ChangeReason) => void
  /** A process has ended; nobody takes its place without a reason, or for the reason of a change. */
  readonly onExit: (slot: Slot, reason: RestartReason | ChangeReason | undefined) => void
  /** There are to be so many workers more or fewer. */
  readonly onChange: (reason: ChangeReason, count: number) => void
  /** Nothing more comes from a process. */
  readonly onDisconnect: (id: WorkerId) => void
  readonly onMetrics: (id: WorkerId, report: MetricsReport) => void
  readonly onReadiness: (id: WorkerId, answer: ReadinessAnswer) => void
}
