import { assert, describe, it } from "@effect/vitest"
import * as CliError from "effect/cli/CliError"
import { describe as describeMistake } from "../src/CommandOutput.ts"

describe("CommandOutput", () => {
  it("puts each mistake on one line", () => {
    const unknown = (option: string, suggestions: ReadonlyArray<string>) =>
      describeMistake(new CliError.UnrecognizedOption({ option, suggestions }))
    assert.strictEqual(unknown("--prot", ["--port"]), "unknown flag --prot; did you mean --port?")
    assert.strictEqual(unknown("--x", []), "unknown flag --x; --help lists all flags")
    assert.strictEqual(unknown("-x", ["-p", "-q"]), "unknown flag -x; --help lists all flags")
    const invalid = (value: string, expected: string) =>
      describeMistake(new CliError.InvalidValue({ option: "port", value, expected, kind: "flag" }))
    assert.strictEqual(invalid("", "a value"), "flag --port needs a value")
    assert.strictEqual(
      invalid("2 occurrences", "at most 1 value"),
      "flag --port: got 2 occurrences, expected at most 1 value"
    )
    assert.strictEqual(invalid("x", 'Expected "y"'), 'flag --port: got x, expected "y"')
    assert.strictEqual(
      describeMistake(new CliError.UnexpectedArgument({ arguments: ["b", "c d"] })),
      'unexpected argument "b" and "c d"; one application is served'
    )
  })
})
