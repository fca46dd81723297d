import { poolKey } from "@pagi/core/contract/PoolKey"
import * as Context from "effect/Context"

/** What connects the workers of a server, besides the supervisor. */
export interface PoolPlace {
  /**
   * Where its workers have the sockets by which they reach each other, those of a hot restart's successor too. The folder
   * is only a name until somebody uses it (`ClaimedFolder`).
   */
  readonly folder: string
  /** The place that this worker takes in the pool, from 1 on; another process has it after this one. */
  readonly worker: number
  /** Whoever keeps the locks of a cluster of the workers. */
  readonly cluster: PoolClusterChannel
}

/** How a worker asks the supervisor for what concerns a cluster (`ClusterRequest`, `ClusterAnswer`). */
export interface PoolClusterChannel {
  /** Answers once; with nothing, where the supervisor has ended. */
  readonly ask: (request: object, answer: (answer: object | undefined) => void) => void
  /** Is called once when the supervisor has ended, at once if it has; answers how that is taken back. */
  readonly onLost: (listener: () => void) => () => void
}

/**
 * The pool that this process is a worker of; none without workers. An application may have another copy of this module
 * than the command that serves it: the key is what both know, and there is nothing but plain data in it.
 */
export const Pool = Context.Reference<PoolPlace | undefined>(poolKey, { defaultValue: () => undefined })
