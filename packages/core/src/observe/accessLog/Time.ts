const months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
const two = (value: number): string => (value < 10 ? `0${value}` : String(value))
const three = (value: number): string => `${value < 100 ? "0" : ""}${two(value)}`

/** Writes the time of log lines in UTC, anew only once a second. */
export class LogTime {
  #second = Number.NaN
  #common = ""
  #iso = ""

  /** `22/Nov/2026:08:00:00 +0000`. */
  common(millis: number): string {
    this.#update(millis)
    return this.#common
  }

  /** `2026-11-22T08:00:00.250Z` (RFC 3339). */
  iso(millis: number): string {
    this.#update(millis)
    return `${this.#iso}.${three(Math.floor(millis) % 1000)}Z`
  }

  #update(millis: number): void {
    const second = Math.floor(millis / 1000)
    if (second === this.#second) return
    const date = new Date(second * 1000)
    const day = `${two(date.getUTCDate())}/${months[date.getUTCMonth()] ?? ""}/${date.getUTCFullYear()}`
    const time = `${two(date.getUTCHours())}:${two(date.getUTCMinutes())}:${two(date.getUTCSeconds())}`
    this.#second = second
    this.#common = `${day}:${time} +0000`
    this.#iso = date.toISOString().slice(0, -".000Z".length)
  }
}

/** A number of thousandths with three decimals, without the cost of `toFixed`: milliseconds as seconds, for instance. */
export const formatThousandths = (thousandths: number): string => {
  const rounded = Math.round(thousandths)
  const fraction = rounded % 1000
  return `${(rounded - fraction) / 1000}.${three(fraction)}`
}
