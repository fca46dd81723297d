/** What `pagi-server top` shows: lines that fit a terminal, or one block for whatever reads them. */
import { scalingText } from "@pagi/node/admin/PoolStatus"
import { formatAge } from "../status/StatusTable.ts"
import * as LogFormats from "../program/LogFormats.ts"
import type { Point, Request, Status } from "../adminClient/AdminDocuments.ts"
import { processesOf, requestsOf, type TopModel } from "./TopModel.ts"
import * as Units from "./Units.ts"

/** What a piece of text is. */
export type Style = "bold" | "dim" | "green" | "yellow" | "red" | "cyan"

/** Where it is shown. */
export interface Screen {
  readonly width: number
  /** Lines that there is room for. */
  readonly height: number
  /** Whether figures have their last minutes beside them, in characters that not everything shows. */
  readonly hasCharts: boolean
  readonly style: (style: Style, text: string) => string
}

/** Seconds that rates are the mean of. */
const recent = 5

/** Columns of a line's name. */
const labelWidth = 11

interface Cell {
  readonly text: string
  readonly style?: Style | undefined
}

interface Column {
  readonly title: string
  readonly isText?: boolean
  /** Takes what room there is. */
  readonly isWide?: boolean
}

const mean = (points: ReadonlyArray<Point>, value: (point: Point) => number): number =>
  points.reduce((sum, point) => sum + value(point), 0) / Math.max(1, points.length)

/**
 * Rates as they are drawn: workers tell once a second what they have counted, so that of two seconds one may have what
 * belongs to the other.
 */
const smooth = (points: ReadonlyArray<Point>, value: (point: Point) => number): ReadonlyArray<number> =>
  points.map((_, index) => mean(points.slice(Math.max(0, index - 2), index + 1), value))

const cut = (text: string, width: number): string =>
  text.length <= width ? text : `${text.slice(0, Math.max(0, width - 1))}…`

/** A table whose wide column is as wide as the screen allows. */
const table = (
  { style, width }: Screen,
  columns: ReadonlyArray<Column>,
  rows: ReadonlyArray<ReadonlyArray<Cell>>
): ReadonlyArray<string> => {
  const texts = rows.map((row) => row.map(({ text }) => LogFormats.escape(text)))
  const widths = columns.map(({ title }, index) =>
    Math.max(title.length, ...texts.map((row) => row[index]?.length ?? 0))
  )
  const wide = columns.findIndex(({ isWide }) => isWide === true)
  const used = widths.reduce((sum, one) => sum + one + 2, -2)
  if (wide !== -1) widths[wide] = Math.max(8, Math.min(widths[wide] ?? 0, (widths[wide] ?? 0) + width - used))
  const align = (text: string, index: number): string => {
    const [column, room] = [columns[index], widths[index] ?? 0]
    const short = column?.isWide === true ? cut(text, room) : text
    return column?.isText === true || column?.isWide === true ? short.padEnd(room) : short.padStart(room)
  }
  const head = style("dim", cut(columns.map(({ title }, index) => align(title, index)).join("  "), width))
  const lines = rows.map((row, number) => {
    let room = width
    const cells: Array<string> = []
    for (const [index, { style: kind }] of row.entries()) {
      const text = align(texts[number]?.[index] ?? "", index)
      // What does not fit is left out, so that colours end where they begin.
      if (room < text.length) break
      room -= text.length + 2
      cells.push(kind === undefined ? text : style(kind, text))
    }
    return cells.join("  ").trimEnd()
  })
  return [head, ...lines]
}

const scaledOf = ({ scaling }: Extract<Status, { readonly workers: unknown }>): string =>
  scaling === undefined ? "" : ` (${scalingText(scaling)})`

const headline = ({ problem, status }: TopModel, { style, width }: Screen): ReadonlyArray<string> => {
  if (status === undefined) return [style("yellow", cut(LogFormats.escape(problem ?? "connecting …"), width))]
  const serving = processesOf(status).filter(({ phase }) => phase === "serving").length
  const workers = "workers" in status ? `, ${serving} of ${status.target} workers${scaledOf(status)}` : ""
  const replacing = "workers" in status && status.isReloading ? ", replacing workers" : ""
  const where = status.listeners.length === 0 ? "" : ` on ${status.listeners.join(", ")}`
  const state = `pagi-server ${status.pid}: ${status.phase} for ${formatAge(status.age)}${replacing}${workers}${where}`
  const lines = [style("bold", cut(LogFormats.escape(state), width))]
  if (problem !== undefined) {
    lines.push(style("red", cut(LogFormats.escape(`Not connected, trying again: ${problem}`), width)))
  }
  return lines
}

/** A name, figures, and how the last of them were. */
const figureLine = (
  { hasCharts, style, width }: Screen,
  label: string,
  figures: ReadonlyArray<Cell>,
  values: ReadonlyArray<number | null>,
  from: number
): string => {
  let room = width - labelWidth
  const shown: Array<string> = []
  for (const { style: kind, text } of figures) {
    if (text.length > room) break
    room -= text.length + 2
    shown.push(kind === undefined ? text : style(kind, text))
  }
  const text = `${style("dim", label.padEnd(labelWidth))}${shown.join("  ")}`
  // Charts begin in one column, where there is room for one that tells something.
  const columns = width - from
  const taken = width - room - 2
  if (!hasCharts || columns < 10 || taken > from - 2) return text
  return `${text}${" ".repeat(from - taken)}${style("cyan", Units.sparkline(values, columns))}`
}

const chartColumn = 62

const statusStyles = { "1xx": undefined, "2xx": "green", "3xx": undefined, "4xx": "yellow", "5xx": "red" } as const
const statusClasses = ["2xx", "3xx", "4xx", "5xx"] as const

/** The figures of an admin listener. */
const allFigures = (points: ReadonlyArray<Point>, screen: Screen): ReadonlyArray<string> => {
  const last = points.slice(-recent)
  const now = points.at(-1)
  const latency = last.findLast((point) => point.latency !== null)?.latency
  const lagOf = ({ processes }: Point): number => processes.reduce((most, { lag }) => Math.max(most, lag), 0)
  const memoryOf = ({ processes }: Point): number => processes.reduce((sum, { memory }) => sum + memory, 0)
  const line = (label: string, figures: ReadonlyArray<Cell>, values: ReadonlyArray<number | null>): string =>
    figureLine(screen, label, figures, values, chartColumn)
  const ofClass = (name: (typeof statusClasses)[number]): Cell => {
    const rate = mean(last, ({ statuses }) => statuses[name])
    return { text: `${name} ${Units.decimal(rate)}`, style: rate === 0 ? "dim" : statusStyles[name] }
  }
  const part = (name: "p50" | "p90" | "p99"): Cell => ({
    text: `${name} ${latency === undefined || latency === null ? "-" : Units.milliseconds(latency[name])}`
  })
  return [
    line(
      "Requests",
      [{ text: `${Units.decimal(mean(last, requestsOf))}/s`, style: "bold" }, ...statusClasses.map(ofClass)],
      smooth(points, requestsOf)
    ),
    line(
      "Latency",
      [part("p50"), part("p90"), part("p99")],
      points.map((point) => point.latency?.p99 ?? null)
    ),
    line(
      "Bytes",
      [
        { text: `sent ${Units.bytes(mean(last, ({ sent }) => sent))}/s` },
        { text: `received ${Units.bytes(mean(last, ({ received }) => received))}/s` }
      ],
      smooth(points, ({ sent }) => sent)
    ),
    line(
      "Open",
      [
        { text: `${Units.count(now?.connections ?? 0)} connections` },
        { text: `${Units.count(now?.activeRequests ?? 0)} requests in progress` }
      ],
      points.map(({ connections }) => connections)
    ),
    line(
      "Processes",
      [
        { text: `loop delay ${Units.milliseconds(Math.max(0, ...last.map(lagOf)))}` },
        { text: `memory ${Units.bytes(now === undefined ? 0 : memoryOf(now))}` }
      ],
      points.map(lagOf)
    )
  ]
}

/** The figures of a control socket. */
const fewFigures = ({ rates, status }: TopModel, screen: Screen): ReadonlyArray<string> => {
  const last = rates.slice(-recent)
  const rate = last.length === 0 ? "-" : Units.decimal(last.reduce((sum, one) => sum + one, 0) / last.length)
  const connections = status === undefined ? 0 : processesOf(status).reduce((sum, one) => sum + one.connections, 0)
  return [
    figureLine(screen, "Requests", [{ text: `${rate}/s`, style: "bold" }], rates, 30),
    figureLine(screen, "Open", [{ text: `${Units.count(connections)} connections` }], [], screen.width)
  ]
}

/** What was refused, and what happened to workers, in the time that is known. */
const events = (points: ReadonlyArray<Point>, screen: Screen): ReadonlyArray<string> => {
  const refused = new Map<string, number>()
  for (const point of points) {
    for (const [name, count] of Object.entries(point.refused)) refused.set(name, (refused.get(name) ?? 0) + count)
  }
  const reasons = [...refused]
    .toSorted(([, one], [, other]) => other - one)
    .map(([name, count]) => `${name} ${Units.count(count)}`)
  const marks = points
    .flatMap(({ marks }) => marks)
    .slice(-3)
    .toReversed()
    .map(({ at, reason, what, worker }) => {
      const which = worker === undefined ? what : what.replace("worker", `worker ${worker}`)
      return `${Units.time(at)} ${which}${reason === undefined ? "" : ` (${reason})`}`
    })
  const line = (label: string, texts: ReadonlyArray<string>): ReadonlyArray<string> =>
    texts.length === 0
      ? []
      : [
          `${screen.style("dim", label.padEnd(labelWidth))}${cut(LogFormats.escape(texts.join(", ")), screen.width - labelWidth)}`
        ]
  return [...line("Refused", reasons), ...line("Happened", marks)]
}

const processColumns: ReadonlyArray<Column> = [
  { title: "WORKER" },
  { title: "PID" },
  { title: "PHASE", isText: true },
  { title: "AGE" },
  { title: "REQUESTS" },
  { title: "CONNECTIONS" },
  { title: "LOOP DELAY" },
  { title: "MEMORY" }
]

const processes = ({ status }: TopModel, screen: Screen): ReadonlyArray<string> => {
  if (status === undefined) return []
  const rows = processesOf(status).map((one): ReadonlyArray<Cell> => {
    const isHeard = one.lastHeartbeat !== null
    const ifHeard = (text: string): Cell => ({ text: isHeard ? text : "-" })
    return [
      { text: one.workerNum === undefined ? "-" : String(one.workerNum) },
      { text: one.pid === null ? "-" : String(one.pid) },
      { text: one.phase, style: one.phase === "serving" ? "green" : "yellow" },
      { text: formatAge(one.age) },
      ifHeard(Units.count(one.requests)),
      ifHeard(Units.count(one.connections)),
      ifHeard(Units.milliseconds(one.lag)),
      ifHeard(Units.bytes(one.memory))
    ]
  })
  return table(screen, processColumns, rows)
}

const requestColumns = (title: string): ReadonlyArray<Column> => [
  { title },
  { title: "STATUS" },
  { title: "METHOD", isText: true },
  { title: "PATH", isWide: true },
  { title: "ENDED", isText: true },
  { title: "WORKER" },
  { title: "ID", isText: true }
]

const styleOf = (status: number): Style | undefined => (status >= 500 ? "red" : status >= 400 ? "yellow" : undefined)

const requestRow = (request: Request): ReadonlyArray<Cell> => [
  { text: Units.milliseconds(request.duration) },
  { text: String(request.status), style: styleOf(request.status) },
  { text: request.method },
  { text: request.path },
  { text: Units.time(request.endedAt) },
  { text: request.worker === undefined ? "-" : String(request.worker) },
  { text: request.requestId ?? "-" }
]

const requests = (title: string, list: ReadonlyArray<Request>, screen: Screen, lines: number): ReadonlyArray<string> =>
  list.length === 0 || lines < 2 ? [] : table(screen, requestColumns(title), list.slice(0, lines - 1).map(requestRow))

/** A part of the screen with a line before it. */
const apart = (lines: ReadonlyArray<string>): ReadonlyArray<string> => (lines.length === 0 ? [] : ["", ...lines])

/** All lines, no more than there is room for: the figures first, then the processes, then requests. */
export const render = (model: TopModel, screen: Screen): ReadonlyArray<string> => {
  const { note, points, recent, status } = model
  const figures =
    points.length === 0 ? (status === undefined ? [] : fewFigures(model, screen)) : allFigures(points, screen)
  const notes = note === undefined ? [] : [screen.style("yellow", cut(LogFormats.escape(note), screen.width))]
  const head = [...headline(model, screen), ...notes, ...apart([...figures, ...events(points, screen)])]
  const workers = apart(processes(model, screen))
  const slowest = recent?.slowest ?? []
  const failed = recent?.failed ?? []
  // Workers may take half of what is left when there are requests to be shown.
  const room = screen.height - head.length
  const hasRequests = slowest.length + failed.length > 0
  const shownWorkers = workers.slice(0, hasRequests ? Math.max(4, Math.floor(room / 2)) : room)
  const left = room - shownWorkers.length
  const half = failed.length === 0 ? left : Math.floor(left / 2)
  const lines = [
    ...head,
    ...shownWorkers,
    ...apart(requests("SLOWEST", slowest, screen, half - 1)),
    ...apart(requests("FAILING", failed, screen, Math.max(half, left - Math.min(half, slowest.length + 2)) - 1))
  ]
  return lines.slice(0, screen.height)
}
