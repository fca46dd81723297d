import type { PoolSettings } from "../../../src/pool/PoolEvent.ts"

/** A pool of two workers. */
export const settings: PoolSettings = {
  workers: 2,
  minimum: 2,
  maximum: 2,
  maxMemory: Number.POSITIVE_INFINITY,
  maxLag: Number.POSITIVE_INFINITY,
  isSuccessor: false,
  bootTimeout: 20_000,
  leaveTimeout: 30_000,
  unreadyLeaveTimeout: 5000,
  killDelay: 1000,
  successorTimeout: 60_000,
  successorKillDelay: 6000
}
