/** The figures at the top: how the server is now. */

/** @import { HistoryPoint } from "../HistoryPoint.ts" */
/** @import { ServerStatus } from "../ServerStatus.ts" */
import * as Format from "./Format.js"
import { lagOf, memoryOf, requestsOf } from "./History.js"
import { element, make, write } from "./Tables.js"

/** Seconds that the figures are of. */
const recent = 5

/**
 * @typedef {object} Figure
 * @property {string} title
 * @property {string} [note] of what it is
 * @property {(points: ReadonlyArray<HistoryPoint>) => string} text
 * @property {(points: ReadonlyArray<HistoryPoint>) => "bad" | ""} [tone]
 */

/**
 * @param {ReadonlyArray<HistoryPoint>} points
 * @param {(point: HistoryPoint) => number} value
 */
const mean = (points, value) => points.reduce((sum, point) => sum + value(point), 0) / Math.max(1, points.length)

/** @param {ReadonlyArray<HistoryPoint>} points */
const failures = (points) => points.reduce((sum, { statuses }) => sum + statuses["5xx"], 0)

/** @param {ReadonlyArray<HistoryPoint>} points */
const share = (points) => {
  const all = points.reduce((sum, point) => sum + requestsOf(point), 0)
  return all === 0 ? Format.nothing : Format.percent(failures(points) / all)
}

/** @param {"p50" | "p99"} name */
const latency = (name) => (/** @type {ReadonlyArray<HistoryPoint>} */ points) => {
  const last = points.findLast((point) => point.latency !== null)?.latency
  return last === null || last === undefined ? Format.nothing : Format.milliseconds(last[name])
}

/** @type {ReadonlyArray<Figure>} */
const figures = [
  { title: "Requests", note: "per second", text: (points) => Format.decimal(mean(points, requestsOf)) },
  { title: "Latency p50", note: "of the last second", text: latency("p50") },
  { title: "Latency p99", note: "of the last second", text: latency("p99") },
  { title: "Failing", note: "answered by 5xx", text: share, tone: (points) => (failures(points) > 0 ? "bad" : "") },
  { title: "Connections", note: "open", text: (points) => Format.count(points.at(-1)?.connections ?? 0) },
  { title: "In progress", note: "requests", text: (points) => Format.count(points.at(-1)?.activeRequests ?? 0) },
  { title: "Sent", note: "per second", text: (points) => Format.bytes(mean(points, ({ sent }) => sent)) },
  { title: "Received", note: "per second", text: (points) => Format.bytes(mean(points, ({ received }) => received)) },
  {
    title: "Loop delay",
    note: "worst process",
    text: (points) => Format.milliseconds(points.reduce((most, point) => Math.max(most, lagOf(point)), 0))
  },
  {
    title: "Memory",
    note: "all processes",
    text: (points) => {
      const last = points.at(-1)
      const memory = last === undefined ? null : memoryOf(last)
      return memory === null ? Format.nothing : Format.bytes(memory)
    }
  }
]

export class Summary {
  #shown = figures.map((figure) => ({ figure, value: make("dd") }))

  constructor() {
    for (const { figure, value } of this.#shown) {
      const { note = "", title } = figure
      const term = make("dt", "", title)
      const box = make("div", "figure panel")
      box.append(term, value, make("dd", "note", note))
      element("now").append(box)
    }
  }

  /** @param {ReadonlyArray<HistoryPoint>} points the newest last */
  show(points) {
    const last = points.slice(-recent)
    for (const { figure, value } of this.#shown) {
      const { text, tone } = figure
      write(value, last.length === 0 ? Format.nothing : text(last))
      value.dataset["tone"] = tone?.(last) ?? ""
    }
  }
}

const modes = { single: "one process", embedded: "in a program", workers: "workers" }

/** @param {ServerStatus} status */
const modeOf = (status) => {
  if (status.mode !== "workers") return modes[status.mode]
  const serving = status.workers.filter(({ phase }) => phase === "serving").length
  const { scaling } = status
  const scaled =
    scaling === undefined
      ? ""
      : ` (${scaling.minimum} to ${scaling.maximum}, ${Math.round(scaling.utilization * 100)} % busy, ${scaling.reason})`
  return `${serving} of ${status.target} ${modes.workers}${scaled}${status.isReloading ? ", replacing them" : ""}`
}

/**
 * Which server this is.
 *
 * @param {ServerStatus} status
 */
export const showIdentity = (status) => {
  const parts = [
    `version ${status.version} on Node ${status.node}`,
    `process ${status.pid}`,
    modeOf(status),
    `${status.phase} for ${Format.age(status.age)}`
  ]
  write(element("identity"), parts.join(" · "))
  write(element("listeners"), status.listeners.join(" · "))
  write(document.querySelector("title") ?? document.head, `${status.listeners[0] ?? status.pid} – pagi-server`)
}
