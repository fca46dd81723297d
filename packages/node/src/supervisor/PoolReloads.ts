/** Who looks after the reload of an application while somebody types, if somebody does: what it is told of workers. */
import type { WorkerId } from "../pool/PoolEvent.ts"
import type { ReloadProblem, ReloadState } from "../process/ReloadState.ts"

export interface PoolReloads {
  /** A worker is started, which can be told how far the reload is. */
  readonly onSpawn: (id: WorkerId, tell: (state: ReloadState) => void) => void
  /** A worker has loaded these files; by their paths what tells their content (`FilesReport`). */
  readonly onFiles: (files: Readonly<Record<string, string>>) => void
  /** A worker cannot serve its application. */
  readonly onBroken: (id: WorkerId, problem: ReloadProblem) => void
  /** A worker serves. */
  readonly onReady: (id: WorkerId) => void
  readonly onExit: (id: WorkerId) => void
}
