/** The last minutes, second by second, in memory that does not grow. */

/** @import { HistoryMark, HistoryPoint } from "../HistoryPoint.ts" */

/** Seconds that are kept, as many as the server keeps. */
export const limit = 600

/** Milliseconds between two points beyond which there is a gap. */
const gap = 2500

/** Milliseconds by which the clock of the server must have gone back before what was is forgotten. */
const clockStep = 5000

export class History {
  /** @type {Array<HistoryPoint>} The oldest first. */
  points = []

  /** @returns {HistoryPoint | undefined} */
  get last() {
    return this.points.at(-1)
  }

  /**
   * Takes the second that is over; one that is known already changes nothing.
   *
   * @param {HistoryPoint} point
   */
  add(point) {
    const last = this.last
    if (last !== undefined && point.at <= last.at) {
      if (point.at > last.at - clockStep) return
      this.points = []
    }
    this.points.push(point)
    if (this.points.length > limit) this.points.splice(0, this.points.length - limit)
  }

  /**
   * Takes what the server remembers, and keeps what was before it.
   *
   * @param {ReadonlyArray<HistoryPoint>} told
   */
  load(told) {
    const first = told[0]
    if (first === undefined) return
    const end = told.at(-1)?.at ?? first.at
    const before = this.points.filter(({ at }) => at < first.at)
    const after = this.points.filter(({ at }) => at > end && at < end + clockStep)
    this.points = [...before, ...told, ...after].slice(-limit)
  }

  /**
   * The points of the last minutes.
   *
   * @param {number} minutes
   * @returns {Array<HistoryPoint>}
   */
  window(minutes) {
    const start = (this.last?.at ?? 0) - minutes * 60_000
    return this.points.filter(({ at }) => at > start)
  }
}

/**
 * The columns that a chart draws: seconds since 1970, then one for each value. Where the server was away, nothing is.
 *
 * @param {ReadonlyArray<HistoryPoint>} points
 * @param {ReadonlyArray<(point: HistoryPoint) => number | null>} values
 * @returns {[Array<number>, ...Array<Array<number | null>>]}
 */
export const columns = (points, values) => {
  /** @type {Array<number>} */
  const times = []
  /** @type {Array<Array<number | null>>} */
  const series = values.map(() => [])
  let before = points[0]?.at ?? 0
  for (const point of points) {
    if (point.at - before > gap) {
      times.push((before + 1000) / 1000)
      for (const one of series) one.push(null)
    }
    times.push(point.at / 1000)
    for (const [index, value] of values.entries()) series[index]?.push(value(point))
    before = point.at
  }
  return [times, ...series]
}

/**
 * The sums of counts by their names, the largest first.
 *
 * @param {ReadonlyArray<HistoryPoint>} points
 * @param {(point: HistoryPoint) => Readonly<Record<string, number>>} countsOf
 * @returns {Array<[name: string, count: number]>}
 */
export const totals = (points, countsOf) => {
  /** @type {Map<string, number>} */
  const sums = new Map()
  for (const point of points) {
    for (const [name, count] of Object.entries(countsOf(point))) sums.set(name, (sums.get(name) ?? 0) + count)
  }
  return [...sums].filter(([, count]) => count > 0).toSorted(([, one], [, other]) => other - one)
}

/**
 * What happened to workers, the latest first.
 *
 * @param {ReadonlyArray<HistoryPoint>} points
 * @returns {Array<HistoryMark>}
 */
export const marksOf = (points) => points.flatMap(({ marks }) => marks).toReversed()

/** @param {HistoryPoint} point */
export const requestsOf = ({ statuses }) =>
  statuses["1xx"] + statuses["2xx"] + statuses["3xx"] + statuses["4xx"] + statuses["5xx"]

/** @param {HistoryPoint} point */
export const lagOf = ({ processes }) => processes.reduce((most, { lag }) => Math.max(most, lag), 0)

/**
 * Nothing before any process has told it.
 *
 * @param {HistoryPoint} point
 */
export const memoryOf = ({ processes }) =>
  processes.length === 0 ? null : processes.reduce((sum, { memory }) => sum + memory, 0)

/**
 * Open connections of a protocol.
 *
 * @param {HistoryPoint} point
 * @param {string} protocol
 */
export const openOf = ({ open }, protocol) => open[protocol] ?? 0
