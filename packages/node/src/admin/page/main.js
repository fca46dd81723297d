/** The dashboard: what the server tells, on the page. What requests have chosen is text for it, never markup. */

/** @import { HistoryMark } from "../HistoryPoint.ts" */
/** @import { RecentRequest, RecentRequests } from "../RecentRequests.ts" */
/** @import { AdminStatus } from "../AdminSource.ts" */
/** @import { Cell } from "./Tables.js" */
import { Charts } from "./Charts.js"
import { Commands } from "./Commands.js"
import { Feed, read } from "./Feed.js"
import * as Format from "./Format.js"
import { History, marksOf, totals } from "./History.js"
import { showIdentity, Summary } from "./Summary.js"
import { element, Table, write } from "./Tables.js"

/** Milliseconds between two questions how the server is, and which requests were slow. */
const statusPause = 2000
const recentPause = 5000

/** Rows of lists that could have more. */
const listRows = 20

const history = new History()
const summary = new Summary()
const charts = new Charts(element("charts"))
const commands = new Commands()

const requestColumns = [
  { title: "Took", isNumber: true },
  { title: "Status" },
  { title: "Method" },
  { title: "Path", isWide: true },
  { title: "Ended" },
  { title: "Worker" },
  { title: "Id" }
]

const tables = {
  workers: new Table(
    element("workers"),
    [
      { title: "Worker" },
      { title: "Process" },
      { title: "Phase" },
      { title: "Age", isNumber: true },
      { title: "Requests", isNumber: true },
      { title: "Connections", isNumber: true },
      { title: "Loop delay", isNumber: true },
      { title: "Memory", isNumber: true }
    ],
    "No worker is there."
  ),
  slowest: new Table(element("slowest"), requestColumns, "No request yet."),
  failed: new Table(element("failed"), requestColumns, "None has failed."),
  closed: new Table(
    element("closed"),
    [
      { title: "Protocol", isWide: true },
      { title: "Number", isNumber: true }
    ],
    "None in this time."
  ),
  refused: new Table(
    element("refused"),
    [
      { title: "Which", isWide: true },
      { title: "Times", isNumber: true }
    ],
    "None in this time."
  ),
  marks: new Table(
    element("marks"),
    [{ title: "Time" }, { title: "What" }, { title: "Worker" }, { title: "Why", isWide: true }],
    "Nothing in this time."
  ),
  options: new Table(
    element("options"),
    [{ title: "Option" }, { title: "Value", isWide: true }],
    "All are as by default."
  )
}

let minutes = 5
let isPaused = false
/** Of the server that was there first: another one may have another page. */
let version = ""

const hasMotion = () => !matchMedia("(prefers-reduced-motion: reduce)").matches

// showing ---------------------------------------------------------------------------------------------------------------

/** @type {(mark: HistoryMark) => ReadonlyArray<Cell>} */
const markRow = ({ at, reason = "", what, worker }) => [
  Format.time(at),
  what,
  worker === undefined ? "" : String(worker),
  reason
]

/** What the seconds tell. */
const showHistory = () => {
  const points = history.window(minutes)
  charts.show(points, minutes)
  const count = (/** @type {[string, number]} */ [name, number]) => [name, Format.count(number)]
  tables.closed.show(totals(points, ({ closed }) => closed).map(count))
  tables.refused.show(totals(points, ({ refused }) => refused).map(count))
  tables.marks.show(marksOf(points).slice(0, listRows).map(markRow))
}

/** @param {number} status */
const toneOf = (status) => (status >= 500 ? "bad" : status >= 400 ? "doubtful" : "")

/** @type {(request: RecentRequest) => ReadonlyArray<Cell>} */
const requestRow = ({ duration, endedAt, kind, method, path, requestId = "", status, worker }) => [
  Format.milliseconds(duration),
  { text: String(status), tone: toneOf(status) },
  kind === "http" ? method : `${method} (${kind})`,
  path,
  Format.time(endedAt),
  worker === undefined ? "" : String(worker),
  requestId
]

/** @param {RecentRequests} recent */
const showRecent = ({ failed, slowest }) => {
  tables.slowest.show(slowest.slice(0, listRows).map(requestRow))
  tables.failed.show(failed.slice(0, listRows).map(requestRow))
}

/** @typedef {{ pid: number | null, phase: string, age: number, requests: number, connections: number, lag: number, memory: number }} Process */

/** @type {(process: Process, worker: string, isHeard: boolean) => ReadonlyArray<Cell>} */
const processRow = ({ age, connections, lag, memory, phase, pid, requests }, worker, isHeard) => [
  worker,
  pid === null ? Format.nothing : String(pid),
  { text: phase, tone: phase === "serving" ? "good" : "doubtful" },
  Format.age(age),
  ...(isHeard
    ? [Format.count(requests), Format.count(connections), Format.milliseconds(lag), Format.bytes(memory)]
    : [Format.nothing, Format.nothing, Format.nothing, Format.nothing])
]

/** @param {AdminStatus} status */
const showStatus = (status) => {
  showIdentity(status)
  commands.show(status.commands)
  tables.workers.show(
    status.mode === "workers"
      ? status.workers.map((worker) => processRow(worker, String(worker.workerNum), worker.lastHeartbeat !== null))
      : [processRow(status, Format.nothing, true)]
  )
  tables.options.show(Object.entries(status.options))
  if (version === "") version = status.version
  if (version !== status.version) {
    write(element("notice"), `Version ${status.version} serves now; load this page again to have its dashboard.`)
    element("notice").hidden = false
  }
}

/**
 * @param {string} text
 * @param {"good" | "bad"} tone
 */
const showReadiness = (text, tone) => {
  const shown = element("readiness")
  shown.hidden = false
  write(shown, text)
  shown.dataset["tone"] = tone
}

/** @param {"open" | "lost"} state */
const showLink = (state) => {
  document.body.dataset["link"] = state
  write(element("link"), state === "open" ? "Connected" : "Not connected, trying again …")
  if (state === "lost") element("readiness").hidden = true
}

// asking ----------------------------------------------------------------------------------------------------------------

const isLooking = () => !document.hidden && !isPaused && document.body.dataset["link"] === "open"

/**
 * Asks now and again, and never twice at a time.
 *
 * @param {number} pause
 * @param {() => Promise<void>} ask
 */
const repeat = async (pause, ask) => {
  // A question without an answer: the feed notices by itself that the server is away.
  if (isLooking()) await ask().catch(() => {})
  setTimeout(() => void repeat(pause, ask), pause)
}

// What is there is what this server sends (the types' modules), and nobody else can be at this address.
const askStatus = async () => showStatus(/** @type {AdminStatus} */ (await read("status")))
const askRecent = async () => showRecent(/** @type {RecentRequests} */ (await read("recent")))

/** Ready, or what the checks say is not well. */
const askReadiness = async () => {
  const response = await fetch("readyz", { cache: "no-store", signal: AbortSignal.timeout(statusPause) })
  if (response.ok) return showReadiness("Ready", "good")
  // The first line says as much; those after it say why.
  const [, ...problems] = (await response.text()).trim().split("\n")
  showReadiness(["Not ready", ...problems].join(" – "), "bad")
}

const askAll = () => Promise.allSettled([askStatus(), askRecent(), askReadiness()])

// beginning -------------------------------------------------------------------------------------------------------------

let drawn = 0

const show = () => {
  if (document.hidden || isPaused) return
  const now = performance.now()
  summary.show(history.points)
  if (!hasMotion() && now - drawn < recentPause) return
  drawn = now
  showHistory()
}

const showAtOnce = () => {
  drawn = -recentPause
  show()
}

new Feed({
  onState: (state) => {
    showLink(state)
    if (state === "open") void askAll()
  },
  onHistory: (points) => {
    history.load(points)
    showAtOnce()
  },
  onPoint: (point) => {
    history.add(point)
    show()
  }
})

void repeat(statusPause, askStatus)
void repeat(recentPause, askRecent)
void repeat(recentPause, askReadiness)

element("window").addEventListener("change", ({ target }) => {
  if (!(target instanceof HTMLInputElement)) return
  minutes = Number(target.value)
  // Also while it is paused, since it was asked for.
  showHistory()
})

element("pause").addEventListener("click", () => {
  isPaused = !isPaused
  element("pause").setAttribute("aria-pressed", String(isPaused))
  if (!isPaused) {
    showAtOnce()
    void askAll()
  }
})

summary.show([])
showRecent({ slowest: [], failed: [] })
showHistory()
tables.workers.show([])
tables.options.show([])
