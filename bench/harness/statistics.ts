export interface Spread {
  readonly median: number
  readonly minimum: number
  readonly maximum: number
}

export const spreadOf = (values: ReadonlyArray<number>): Spread => {
  const sorted = values.toSorted((left, right) => left - right)
  const at = (index: number): number => sorted[index] ?? Number.NaN
  const middle = (sorted.length - 1) / 2
  return {
    median: (at(Math.floor(middle)) + at(Math.ceil(middle))) / 2,
    minimum: at(0),
    maximum: at(sorted.length - 1)
  }
}

export const medianOf = (values: ReadonlyArray<number>): number => spreadOf(values).median

/** Round by round, so that a machine which slows down during the run slows both sides of each ratio. */
export const pairedRatios = (numerators: ReadonlyArray<number>, denominators: ReadonlyArray<number>): Spread =>
  spreadOf(
    numerators.flatMap((numerator, round) => {
      const denominator = denominators[round]
      return denominator === undefined ? [] : [numerator / denominator]
    })
  )
