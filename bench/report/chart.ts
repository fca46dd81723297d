import { candidateOf, type CandidateName } from "../candidates.ts"
import type { FigureResult } from "../figures/result.ts"
import type { IdleResult, ThroughputResult } from "../harness/results.ts"
import type { Spread } from "../harness/statistics.ts"
import { whole } from "./format.ts"
import type { Report } from "./report.ts"

interface Bar {
  readonly candidate: CandidateName
  readonly spread: Spread
  readonly label: string
}

interface Group {
  readonly heading: string
  readonly unit: string
  readonly bars: ReadonlyArray<Bar>
}

const width = 860
const labelWidth = 200
const barWidth = 500
const barHeight = 14
const barPitch = 20
const headingHeight = 34
const margin = 20

const style = `
  .ground { fill: #ffffff }
  text { font: 12px system-ui, sans-serif; fill: #1f2328 }
  .heading { font-weight: 600; font-size: 13px }
  .unit { fill: #59636e }
  .peer { fill: #a8b3bf }
  .subject { fill: #1a7f64 }
  .spread { stroke: #1f2328; stroke-width: 1.2 }
  @media (prefers-color-scheme: dark) {
    .ground { fill: #0d1117 }
    text { fill: #e6edf3 }
    .unit { fill: #9198a1 }
    .peer { fill: #4b5563 }
    .subject { fill: #2fb58e }
    .spread { stroke: #e6edf3 }
  }`

const escape = (text: string): string => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;")

const isSubject = (candidate: CandidateName): boolean => candidateOf(candidate).installation === "current"

const throughputGroup = (row: ThroughputResult): Group => ({
  heading: `${row.name}${row.problems.length === 0 ? "" : " (INVALID)"}: ${row.title}`,
  unit: row.unit,
  bars: row.candidates.map(({ candidate, perSecond }) => ({
    candidate,
    spread: perSecond,
    label: whole(perSecond.median)
  }))
})

const figureGroups = (row: FigureResult): ReadonlyArray<Group> =>
  row.columns.map(({ name, unit }, column) => ({
    heading: `${row.name}${row.problems.length === 0 ? "" : " (INVALID)"}: ${name}, less is better`,
    unit,
    bars: row.candidates.flatMap(({ candidate, spreads }) => {
      const spread = spreads[column]
      return spread === undefined ? [] : [{ candidate, spread, label: spread.median.toFixed(1) }]
    })
  }))

const idleGroup = (idle: IdleResult): Group => ({
  heading: `${idle.name}${idle.problems.length === 0 ? "" : " (INVALID)"}: ${idle.title}, less is better`,
  unit: "KiB resident",
  bars: idle.candidates.map(({ candidate, residentKibibytesPerConnection }) => ({
    candidate,
    spread: residentKibibytesPerConnection,
    label: residentKibibytesPerConnection.median.toFixed(1)
  }))
})

const renderBar = (bar: Bar, top: number, scale: number): string => {
  const left = margin + labelWidth
  const middle = top + barHeight / 2
  const end = (value: number): string => (left + Math.max(0, value) * scale).toFixed(1)
  const textEnd = left + Math.max(0, bar.spread.maximum) * scale + 8
  return [
    `<text x="${left - 8}" y="${middle + 4}" text-anchor="end">${bar.candidate}</text>`,
    `<rect class="${isSubject(bar.candidate) ? "subject" : "peer"}" x="${left}" y="${top}" rx="2"` +
      ` width="${Math.max(1, bar.spread.median * scale).toFixed(1)}" height="${barHeight}"/>`,
    `<line class="spread" x1="${end(bar.spread.minimum)}" x2="${end(bar.spread.maximum)}"` +
      ` y1="${middle}" y2="${middle}"/>`,
    `<text x="${textEnd.toFixed(1)}" y="${middle + 4}">${bar.label}</text>`
  ].join("\n")
}

const renderGroup = (group: Group, top: number): string => {
  const largest = Math.max(...group.bars.map((bar) => bar.spread.maximum))
  const scale = largest > 0 ? barWidth / largest : 0
  const bars = group.bars.map((bar, index) => renderBar(bar, top + headingHeight + index * barPitch, scale))
  const heading = `<tspan class="heading">${escape(group.heading)}</tspan> <tspan class="unit">${group.unit}</tspan>`
  return [`<text x="${margin}" y="${top + 20}">${heading}</text>`, ...bars].join("\n")
}

const heightOf = (group: Group): number => headingHeight + group.bars.length * barPitch + 12

export const renderChart = (report: Report): string => {
  const groups = [
    ...report.throughput.map(throughputGroup),
    ...report.figures.flatMap(figureGroups),
    ...(report.idle === undefined ? [] : [idleGroup(report.idle)])
  ]
  let height = margin
  const drawn = groups.map((group) => {
    const top = height
    height += heightOf(group)
    return renderGroup(group, top)
  })
  const { machine } = report
  const caption = `${machine.date}, ${machine.processor}, Node ${machine.node}; bar: median, line: min to max`
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height + 36}" role="img"` +
      ` aria-label="Throughput and memory of each server">`,
    `<style>${style}\n</style>`,
    `<rect class="ground" width="${width}" height="${height + 36}"/>`,
    ...drawn,
    `<text class="unit" x="${margin}" y="${height + 18}">${escape(caption)}</text>`,
    "</svg>",
    ""
  ].join("\n")
}
