/** What the status tells of a pool: where its plan is, and what its workers have said last. */
import type { PoolPhase, PoolStatus, WorkerStatus } from "../admin/PoolStatus.ts"
import type { PoolState } from "../pool/PoolState.ts"
import * as ScalingStatus from "./ScalingStatus.ts"
import type { WorkerHandle } from "./WorkerHandle.ts"

/** What it is taken of; times are of a clock that is never set back. */
export interface Pool {
  readonly state: PoolState
  readonly workers: Iterable<WorkerHandle>
  readonly startedAt: number
  readonly now: number
}

export const of = ({ now, startedAt, state, workers }: Pool, listeners: ReadonlyArray<string>): PoolStatus => ({
  pid: process.pid,
  phase: phaseOf(state),
  age: now - startedAt,
  target: state.slots.length,
  ...ScalingStatus.of(state),
  isReloading: state.isReloading,
  listeners,
  workers: [...workers]
    .toSorted((one, other) => one.slot - other.slot || one.id - other.id)
    .map((worker) => ofWorker(worker, state, now))
})

const ofWorker = (
  { heardAt, id, pid, slot, startedAt, status }: WorkerHandle,
  state: PoolState,
  now: number
): WorkerStatus => ({
  pid: pid ?? null,
  workerNum: slot,
  phase: state.workers.get(id)?.phase ?? "leaving",
  age: now - startedAt,
  requests: status?.requests ?? 0,
  connections: status?.connections ?? 0,
  lag: status?.lag ?? 0,
  memory: status?.memory ?? 0,
  lastHeartbeat: heardAt === undefined ? null : now - heardAt
})

const phaseOf = ({ hasServed, phase }: PoolState): PoolPhase => {
  if (phase === "stopping" || phase === "stopped") return phase
  return hasServed ? "serving" : "starting"
}
