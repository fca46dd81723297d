/** What a scrape is answered with: all metrics of a registry as text, in the format that the client asks for. */
import * as Context from "effect/Context"
import * as Metric from "effect/Metric"
import * as PrometheusMetrics from "effect/observability/PrometheusMetrics"
import { listElements } from "../http/CommaList.ts"
import { type MetricRow, prometheusName, table } from "./MetricTable.ts"
import { formatOpenMetrics } from "./OpenMetrics.ts"
import { processTable } from "./ProcessTable.ts"
import { topicTable } from "./TopicTable.ts"

/** Prometheus' own text format, or OpenMetrics 1.0, which has units too. */
export type Format = "prometheus" | "openmetrics"

/** The value of Content-Type. */
export const contentType: Readonly<Record<Format, string>> = {
  prometheus: "text/plain; version=0.0.4; charset=utf-8",
  openmetrics: "application/openmetrics-text; version=1.0.0; charset=utf-8"
}

/** The media type of one element of an Accept field, and how much it is wanted (RFC 9110 §12.5.1). */
const preferenceOf = (
  element: string
): { readonly type: string; readonly quality: number; readonly version: string } => {
  const [type = "", ...parameters] = element
    .toLowerCase()
    .split(";")
    .map((part) => part.trim())
  const valueOf = (name: string): string | undefined =>
    parameters.find((parameter) => parameter.startsWith(`${name}=`))?.slice(name.length + 1)
  const quality = Number(valueOf("q") ?? "1")
  return { type, quality: Number.isNaN(quality) ? 0 : quality, version: valueOf("version") ?? "1.0.0" }
}

/** The format for a request with this Accept field: OpenMetrics for those who ask for it and want it no less than text. */
export const negotiate = (accept: string | undefined): Format => {
  let [openMetrics, text] = [0, 0]
  for (const element of listElements(accept ?? "")) {
    const { quality, type, version } = preferenceOf(element)
    if (type === "application/openmetrics-text" && version.startsWith("1."))
      openMetrics = Math.max(openMetrics, quality)
    else if (type === "text/plain") text = Math.max(text, quality)
  }
  return openMetrics > 0 && openMetrics >= text ? "openmetrics" : "prometheus"
}

const rows: ReadonlyArray<MetricRow> = [table, processTable, topicTable].flatMap((one) => Object.values<MetricRow>(one))

const names: ReadonlyMap<string, string> = new Map(rows.map((row) => [row.name, prometheusName(row)]))

/** The application's metrics keep their names, as far as the format allows. */
const nameOf = (id: string): string => names.get(id) ?? id

/** The values that a registry has now. */
export const format = (registry: Metric.MetricRegistry, as: Format): string => {
  const context = Context.make(Metric.MetricRegistry, registry)
  return as === "prometheus"
    ? PrometheusMetrics.formatUnsafe(context, { metricNameMapper: nameOf })
    : formatOpenMetrics(Metric.snapshotUnsafe(context), nameOf)
}
