import { assert, describe, it } from "@effect/vitest"
import * as ServerOptions from "@pagi/core/ServerOptions"
import * as FlagSuggestions from "../../src/plan/FlagSuggestions.ts"
import { flags as processFlags } from "../../src/plan/ProcessFlags.ts"

const flags = [
  ...ServerOptions.definitions.map(([name]) => ServerOptions.flagName(name)),
  ...Object.keys(processFlags),
  "no-access-log",
  "help",
  "version"
]

const advice = (flag: string) => FlagSuggestions.adviceFor(flag, flags)

describe("FlagSuggestions", () => {
  it("suggests flags that are near only", () => {
    assert.strictEqual(advice("--prot"), "did you mean --port?")
    assert.strictEqual(advice("--worker"), "did you mean --workers?")
    assert.strictEqual(advice("--reuse-port"), "did you mean --reuseport?")
    assert.strictEqual(advice("--cert"), "did you mean --ssl-cert?")
    assert.strictEqual(advice("--key"), "did you mean --ssl-key?")
    for (const flag of ["-x", "--x", "--nothing-like-it", "--"])
      assert.strictEqual(advice(flag), "--help lists all flags")
  })

  it("knows flags of other servers", () => {
    assert.strictEqual(advice("--bind"), "did you mean --listen?")
    assert.strictEqual(advice("--certfile"), "did you mean --ssl-cert?")
    assert.strictEqual(advice("--ssl_keyfile"), "did you mean --ssl-key?")
    assert.strictEqual(advice("--graceful-timeout"), "did you mean --shutdown-timeout?")
    assert.strictEqual(advice("--watch"), "did you mean --reload?")
  })

  it("names no flag that there is not", () => {
    for (const [name, advice] of FlagSuggestions.ofOthers) {
      assert.notInclude(flags, name)
      for (const [, flag = ""] of advice.matchAll(/--([a-z0-9-]+)/g)) {
        assert.include(flags, flag.replace(/^no-(?!access-log)/, ""), name)
      }
    }
  })
})
