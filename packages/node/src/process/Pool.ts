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
}

/**
 * The pool that this process is a worker of; none without workers. An application may have another copy of this module
 * than the command that serves it: the key is what both know, and there is nothing but plain data in it.
 */
export const Pool = Context.Reference<PoolPlace | undefined>("@pagi/node/Pool", { defaultValue: () => undefined })
