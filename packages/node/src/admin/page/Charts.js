/** The charts: lines and areas over the last minutes, with what happened to workers as marks, and the same as tables. */

/** @import { HistoryMark, HistoryPoint } from "../HistoryPoint.ts" */
/** @import { Cell } from "./Tables.js" */
import * as Format from "./Format.js"
import { columns, lagOf, marksOf, memoryOf, openOf } from "./History.js"
import { make, Table, write } from "./Tables.js"
import uPlot from "./uPlot.esm.js"

/**
 * @typedef {object} Line
 * @property {string} label
 * @property {string} color the custom property of the style sheet, without its dashes
 * @property {(point: HistoryPoint) => number | null} value
 * @property {boolean} [isAbove] Whether it is a line above those that stand upon one another; what is last is drawn last.
 */

/**
 * @typedef {object} Definition
 * @property {string} title
 * @property {(value: number) => string} format
 * @property {(value: number) => string} [formatAxis]
 * @property {boolean} [isBinary] Whether the axis counts in powers of two.
 * @property {boolean} [isStacked] Whether lines stand upon one another, the last at the bottom.
 * @property {boolean} [isLogarithmic]
 * @property {"mean" | "most"} sum What stands for several seconds.
 * @property {ReadonlyArray<Line>} lines
 */

/** @param {keyof HistoryPoint["statuses"]} name */
const statusLine = (name) => ({
  label: name,
  color: `c-${name}`,
  value: (/** @type {HistoryPoint} */ { statuses }) => statuses[name]
})

/** Protocols of connections that are told apart. */
const protocols = [
  { name: "websocket", label: "WebSocket", color: "c-websocket" },
  { name: "h2", label: "HTTP/2", color: "c-h2" },
  { name: "http/1.1", label: "HTTP/1.1", color: "c-http1" }
]

/** @type {ReadonlyArray<Definition>} */
export const definitions = [
  {
    title: "Requests per second",
    format: Format.decimal,
    formatAxis: Format.short,
    isStacked: true,
    sum: "mean",
    lines: [statusLine("1xx"), statusLine("2xx"), statusLine("3xx"), statusLine("4xx"), statusLine("5xx")]
  },
  {
    title: "Latency",
    format: Format.milliseconds,
    isLogarithmic: true,
    sum: "most",
    lines: [
      { label: "p99", color: "c-high", value: ({ latency }) => latency?.p99 ?? null },
      { label: "p90", color: "c-middle", value: ({ latency }) => latency?.p90 ?? null },
      { label: "p50", color: "c-low", value: ({ latency }) => latency?.p50 ?? null }
    ]
  },
  {
    title: "Bytes per second",
    format: Format.bytes,
    isBinary: true,
    sum: "mean",
    lines: [
      { label: "sent", color: "c-first", value: ({ sent }) => sent },
      { label: "received", color: "c-second", value: ({ received }) => received }
    ]
  },
  {
    title: "Connections by protocol, requests in progress",
    format: Format.count,
    formatAxis: Format.short,
    isStacked: true,
    sum: "mean",
    lines: [
      // Those that have not said anything yet, and what programs bring with them.
      {
        label: "other",
        color: "c-other",
        value: (point) => protocols.reduce((rest, { name }) => rest - openOf(point, name), point.connections)
      },
      ...protocols.map(({ color, label, name }) => ({
        label,
        color,
        value: (/** @type {HistoryPoint} */ point) => openOf(point, name)
      })),
      { label: "requests", color: "c-line", value: ({ activeRequests }) => activeRequests, isAbove: true }
    ]
  },
  {
    title: "Event loop delay",
    format: Format.milliseconds,
    sum: "most",
    lines: [{ label: "worst process", color: "c-high", value: lagOf }]
  },
  {
    title: "Memory",
    format: Format.bytes,
    isBinary: true,
    sum: "mean",
    lines: [{ label: "all processes", color: "c-first", value: memoryOf }]
  }
]

const binarySteps = Array.from({ length: 44 }, (_, power) => 2 ** power)

/** Seconds between two times on the axis. */
const timeSteps = [5, 10, 15, 20, 30, 60, 120, 180, 300, 600, 900]

/** @param {number} seconds */
const timeLabel = (seconds) => {
  const text = Format.time(seconds * 1000)
  return seconds % 60 === 0 ? text.slice(0, -3) : text
}

/**
 * Whether it is drawn: not that a worker has started, unless there are more of them than before.
 *
 * @param {HistoryMark} mark
 */
const isDrawn = ({ reason, what }) => what !== "worker started" || reason !== undefined

/** Rows of the table that says the same. */
const tableRows = 12

/** Colours of the style sheet, which are others in the dark. */
class Theme {
  #style = getComputedStyle(document.documentElement)

  /** @param {string} name */
  color(name) {
    return this.#style.getPropertyValue(`--${name}`)
  }
}

/** @typedef {Array<number | null>} Values */

class Chart {
  /** @type {Definition} */
  #definition
  #theme
  #minutes = 5
  /** @type {ReadonlyArray<HistoryPoint>} */
  #points = []
  /** @type {[Array<number>, ...Array<Values>]} Before they are stacked. */
  #columns = [[]]
  /** @type {Array<HTMLElement>} */
  #values = []
  #plot = make("div", "plot")
  #moment = make("p", "moment")
  #details = make("details")
  #table
  #drawing

  /**
   * @param {Definition} definition
   * @param {Theme} theme
   * @param {HTMLElement} parent
   */
  constructor(definition, theme, parent) {
    this.#definition = definition
    this.#theme = theme
    parent.append(this.#figure())
    const titles = definition.lines.map(({ label }) => ({ title: label, isNumber: true }))
    const table = make("table")
    this.#table = new Table(table, [{ title: "Time" }, ...titles], "nothing yet")
    this.#details.append(make("summary", "", "As a table"), table)
    this.#details.addEventListener("toggle", () => this.#showTable())
    this.#drawing = new uPlot(this.#options(), this.#data(), this.#plot)
    new ResizeObserver(() => this.#drawing.setSize(this.#size())).observe(this.#plot)
  }

  #figure() {
    const legend = make("ul", "legend")
    for (const { color, label } of this.#definition.lines) {
      const item = make("li")
      const swatch = make("span", `swatch ${color}`)
      const value = make("b")
      item.append(swatch, make("span", "", label), value)
      this.#values.push(value)
      legend.append(item)
    }
    const caption = make("figcaption")
    caption.append(make("h3", "", this.#definition.title), this.#moment, legend)
    this.#plot.setAttribute("role", "img")
    const figure = make("figure", "chart panel")
    figure.append(caption, this.#plot, this.#details)
    return figure
  }

  #size() {
    return { width: Math.max(this.#plot.clientWidth, 100), height: Math.max(this.#plot.clientHeight, 60) }
  }

  /** @returns {uPlot.Options} */
  #options() {
    const theme = this.#theme
    const { format, formatAxis = format, isBinary = false, isLogarithmic = false, lines } = this.#definition
    const axis = {
      stroke: () => theme.color("faint"),
      grid: { stroke: () => theme.color("grid"), width: 1 },
      ticks: { show: false },
      font: "12px system-ui, sans-serif"
    }
    return {
      ...this.#size(),
      legend: { show: false },
      cursor: { sync: { key: "pagi" }, drag: { x: false, y: false }, y: false, points: { size: 6 } },
      scales: {
        x: { range: () => this.#range() },
        y: isLogarithmic ? { distr: 3, range: decades } : { range: (_, __, most) => [0, most > 0 ? most * 1.1 : 1] }
      },
      axes: [
        { ...axis, size: 26, gap: 6, space: 58, incrs: timeSteps, values: (_, seconds) => seconds.map(timeLabel) },
        {
          ...axis,
          size: 68,
          gap: 6,
          space: 32,
          // Of the lines between powers of ten, which have no number, there are nulls.
          values: (_, values) => values.map((value) => (value === null ? null : formatAxis(value))),
          ...(isBinary ? { incrs: binarySteps } : {}),
          ...(isLogarithmic ? { grid: { ...axis.grid, filter: powersOfTen } } : {})
        }
      ],
      series: [{}, ...lines.map((line) => this.#series(line))],
      hooks: { draw: [(drawing) => this.#drawMarks(drawing)], setCursor: [() => this.#showValues()] }
    }
  }

  /**
   * @param {Line} line
   * @returns {uPlot.Series}
   */
  #series({ color, isAbove = false }) {
    const paint = () => this.#theme.color(color)
    if (this.#definition.isStacked === true && !isAbove) return { fill: paint, width: 0, points: { show: false } }
    return {
      stroke: paint,
      width: 1.5,
      // A second by itself is no line.
      points: { show: true, size: 3, fill: paint, filter: (drawing, index) => isolated(drawing.data[index] ?? []) }
    }
  }

  /** @returns {[number, number]} */
  #range() {
    const end = (this.#points.at(-1)?.at ?? Date.now()) / 1000
    return [end - this.#minutes * 60, end]
  }

  /** @returns {[Array<number>, ...Array<Values>]} */
  #data() {
    if (this.#definition.isStacked !== true) return this.#columns
    const [times, ...columns] = this.#columns
    const { lines } = this.#definition
    /** @type {Values} */
    let below = times.map(() => 0)
    const stacked = columns.toReversed().map((line, index) => {
      if (lines.at(-1 - index)?.isAbove === true) return line
      below = line.map((value, index) => (value === null ? null : value + (below[index] ?? 0)))
      return below
    })
    return [times, ...stacked.toReversed()]
  }

  /**
   * @param {ReadonlyArray<HistoryPoint>} points
   * @param {number} minutes
   */
  show(points, minutes) {
    this.#points = points
    this.#minutes = minutes
    this.#columns = columns(
      points,
      this.#definition.lines.map(({ value }) => value)
    )
    this.#drawing.setData(this.#data())
    this.#showValues()
    this.#plot.setAttribute("aria-label", this.#summary())
    this.#showTable()
  }

  /** Colours or what is around have changed. */
  redraw() {
    this.#drawing.redraw(true, true)
  }

  /** What is under the pointer, or the last second. */
  #showValues() {
    const [times, ...lines] = this.#columns
    const pointed = this.#drawing?.cursor.idx
    const index = pointed ?? times.length - 1
    const at = times[index]
    write(this.#moment, typeof pointed === "number" && at !== undefined ? Format.time(at * 1000) : "")
    for (const [number, line] of lines.entries()) {
      const node = this.#values[number]
      if (node !== undefined) write(node, this.#text(line[index]))
    }
  }

  /** @param {number | null | undefined} value */
  #text(value) {
    return value === null || value === undefined ? Format.nothing : this.#definition.format(value)
  }

  /** What somebody is told who does not see it. */
  #summary() {
    const { lines, title } = this.#definition
    const parts = lines.map(({ label }, index) => {
      const values = this.#columns[index + 1] ?? []
      const most = values.reduce((/** @type {number} */ most, value) => Math.max(most, value ?? 0), 0)
      return `${label} ${this.#text(values.at(-1))}, at most ${this.#text(most)}`
    })
    return `${title}, the last ${this.#minutes === 1 ? "minute" : `${this.#minutes} minutes`}: ${parts.join("; ")}`
  }

  #showTable() {
    if (!this.#details.open) return
    const [times, ...lines] = this.#columns
    const [start, end] = this.#range()
    const step = (end - start) / tableRows
    /** @type {Array<Array<Cell>>} */
    const rows = []
    for (let row = tableRows - 1; row >= 0; row--) {
      const from = start + row * step
      const indices = [...times.keys()].filter((index) => {
        const at = times[index] ?? 0
        return at > from && at <= from + step
      })
      if (indices.length === 0) continue
      const cells = lines.map((line) => this.#text(this.#sum(indices.map((index) => line[index] ?? null))))
      rows.push([Format.time((from + step) * 1000), ...cells])
    }
    this.#table.show(rows)
  }

  /** @param {Values} values */
  #sum(values) {
    const known = values.filter((value) => value !== null)
    if (known.length === 0) return null
    if (this.#definition.sum === "most") return Math.max(...known)
    return known.reduce((sum, value) => sum + value, 0) / known.length
  }

  /** @param {uPlot} drawing */
  #drawMarks(drawing) {
    const [start] = this.#range()
    const { ctx } = drawing
    const { height, top } = drawing.bbox
    const marks = marksOf(this.#points).filter((mark) => isDrawn(mark) && mark.at / 1000 > start)
    if (marks.length === 0) return
    ctx.save()
    ctx.strokeStyle = this.#theme.color("mark")
    ctx.fillStyle = ctx.strokeStyle
    ctx.lineWidth = devicePixelRatio
    const size = 4 * devicePixelRatio
    for (const { at } of marks) {
      const x = Math.round(drawing.valToPos(at / 1000, "x", true))
      ctx.setLineDash([size, size])
      ctx.beginPath()
      ctx.moveTo(x, top)
      ctx.lineTo(x, top + height)
      ctx.stroke()
      ctx.beginPath()
      ctx.moveTo(x - size, top - size)
      ctx.lineTo(x + size, top - size)
      ctx.lineTo(x, top + size)
      ctx.fill()
    }
    ctx.restore()
  }
}

/**
 * @param {ArrayLike<number | null | undefined>} values
 * @returns {Array<number>}
 */
const isolated = (values) => {
  /** @type {Array<number>} */
  const found = []
  for (let index = 0; index < values.length; index++) {
    if ((values[index] ?? null) === null) continue
    if ((values[index - 1] ?? null) === null && (values[index + 1] ?? null) === null) found.push(index)
  }
  return found
}

/**
 * Of the lines of a logarithmic axis those that have numbers; the others are more than there is to read.
 *
 * @param {uPlot} _
 * @param {ReadonlyArray<number>} values
 */
const powersOfTen = (_, values) => values.map((value) => (Number.isInteger(Math.log10(value)) ? value : null))

/**
 * The powers of ten around values.
 *
 * @param {uPlot} _
 * @param {number | null} least
 * @param {number | null} most
 * @returns {[number, number]}
 */
const decades = (_, least, most) => {
  const [from, to] = [Math.max(least ?? 1, 0.01), Math.max(most ?? 1, 0.01)].map(Math.log10)
  const lower = Math.floor(from ?? 0)
  return [10 ** lower, 10 ** Math.max(lower + 1, Math.ceil(to ?? 0))]
}

/** All charts of the page. */
export class Charts {
  #charts

  /** @param {HTMLElement} parent */
  constructor(parent) {
    const theme = new Theme()
    this.#charts = definitions.map((definition) => new Chart(definition, theme, parent))
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
      for (const chart of this.#charts) chart.redraw()
    })
  }

  /**
   * @param {ReadonlyArray<HistoryPoint>} points
   * @param {number} minutes
   */
  show(points, minutes) {
    for (const chart of this.#charts) chart.show(points, minutes)
  }
}
