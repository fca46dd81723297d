import * as Context from "effect/Context"
import type { TicketKeyring } from "../tls/TicketSecrets.ts"
import type { AcceptShare } from "../connection/AcceptShare.ts"

/** What a server has to know of being one of several workers. */
export interface WorkerIdentity {
  /** The place that it takes in the pool, from 1 on; applications see it as `workerNum`. */
  readonly num: number
  /** Absent when the worker shares no listening socket with others. */
  readonly share?: AcceptShare
  /** The secrets of TLS sessions that all workers have. */
  readonly tickets?: TicketKeyring
}

/** Which worker this is; by default none, but the only process of its server. */
export const WorkerIdentity = Context.Reference<WorkerIdentity | undefined>("@pagi/node/WorkerIdentity", {
  defaultValue: () => undefined
})
