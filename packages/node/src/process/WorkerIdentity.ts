import type { CheckRegistry } from "@pagi/core/health/HealthChecks"
import type { Leaving } from "@pagi/core/server/Leaving"
import * as Context from "effect/Context"
import type { MetricRegistry } from "effect/Metric"
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
  /** Is told when others serve in its place, which may be while it leaves. */
  readonly leaving?: Leaving
  /** Is told what the server notes, once, if there is an admin listener. */
  readonly watch?: (telemetry: WorkerTelemetry) => void
}

/** What a worker's parent is told besides its status. */
export interface WorkerTelemetry {
  /** Where the metrics of the server and its application are. */
  readonly registry: MetricRegistry
  /** The slowest and the failing requests, if there are others than at the last time; they are for JSON. */
  readonly takeRecent: () => object | undefined
  /** Whether the application is well. */
  readonly checks: CheckRegistry
}

/** Which worker this is; by default none, but the only process of its server. */
export const WorkerIdentity = Context.Reference<WorkerIdentity | undefined>("@pagi/node/WorkerIdentity", {
  defaultValue: () => undefined
})
