/** Numbers, sizes and times as people read them. */

const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 })
const onePlace = new Intl.NumberFormat("en", { maximumFractionDigits: 1 })
const twoPlaces = new Intl.NumberFormat("en", { maximumFractionDigits: 2 })
const compact = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 })
const clock = new Intl.DateTimeFormat("en", { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" })

/** What stands where there is no value. */
export const nothing = "–"

/**
 * @param {number} value
 * @returns {string}
 */
export const count = (value) => whole.format(value)

/**
 * With as many places as it takes to say something.
 *
 * @param {number} value
 * @returns {string}
 */
export const decimal = (value) => {
  const size = Math.abs(value)
  if (size >= 100) return whole.format(value)
  return (size >= 10 ? onePlace : twoPlaces).format(value)
}

/**
 * Short, for axes: `12k`.
 *
 * @param {number} value
 * @returns {string}
 */
export const short = (value) => compact.format(value)

/**
 * @param {number} value
 * @returns {string}
 */
export const milliseconds = (value) => (value < 1000 ? `${decimal(value)} ms` : `${decimal(value / 1000)} s`)

const sizes = ["B", "KiB", "MiB", "GiB", "TiB"]

/**
 * @param {number} value
 * @returns {string}
 */
export const bytes = (value) => {
  let rest = value
  let unit = 0
  while (rest >= 1024 && unit < sizes.length - 1) {
    rest /= 1024
    unit++
  }
  return `${unit === 0 ? whole.format(rest) : decimal(rest)} ${sizes[unit]}`
}

/**
 * @param {number} value
 * @returns {string}
 */
export const bytesPerSecond = (value) => `${bytes(value)}/s`

/**
 * Of 1.
 *
 * @param {number} value
 * @returns {string}
 */
export const percent = (value) => `${decimal(value * 100)} %`

/** @type {ReadonlyArray<readonly [number, string]>} */
const ages = [
  [86_400, "d"],
  [3600, "h"],
  [60, "m"],
  [1, "s"]
]

/**
 * The two largest units of a time in milliseconds.
 *
 * @param {number} value
 * @returns {string}
 */
export const age = (value) => {
  let rest = Math.max(0, Math.floor(value / 1000))
  /** @type {Array<string>} */
  const parts = []
  for (const [size, unit] of ages) {
    if (rest >= size && parts.length < 2) parts.push(`${Math.floor(rest / size)} ${unit}`)
    else if (parts.length > 0) break
    rest %= size
  }
  return parts.length === 0 ? "0 s" : parts.join(" ")
}

/**
 * The time of day of milliseconds since 1970.
 *
 * @param {number} at
 * @returns {string}
 */
export const time = (at) => clock.format(at)
