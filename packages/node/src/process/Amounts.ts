/** Amounts as messages have them. */

/** `1 worker`, `2 workers`. */
export const count = (number: number, noun: string): string => `${number} ${noun}${number === 1 ? "" : "s"}`

/** A duration as people read it: `12ms`, `1.3s`, `75s`. */
export const durationOf = (millis: number): string => {
  if (millis < 1000) return `${Math.round(Math.max(0, millis))}ms`
  const tenths = Math.round(millis / 100)
  return `${tenths < 100 && tenths % 10 !== 0 ? (tenths / 10).toFixed(1) : Math.round(tenths / 10)}s`
}
