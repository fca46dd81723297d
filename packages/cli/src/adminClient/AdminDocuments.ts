/** What an admin listener tells, as far as it is shown: documents of a server whose version may be another one. */
import type { HistoryPoint } from "@pagi/node/admin/HistoryPoint"
import type { RecentRequests } from "@pagi/node/admin/RecentRequests"
import * as Schema from "effect/Schema"

const Counts = Schema.Record(Schema.String, Schema.Finite)

const Mark = Schema.Struct({
  at: Schema.Finite,
  what: Schema.String,
  worker: Schema.optionalKey(Schema.Finite),
  reason: Schema.optionalKey(Schema.String)
})

const Process = Schema.Struct({
  worker: Schema.Finite,
  lag: Schema.Finite,
  memory: Schema.Finite,
  connections: Schema.Finite
})

/** One second. */
export const Point = Schema.Struct({
  at: Schema.Finite,
  statuses: Schema.Struct({
    "1xx": Schema.Finite,
    "2xx": Schema.Finite,
    "3xx": Schema.Finite,
    "4xx": Schema.Finite,
    "5xx": Schema.Finite
  }),
  latency: Schema.NullOr(Schema.Struct({ p50: Schema.Finite, p90: Schema.Finite, p99: Schema.Finite })),
  received: Schema.Finite,
  sent: Schema.Finite,
  connections: Schema.Finite,
  activeRequests: Schema.Finite,
  refused: Counts,
  processes: Schema.Array(Process),
  marks: Schema.Array(Mark)
})
export type Point = typeof Point.Type

export const Points = Schema.Array(Point)

const Request = Schema.Struct({
  method: Schema.String,
  path: Schema.String,
  status: Schema.Finite,
  endedAt: Schema.Finite,
  duration: Schema.Finite,
  worker: Schema.optionalKey(Schema.Finite),
  requestId: Schema.optionalKey(Schema.String)
})
export type Request = typeof Request.Type

/** The slowest and the failing requests. */
export const Recent = Schema.Struct({ slowest: Schema.Array(Request), failed: Schema.Array(Request) })
export type Recent = typeof Recent.Type

const common = {
  pid: Schema.Finite,
  phase: Schema.String,
  age: Schema.Finite,
  listeners: Schema.Array(Schema.String),
  /** Those that differ from their defaults; a server without an admin listener may not tell them. */
  options: Schema.optionalKey(Schema.Record(Schema.String, Schema.String))
}

const load = { requests: Schema.Finite, connections: Schema.Finite, lag: Schema.Finite, memory: Schema.Finite }

const Worker = Schema.Struct({
  ...load,
  pid: Schema.NullOr(Schema.Finite),
  workerNum: Schema.Finite,
  phase: Schema.String,
  age: Schema.Finite,
  lastHeartbeat: Schema.NullOr(Schema.Finite)
})

/** How a server is: the workers, or the one process. */
export const Status = Schema.Union([
  Schema.Struct({
    ...common,
    target: Schema.Finite,
    scaling: Schema.optionalKey(
      Schema.Struct({
        minimum: Schema.Finite,
        maximum: Schema.Finite,
        utilization: Schema.Finite,
        reason: Schema.Literals(["asked for", "workers were busy", "a worker was not needed"])
      })
    ),
    isReloading: Schema.Boolean,
    workers: Schema.Array(Worker)
  }),
  Schema.Struct({ ...common, ...load })
])
export type Status = typeof Status.Type

// What this server sends is understood; the compiler says when it is not.
export type Understood = [HistoryPoint extends Point ? true : never, RecentRequests extends Recent ? true : never]
