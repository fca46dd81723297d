import type { PoolSettings } from "../../../src/pool/PoolEvent.ts"

/** A pool of two workers. */
export const settings: PoolSettings = {
  workers: 2,
  isSuccessor: false,
  bootTimeout: 20_000,
  leaveTimeout: 30_000,
  unreadyLeaveTimeout: 5000,
  killDelay: 1000,
  successorTimeout: 60_000,
  successorKillDelay: 6000
}
