/** What a worker tells its parent for the admin listener; loaded where there is one. */
import { ChangedSamples } from "@pagi/core/metrics/MetricTotals"
import * as MetricSamples from "@pagi/core/metrics/MetricSamples"
import type { WorkerTelemetry } from "../process/WorkerIdentity.ts"
import type { MetricsReport } from "./WorkerMessage.ts"

/** Makes the reports of a worker, each of what has changed since the one before. */
export const reporter = ({ registry, takeRecent }: WorkerTelemetry, now: () => number): (() => MetricsReport) => {
  const changes = new ChangedSamples()
  return () => {
    const { changed: samples, gone } = changes.of(MetricSamples.take(registry))
    const recent = takeRecent()
    return {
      type: "metrics",
      time: now(),
      samples,
      ...(gone.length === 0 ? {} : { gone }),
      ...(recent === undefined ? {} : { recent })
    }
  }
}
