import type { Spread } from "../harness/statistics.ts"

export const whole = (value: number): string => Math.round(value).toLocaleString("en")

export const decimals =
  (digits: number) =>
  (value: number): string =>
    value.toFixed(digits)

export const range = (spread: Spread, format: (value: number) => string): string =>
  `${format(spread.minimum)} – ${format(spread.maximum)}`

export const table = (header: ReadonlyArray<string>, rows: ReadonlyArray<ReadonlyArray<string>>): string => {
  const alignment = header.map((_, column) => (column === 0 ? "---" : "---:"))
  return [header, alignment, ...rows].map((cells) => `| ${cells.join(" | ")} |`).join("\n")
}
