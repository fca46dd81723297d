/**
 * Writes the tables of docs/observability.md: the metrics, from the tables in the code, and why connections end. With
 * `--check` it writes nothing and fails when the page is out of date.
 */
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { type MetricRow, prometheusName, table } from "@pagi/core/metrics/MetricTable"
import { processTable } from "@pagi/core/metrics/ProcessTable"
import { topicTable } from "@pagi/core/metrics/TopicTable"
import { code, tableOf } from "./support/table.ts"
import { root } from "./support/workspace.ts"
import { write } from "./support/written.ts"

const path = "docs/observability.md"

/** The text between two marks of the page is written; all else is by hand. */
const place = (name: string) => ({
  begin: `<!-- ${name}: written by \`npm run docs:metrics\` from the code; edit that -->`,
  end: `<!-- ${name} end -->`
})

const labelName = (name: string): string => name.replaceAll(/[^a-zA-Z0-9_]/g, "_")

const labelsOf = ({ isPerProcess, labels }: MetricRow): string => {
  const names = [...Object.keys(labels).map(labelName), ...(isPerProcess === true ? ["worker"] : [])]
  return names.length === 0 ? "" : names.map(code).join(", ")
}

const metricTable = (rows: ReadonlyArray<MetricRow>): string =>
  tableOf([
    ["`/metrics`", "OTLP", "type", "unit", "what it says", "labels"],
    ...rows.map((row) => [
      code(prometheusName(row)),
      code(row.name),
      row.type.toLowerCase(),
      code(row.unit),
      row.description.replaceAll("|", "\\|"),
      labelsOf(row)
    ])
  ])

/** What labels are, once for all metrics that have them with the same values. */
const labelTable = (rows: ReadonlyArray<MetricRow>): string => {
  const known = new Map<string, { readonly name: string; readonly values: string; readonly metrics: Array<string> }>()
  for (const row of rows) {
    for (const [label, values] of Object.entries(row.labels)) {
      const name = labelName(label)
      const entry = known.get(`${name}\n${values}`) ?? { name, values, metrics: [] }
      known.set(`${name}\n${values}`, entry)
      entry.metrics.push(prometheusName(row))
    }
  }
  return tableOf([
    ["label", "values", "of"],
    ...[...known.values()].map(({ metrics, name, values }) => [
      code(name),
      values.replaceAll("|", "\\|"),
      metrics.map(code).join(", ")
    ])
  ])
}

const bucketTable = (rows: ReadonlyArray<MetricRow>): string => {
  const known = new Map<string, Array<string>>()
  for (const row of rows) {
    if (row.boundaries === undefined) continue
    const boundaries = row.boundaries.join(", ")
    known.set(boundaries, [...(known.get(boundaries) ?? []), prometheusName(row)])
  }
  return tableOf([
    ["histogram", "upper bounds of its buckets, in seconds"],
    ...[...known].map(([boundaries, names]) => [names.map(code).join(", "), boundaries])
  ])
}

/** The reasons are a list in the docstring of their type. */
const endTable = (): string => {
  const text = readFileSync(join(root, "packages/core/src/observe/ConnectionEnd.ts"), "utf8")
  const reasons = [...text.matchAll(/^ \* - (?<reason>`\w+`): (?<meaning>.*)$/gm)].map(({ groups }) => [
    groups?.["reason"] ?? "",
    groups?.["meaning"] ?? ""
  ])
  if (reasons.length === 0) throw new Error("ConnectionEnd.ts has no list of reasons in its docstring")
  return tableOf([["reason", "the connection ended because"], ...reasons])
}

const server = Object.values(table)
const ofProcesses = Object.values(processTable)
const ofTopics = Object.values(topicTable)

const parts = {
  metrics: metricTable(server),
  "metrics of processes": metricTable(ofProcesses),
  "metrics of topics": metricTable(ofTopics),
  labels: labelTable([...server, ...ofProcesses, ...ofTopics]),
  buckets: bucketTable([...server, ...ofProcesses]),
  "ends of connections": endTable()
}

let written = readFileSync(join(root, path), "utf8")
for (const [name, part] of Object.entries(parts)) {
  const { begin, end } = place(name)
  const [before, behind] = [written.indexOf(begin), written.indexOf(end)]
  if (before === -1 || behind === -1) throw new Error(`${path} has no place for what is written: ${begin} … ${end}`)
  written = `${written.slice(0, before)}${begin}\n\n${part}\n\n${written.slice(behind)}`
}

write({ path, subject: "the metrics", script: "docs:metrics" }, written)
