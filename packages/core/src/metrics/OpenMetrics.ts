/** OpenMetrics 1.0: the text format of Prometheus with rules of its own for counters, units, numbers and the end. */
import type * as Metric from "effect/Metric"
import { prometheusUnit } from "./MetricTable.ts"

type Snapshot = Metric.Metric.Snapshot
type Labels = ReadonlyArray<readonly [name: string, value: string]>

/** What Effect keeps among the attributes that is no label. */
const isLabel = (name: string): boolean => name !== "unit" && name !== "time_unit"

const nameWith = (pattern: RegExp, name: string): string => {
  const sound = name.replaceAll(pattern, "_").replaceAll(/_+/g, "_")
  return /^[0-9:]/.test(sound) ? `_${sound}` : sound
}

const metricName = (name: string): string => nameWith(/[^a-zA-Z0-9_:]/g, name).replace(/_$/, "")
const labelName = (name: string): string => nameWith(/[^a-zA-Z0-9_]/g, name)

const escape = (text: string): string => text.replaceAll("\\", "\\\\").replaceAll("\n", "\\n").replaceAll('"', '\\"')

const numberText = (value: number | bigint): string => {
  if (value === Number.POSITIVE_INFINITY) return "+Inf"
  return value === Number.NEGATIVE_INFINITY ? "-Inf" : String(value)
}

/** Numbers in labels have to look the same everywhere: those without a fraction have one. */
const canonical = (value: number): string => (Number.isInteger(value) ? value.toFixed(1) : numberText(value))

const labelText = (labels: Labels): string =>
  labels.length === 0 ? "" : `{${labels.map(([name, value]) => `${labelName(name)}="${escape(value)}"`).join(",")}}`

const sample = (name: string, labels: Labels, value: number | bigint): string =>
  `${name}${labelText(labels)} ${numberText(value)}`

const samplesOf = (family: string, snapshot: Snapshot): ReadonlyArray<string> => {
  const labels: Labels = Object.entries(snapshot.attributes ?? {}).filter(([name]) => isLabel(name))
  const withLabel = (name: string, value: string): Labels => [...labels, [name, value]]
  switch (snapshot.type) {
    case "Counter": {
      const { count, incremental } = snapshot.state
      return [sample(incremental ? `${family}_total` : family, labels, count)]
    }
    case "Gauge":
      return [sample(family, labels, snapshot.state.value)]
    case "Frequency":
      return [...snapshot.state.occurrences].map(([key, count]) =>
        sample(`${family}_total`, withLabel("key", key), count)
      )
    case "Histogram": {
      const { buckets, count, sum } = snapshot.state
      const bounded = buckets.filter(([boundary]) => Number.isFinite(boundary))
      return [
        ...bounded.map(([boundary, below]) => sample(`${family}_bucket`, withLabel("le", canonical(boundary)), below)),
        sample(`${family}_bucket`, withLabel("le", "+Inf"), count),
        sample(`${family}_sum`, labels, sum),
        sample(`${family}_count`, labels, count)
      ]
    }
    case "Summary": {
      const { count, quantiles, sum } = snapshot.state
      return [
        ...quantiles.flatMap(([quantile, value]) =>
          value === undefined ? [] : [sample(family, withLabel("quantile", canonical(quantile)), value)]
        ),
        sample(`${family}_sum`, labels, sum),
        sample(`${family}_count`, labels, count)
      ]
    }
  }
}

/** A counter of Effect's may also go down, unless it is an incremental one; to others it is a gauge then. */
const typeOf = (snapshot: Snapshot): string => {
  if (snapshot.type === "Counter") return snapshot.state.incremental ? "counter" : "gauge"
  return snapshot.type === "Frequency" ? "counter" : snapshot.type.toLowerCase()
}

/** The name of what a metric's series are called together: that of a counter is without the `_total` of its samples. */
const familyOf = (snapshot: Snapshot, name: string): string => {
  const sound = metricName(name)
  return typeOf(snapshot) === "counter" ? sound.replace(/_total$/, "") : sound
}

/** A unit has to be at the end of the name, or may not be told. */
const unitOf = ({ attributes }: Snapshot, family: string): string => {
  const unit = prometheusUnit(attributes?.["unit"] ?? "")
  return unit !== "" && family.endsWith(`_${unit}`) ? unit : ""
}

/** All series of a snapshot, those of one metric together; `nameOf` makes names of the metrics' ids. */
export const formatOpenMetrics = (snapshots: ReadonlyArray<Snapshot>, nameOf: (id: string) => string): string => {
  const families = new Map<
    string,
    { readonly head: ReadonlyArray<string>; readonly type: string; readonly lines: Array<string> }
  >()
  for (const snapshot of snapshots) {
    const name = familyOf(snapshot, nameOf(snapshot.id))
    const type = typeOf(snapshot)
    const unit = unitOf(snapshot, name)
    const { description = "" } = snapshot
    const head = [
      `# TYPE ${name} ${type}`,
      ...(unit === "" ? [] : [`# UNIT ${name} ${unit}`]),
      ...(description === "" ? [] : [`# HELP ${name} ${escape(description)}`])
    ]
    const family = families.get(name) ?? { head, type, lines: [] }
    families.set(name, family)
    // Two metrics of one name and of different types cannot both be told.
    if (family.type === type) family.lines.push(...samplesOf(name, snapshot))
  }
  const texts = [...families.values()].map(({ head, lines }) => head.concat(lines).join("\n"))
  return [...texts, "# EOF", ""].join("\n")
}
