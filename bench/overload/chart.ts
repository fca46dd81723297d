/** Draws the curves of docs/overload.md from what was measured. */
import type { LoadOutcome } from "./client.ts"
import type { OverloadFigures } from "./figures.ts"

interface Panel {
  readonly title: string
  readonly value: (outcome: LoadOutcome) => number
  readonly isLogarithmic: boolean
  readonly marks: ReadonlyArray<number>
}

const [width, panelHeight, left, right, top] = [880, 220, 70, 170, 34]
const panelPitch = panelHeight + 80

const style = `
  .ground { fill: #ffffff }
  text { font: 12px system-ui, sans-serif; fill: #1f2328 }
  .heading { font-weight: 600; font-size: 13px }
  .grid { stroke: #d1d9e0 }
  .line { fill: none; stroke-width: 2 }
  .limited { stroke: #1a7f64 }
  .plain { stroke: #bc4c00; stroke-dasharray: 6 4 }
  @media (prefers-color-scheme: dark) {
    .ground { fill: #0d1117 }
    text { fill: #e6edf3 }
    .grid { stroke: #30363d }
    .limited { stroke: #2fb58e }
    .plain { stroke: #f0883e }
  }`

const panelOf = (figures: OverloadFigures, panel: Panel, at: number): string => {
  const highest = panel.marks.at(-1) ?? 1
  const lowest = panel.isLogarithmic ? (panel.marks[0] ?? 1) : 0
  const scale = (value: number): number => (panel.isLogarithmic ? Math.log10(Math.max(value, lowest)) : value)
  const y = (value: number): number =>
    at + top + panelHeight * (1 - (scale(value) - scale(lowest)) / (scale(highest) - scale(lowest)))
  const largestRate = Math.max(...figures.limited.map(({ offered }) => offered))
  const x = (rate: number): number => left + ((width - left - right) * rate) / largestRate
  const grid = panel.marks.map(
    (mark) =>
      `<line class="grid" x1="${left}" x2="${width - right}" y1="${y(mark)}" y2="${y(mark)}"/>` +
      `<text x="${left - 8}" y="${y(mark) + 4}" text-anchor="end">${mark}</text>`
  )
  // One that is too near to the one before has no room.
  const labelled: Array<number> = []
  for (const { offered } of figures.limited) {
    const last = labelled.at(-1)
    if (last === undefined || x(offered) - x(last) > 36) labelled.push(offered)
  }
  const rates = labelled.map(
    (rate) => `<text x="${x(rate)}" y="${at + top + panelHeight + 18}" text-anchor="middle">${rate}</text>`
  )
  const curve = (name: "limited" | "plain", label: string): string => {
    const points = figures[name].map((one) => `${x(one.offered).toFixed(1)},${y(panel.value(one)).toFixed(1)}`)
    const last = figures[name].at(-1)
    const end = last === undefined ? 0 : y(panel.value(last))
    return (
      `<polyline class="line ${name}" points="${points.join(" ")}"/>` +
      `<text x="${width - right + 8}" y="${end + 4}">${label}</text>`
    )
  }
  return [
    `<text class="heading" x="${left}" y="${at + 18}">${panel.title}</text>`,
    ...grid,
    ...rates,
    curve("limited", `maxQueueTime ${figures.maxQueueTime} ms`),
    curve("plain", "without it"),
    `<text x="${(left + width - right) / 2}" y="${at + top + panelHeight + 36}" text-anchor="middle">offered requests/s</text>`
  ].join("\n")
}

export const renderCurves = (figures: OverloadFigures): string => {
  const panels: ReadonlyArray<Panel> = [
    {
      title: `Goodput: answers with 200 within ${figures.patience} ms, per second`,
      value: ({ goodput }) => goodput,
      isLogarithmic: false,
      marks: [0, 100, 200, 300, 400, 500]
    },
    {
      title: "p99 of answers with 200, in milliseconds since their requests were due",
      value: ({ p99 }) => p99,
      isLogarithmic: true,
      marks: [1, 10, 100, 1000, 10_000]
    }
  ]
  const height = panels.length * panelPitch + 40
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" role="img"` +
      ` aria-label="Goodput and latency over the offered load">`,
    `<style>${style}</style>`,
    `<rect class="ground" width="${width}" height="${height}"/>`,
    ...panels.map((panel, index) => panelOf(figures, panel, index * panelPitch + 10)),
    `<text x="${left}" y="${height - 14}">2 ms of computing for each request; ${figures.machine}</text>`,
    "</svg>",
    ""
  ].join("\n")
}
