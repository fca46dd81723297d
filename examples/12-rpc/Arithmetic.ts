/** What answers. */
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { Numbers, TooLarge } from "./Numbers.ts"

const largest = 1_000_000_000

const factorsOf = (number: number): ReadonlyArray<number> => {
  const factors: Array<number> = []
  let rest = number
  for (let divisor = 2; divisor * divisor <= rest; divisor++) {
    for (; rest % divisor === 0; rest /= divisor) factors.push(divisor)
  }
  return rest === 1 ? factors : [...factors, rest]
}

const isPrime = (number: number): boolean => factorsOf(number)[0] === number

const primeFrom = (from: number): number => {
  let candidate = from
  while (!isPrime(candidate)) candidate++
  return candidate
}

export const Arithmetic = Numbers.toLayer(
  Effect.sync(() => {
    let looked = 0
    const nextPrime = (from: number) =>
      Effect.sync(() => {
        looked++
        return primeFrom(from)
      })
    return Numbers.of({
      Factors: ({ of }) => (of > largest ? Effect.fail(new TooLarge({ largest })) : Effect.sync(() => factorsOf(of))),

      // The next one is looked for when the client has room for it, and none any more when it has gone.
      Primes: ({ from }) =>
        Stream.unfold(from, (next) => Effect.map(nextPrime(next), (prime) => [prime, prime + 1] as const)),

      Looked: () => Effect.sync(() => looked)
    })
  })
)
