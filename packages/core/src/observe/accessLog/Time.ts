const months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
const two = (value: number): string => (value < 10 ? `0${value}` : String(value))

/** The numbers below 1000 with three digits: to look one up takes a third of the time of writing it. */
const threeDigits: ReadonlyArray<string> = Array.from({ length: 1000 }, (_, value) => String(value).padStart(3, "0"))
const three = (value: number): string => threeDigits[value] ?? ""

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

  /** `2026-11-22T08:00:00`, of `2026-11-22T08:00:00.250Z` (RFC 3339). */
  isoSecond(millis: number): string {
    this.#update(millis)
    return this.#iso
  }

  /** `250` of it. */
  isoFraction(millis: number): string {
    return three(Math.floor(millis) % 1000)
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
  return `${rounded < 1000 ? "0" : (rounded - fraction) / 1000}.${three(fraction)}`
}
