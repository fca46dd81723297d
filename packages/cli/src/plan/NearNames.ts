/** Which of the known names somebody may have meant by another one. */

/** Most known names that are suggested together; more would be of no help. */
const maxSuggestions = 3

/** How names are compared: `--max-body-size`, `maxBodySize` and `PAGI_MAX_BODY_SIZE` differ in nothing that matters. */
const letters = (name: string): string => name.toLowerCase().replaceAll(/[-_]/g, "")

const lastWord = (name: string): string => name.toLowerCase().split(/[-_]/).at(-1) ?? ""

/** Edits that a name of this length may be away from one that is meant: few letters are soon other letters. */
const allowance = (length: number): number => (length <= 2 ? 0 : length <= 5 ? 1 : length <= 10 ? 2 : 3)

/** How many letters have to be changed, added, left out or swapped with the next. */
export const distance = (from: string, to: string): number => {
  let beforeLast: ReadonlyArray<number> = []
  let last: ReadonlyArray<number> = Array.from({ length: to.length + 1 }, (_, column) => column)
  for (let row = 1; row <= from.length; row++) {
    const current = [row]
    for (let column = 1; column <= to.length; column++) {
      const isSame = from[row - 1] === to[column - 1]
      const isSwapped = from[row - 1] === to[column - 2] && from[row - 2] === to[column - 1]
      const at = (values: ReadonlyArray<number>, index: number): number => values[index] ?? Number.POSITIVE_INFINITY
      current.push(
        Math.min(
          at(last, column) + 1,
          at(current, column - 1) + 1,
          at(last, column - 1) + (isSame ? 0 : 1),
          isSwapped ? at(beforeLast, column - 2) + 1 : Number.POSITIVE_INFINITY
        )
      )
    }
    beforeLast = last
    last = current
  }
  return last[to.length] ?? 0
}

/** The nearest names, if they are near; otherwise those that end with the whole of it, or begin with it. */
export const find = (name: string, known: ReadonlyArray<string>): ReadonlyArray<string> => {
  const given = letters(name)
  const ranked = known.map((one) => [distance(given, letters(one)), one] as const)
  const nearest = Math.min(...ranked.map(([away]) => away))
  const candidates = [
    nearest <= Math.min(1, allowance(given.length)) ? namesAt(ranked, nearest) : [],
    known.filter((one) => lastWord(one) === name.toLowerCase()),
    nearest <= allowance(given.length) ? namesAt(ranked, nearest) : [],
    given.length > 2 ? known.filter((one) => letters(one).startsWith(given)) : []
  ]
  return candidates.find((names) => names.length > 0 && names.length <= maxSuggestions) ?? []
}

const namesAt = (ranked: ReadonlyArray<readonly [number, string]>, distance: number): ReadonlyArray<string> =>
  ranked.flatMap(([away, name]) => (away === distance ? [name] : []))
