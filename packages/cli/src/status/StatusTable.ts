/** The status of a server, for people: a line about the whole, and a table of its workers or of its one process. */
import { type PoolStatus, scalingText, type WorkerStatus } from "@pagi/node/admin/PoolStatus"
import type { ProcessStatus, ServerStatus } from "@pagi/node/admin/ServerStatus"
import * as LogFormats from "../program/LogFormats.ts"

const units = [
  [86_400, "d"],
  [3600, "h"],
  [60, "m"],
  [1, "s"]
] as const

/** The two largest units of a time, such as `2d 3h`. */
export const formatAge = (milliseconds: number): string => {
  const seconds = Math.max(0, Math.floor(milliseconds / 1000))
  const first = units.findIndex(([size]) => seconds >= size)
  if (first === -1) return "0s"
  const [[size, unit], second] = [units[first] ?? units[3], units[first + 1]]
  const rest = second === undefined ? 0 : Math.floor((seconds % size) / second[0])
  const text = `${Math.floor(seconds / size)}${unit}`
  return rest === 0 || second === undefined ? text : `${text} ${rest}${second[1]}`
}

const formatMemory = (bytes: number): string => `${(bytes / 1024 ** 2).toFixed(1)} MiB`

const formatCount = (count: number): string => String(count).replaceAll(/\B(?=(\d{3})+$)/g, ",")

const formatLag = ({ lag }: { readonly lag: number }): string => `${lag.toFixed(1)} ms`

/** A worker says how it is only once it serves. */
const ifHeard = ({ lastHeartbeat }: WorkerStatus, text: string): string => (lastHeartbeat === null ? "-" : text)

interface Column<Row> {
  readonly title: string
  readonly cell: (row: Row) => string
  /** Numbers are aligned to the right. */
  readonly isText?: boolean
}

const workerColumns: ReadonlyArray<Column<WorkerStatus>> = [
  { title: "WORKER", cell: ({ workerNum }) => String(workerNum) },
  { title: "PID", cell: ({ pid }) => (pid === null ? "-" : String(pid)) },
  { title: "PHASE", cell: ({ phase }) => phase, isText: true },
  { title: "AGE", cell: ({ age }) => formatAge(age) },
  { title: "REQUESTS", cell: (worker) => ifHeard(worker, formatCount(worker.requests)) },
  { title: "CONNECTIONS", cell: (worker) => ifHeard(worker, formatCount(worker.connections)) },
  { title: "LAG", cell: (worker) => ifHeard(worker, formatLag(worker)) },
  { title: "MEMORY", cell: (worker) => ifHeard(worker, formatMemory(worker.memory)) },
  {
    title: "HEARD",
    cell: ({ lastHeartbeat }) => (lastHeartbeat === null ? "-" : `${(lastHeartbeat / 1000).toFixed(1)}s ago`)
  }
]

const processColumns: ReadonlyArray<Column<ProcessStatus>> = [
  { title: "PID", cell: ({ pid }) => String(pid) },
  { title: "AGE", cell: ({ age }) => formatAge(age) },
  { title: "REQUESTS", cell: ({ requests }) => formatCount(requests) },
  { title: "CONNECTIONS", cell: ({ connections }) => formatCount(connections) },
  { title: "LAG", cell: formatLag },
  { title: "MEMORY", cell: ({ memory }) => formatMemory(memory) }
]

const where = (listeners: ReadonlyArray<string>): string =>
  listeners.length === 0 ? "" : ` on ${listeners.join(", ")}`

const poolLine = ({ age, isReloading, listeners, phase, pid, scaling, target, workers }: PoolStatus): string => {
  const serving = workers.filter((worker) => worker.phase === "serving").length
  const scaled = scaling === undefined ? "" : ` (${scalingText(scaling)})`
  const replacing = isReloading ? ", replacing workers" : ""
  return `pagi-server ${pid}: ${phase} for ${formatAge(age)}${replacing}, ${serving} of ${target} workers${scaled}${where(listeners)}`
}

const processLine = ({ age, listeners, phase, pid }: ProcessStatus): string =>
  `pagi-server ${pid}: ${phase} for ${formatAge(age)}${where(listeners)}`

const tableOf = <Row>(columns: ReadonlyArray<Column<Row>>, all: ReadonlyArray<Row>): ReadonlyArray<string> => {
  const rows = [columns.map(({ title }) => title), ...all.map((one) => columns.map(({ cell }) => cell(one)))]
  const widths = columns.map((_, index) => Math.max(...rows.map((row) => row[index]?.length ?? 0)))
  const align = (cell: string, index: number): string =>
    columns[index]?.isText === true ? cell.padEnd(widths[index] ?? 0) : cell.padStart(widths[index] ?? 0)
  return rows.map((row) => row.map(align).join("  ").trimEnd())
}

/** Lines, each with its end. */
export const render = (status: ServerStatus): string => {
  const admin = status.adminUrl === undefined ? [] : [`the admin listener is at ${status.adminUrl}`]
  const lines =
    status.mode === "workers"
      ? [poolLine(status), ...tableOf(workerColumns, status.workers)]
      : [processLine(status), ...tableOf(processColumns, [status])]
  // A path may have anything in it.
  return [...lines, ...admin].map((line) => `${LogFormats.escape(line)}\n`).join("")
}
