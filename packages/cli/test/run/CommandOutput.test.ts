import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, describe, it } from "@effect/vitest"
import * as CliError from "effect/cli/CliError"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import * as CommandOutput from "../../src/run/CommandOutput.ts"
import { collecting } from "../support/Log.ts"

const describeMistake = CommandOutput.describe

const flags = ["port", "http2", "pid"]

describe("CommandOutput", () => {
  it("puts each mistake on one line", () => {
    const unknown = (option: string) =>
      describeMistake(new CliError.UnrecognizedOption({ option, suggestions: ["--pid"] }), flags)
    assert.strictEqual(unknown("--prot"), "unknown flag --prot; did you mean --port?")
    assert.strictEqual(unknown("-x"), "unknown flag -x; --help lists all flags")
    const invalid = (value: string, expected: string) =>
      describeMistake(new CliError.InvalidValue({ option: "port", value, expected, kind: "flag" }), flags)
    assert.strictEqual(invalid("", "a value"), "flag --port needs a value")
    assert.strictEqual(
      invalid("2 occurrences", "at most 1 value"),
      "flag --port: got 2 occurrences, expected at most 1 value"
    )
    assert.strictEqual(invalid("x", 'Expected "y"'), 'flag --port: got x, expected "y"')
    assert.strictEqual(
      describeMistake(new CliError.UnexpectedArgument({ arguments: ["b", "c d"] }), flags),
      'unexpected argument "b" and "c d"; one application is served'
    )
  })

  it.effect("says of a negation with a value what is to be written instead", () =>
    Effect.gen(function* () {
      const command = Command.make("test", { http2: Flag.Boolean("http2") })
      const messageOf = (...args: ReadonlyArray<string>) =>
        Effect.gen(function* () {
          const run = Command.runWith(command, { version: "0" })(args)
          const [line] = yield* collecting(
            Effect.exit(Effect.provide(run, [NodeServices.layer, CommandOutput.layer()]))
          )
          return line
        })
      const start = "flag --no-http2 takes no value, but got"
      assert.include(yield* messageOf("--no-http2=true"), `${start} true; did you mean --no-http2?`)
      assert.include(yield* messageOf("--no-http2", "1"), `${start} 1; did you mean --no-http2?`)
      assert.include(yield* messageOf("--no-http2=false"), `${start} false; did you mean --http2?`)
    })
  )
})
