/** Metrics without the attribute by which Effect's tell their unit: OTLP has a field for that. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { MetricsData } from "effect/observability/OtlpMetrics"
import type { KeyValue } from "effect/observability/OtlpResource"
import { OtlpSerialization } from "effect/observability/OtlpSerialization"

/** A data point; they have different values. */
interface Point {
  attributes?: Array<KeyValue>
}

const isUnit = ({ key }: KeyValue): boolean => key === "unit" || key === "time_unit"

const strip = (point: Point): void => {
  const { attributes } = point
  if (attributes?.some(isUnit) === true) point.attributes = attributes.filter((attribute) => !isUnit(attribute))
}

/** The data is made for one export, so it may be changed. */
const stripAll = (data: MetricsData): MetricsData => {
  for (const { scopeMetrics } of data.resourceMetrics) {
    for (const { metrics } of scopeMetrics) {
      for (const { gauge, histogram, sum, summary } of metrics) {
        for (const one of [gauge, histogram, sum, summary]) one?.dataPoints.forEach(strip)
      }
    }
  }
  return data
}

/** The same serialization, without that attribute. */
export const layer: Layer.Layer<OtlpSerialization, never, OtlpSerialization> = Layer.effect(
  OtlpSerialization,
  Effect.map(OtlpSerialization, (serialization) => ({
    ...serialization,
    metrics: (data: MetricsData) => serialization.metrics(stripAll(data))
  }))
)
