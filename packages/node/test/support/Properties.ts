/** Properties of plans and machines, which are tried with inputs at random. */
import { assert, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"

export const integer = (minimum: number, maximum: number): Arbitrary.Arbitrary<number> =>
  Arbitrary.schema(Schema.Int.check(Schema.isBetween({ minimum, maximum })))

/** Has `property` try that many inputs of such a size; `PAGI_PROPERTY_RUNS` has it try another number. */
export const makeProperty = (usualRuns: number, size: number) => {
  const runs = Number(process.env["PAGI_PROPERTY_RUNS"] ?? usualRuns)
  /** The body throws where the property does not hold. */
  return <A>(title: string, inputs: Arbitrary.Arbitrary<A>, body: (input: A) => void) =>
    it.effect(
      title,
      () =>
        Effect.gen(function* () {
          const result = yield* Arbitrary.checkEffect(
            inputs,
            // A failure, and not a defect, so that the smallest input is found that fails.
            (input) =>
              Effect.try({
                try: () => {
                  body(input)
                  return true
                },
                catch: String
              }),
            { runs, size }
          )
          assert.isUndefined(Arbitrary.formatCheckFailure(result))
        }),
      { timeout: 60_000 + runs * 30 }
    )
}
