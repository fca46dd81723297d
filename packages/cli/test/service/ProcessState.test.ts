import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import * as ProcessState from "../../src/service/ProcessState.ts"
import * as Site from "../support/Site.ts"

/** A systemd that notes what it is told. */
const systemd = (told: Array<string>) => {
  const note = (what: string) => Effect.sync(() => void told.push(what))
  return { ready: note("ready"), reloading: note("reloading"), reloaded: note("reloaded"), stopping: note("stopping") }
}

describe("ProcessState", () => {
  it.effect("takes back what a successor that has ended said of itself", () =>
    Effect.gen(function* () {
      const pidFile = join(yield* Site.make({}), "server.pid")
      const told: Array<string> = []
      const audience = { pidFile, predecessor: undefined, launcher: undefined, systemd: systemd(told) }
      const state = yield* ProcessState.begin(audience)
      yield* state.ready
      // A number that no process has.
      writeFileSync(pidFile, `${2 ** 31 - 2}\n`)
      yield* state.goesOn
      assert.strictEqual(readFileSync(pidFile, "utf8"), `${process.pid}\n`)
      assert.deepStrictEqual(told, ["ready", "reloaded"])
    })
  )

  it.effect("leaves the pid file to the server that it follows until it serves", () =>
    Effect.gen(function* () {
      const pidFile = join(yield* Site.make({}), "server.pid")
      const told: Array<string> = []
      writeFileSync(pidFile, `${process.ppid}\n`)
      const audience = { pidFile, predecessor: process.ppid, launcher: undefined, systemd: systemd(told) }
      const state = yield* ProcessState.begin(audience)
      assert.strictEqual(readFileSync(pidFile, "utf8"), `${process.ppid}\n`)
      yield* state.stopping
      assert.deepStrictEqual(told, [])
      yield* state.ready
      yield* state.stopping
      assert.deepStrictEqual(told, ["ready", "stopping"])
      assert.strictEqual(readFileSync(pidFile, "utf8"), `${process.pid}\n`)
    })
  )
})
