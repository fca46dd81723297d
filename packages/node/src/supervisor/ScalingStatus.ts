/** What the status tells of a number of workers that changes by itself. */
import type { PoolStatus } from "../admin/PoolStatus.ts"
import type { PoolState } from "../pool/PoolState.ts"
import { utilizationOf } from "../pool/Scaling.ts"

const reasons = { busy: "workers were busy", idle: "a worker was not needed" } as const

/** Nothing for a number that stays. */
export const of = ({ maximum, minimum, scaledFor, workers }: PoolState): Pick<PoolStatus, "scaling"> =>
  minimum === maximum
    ? {}
    : {
        scaling: {
          minimum,
          maximum,
          utilization: utilizationOf(workers.values()),
          reason: scaledFor === undefined ? "asked for" : reasons[scaledFor]
        }
      }
