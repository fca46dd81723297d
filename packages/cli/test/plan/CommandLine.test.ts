import { assert, describe, it } from "@effect/vitest"
import { mayHaveWorkers } from "../../src/plan/CommandLine.ts"

describe("CommandLine", () => {
  it("sees that there may be workers, and is right when it says no", () => {
    for (const args of [
      ["--workers", "2"],
      ["--workers=2"],
      ["-w", "2"],
      ["-w2"],
      ["-qw", "2"],
      ["./app.ts", "-w=2"],
      ["--reload"],
      ["--reload=true"]
    ]) {
      assert.isTrue(mayHaveWorkers(args, {}), args.join(" "))
    }
    for (const args of [[], ["./app.ts"], ["--port", "80"], ["--write-timeout=3"], ["-p", "80"], ["reload"]]) {
      assert.isFalse(mayHaveWorkers(args, {}), args.join(" "))
    }
    assert.isTrue(mayHaveWorkers([], { PAGI_WORKERS: "2" }))
    assert.isTrue(mayHaveWorkers([], { PAGI_RELOAD: "true" }))
    assert.isFalse(mayHaveWorkers([], { PAGI_WORKERS: "", PAGI_RELOAD: "" }))
  })
})
