/** Numbers, sizes and times as people read them in a terminal. */

const grouped = new Intl.NumberFormat("en", { maximumFractionDigits: 0 })

export const count = (value: number): string => grouped.format(value)

/** Three digits, or all that are before the point. */
export const decimal = (value: number): string => {
  if (value >= 100) return grouped.format(value)
  return value.toFixed(value >= 10 ? 1 : 2).replace(/\.?0+$/, "")
}

export const milliseconds = (value: number): string =>
  value < 1000 ? `${decimal(value)} ms` : `${decimal(value / 1000)} s`

const sizes = ["B", "KiB", "MiB", "GiB", "TiB"]

export const bytes = (value: number): string => {
  let rest = value
  let unit = 0
  while (rest >= 1024 && unit < sizes.length - 1) {
    rest /= 1024
    unit++
  }
  return `${unit === 0 ? count(rest) : decimal(rest)} ${sizes[unit]}`
}

/** The time of day of milliseconds since 1970, where the terminal is. */
export const time = (at: number): string => {
  const date = new Date(at)
  return [date.getHours(), date.getMinutes(), date.getSeconds()].map((part) => String(part).padStart(2, "0")).join(":")
}

const blocks = "▁▂▃▄▅▆▇█"

/** The last of these values as a line of so many columns, from nothing to the largest of them. */
export const sparkline = (values: ReadonlyArray<number | null>, columns: number): string => {
  const shown = columns > 0 ? values.slice(-columns) : []
  const most = shown.reduce<number>((most, value) => Math.max(most, value ?? 0), 0)
  const blockOf = (value: number | null): string => {
    if (value === null) return " "
    const step = most === 0 ? 0 : Math.round((value / most) * (blocks.length - 1))
    return blocks[step] ?? " "
  }
  return shown.map(blockOf).join("")
}
