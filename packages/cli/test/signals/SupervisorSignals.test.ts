import { afterEach, assert, beforeEach, describe, it, vi } from "@effect/vitest"
import * as SupervisorSignals from "../../src/signals/SupervisorSignals.ts"

const signals = ["SIGINT", "SIGTERM", "SIGHUP", "SIGUSR1", "SIGUSR2", "SIGTTIN", "SIGTTOU"] as const

const emit = (...names: ReadonlyArray<NodeJS.Signals>): void => {
  for (const name of names) process.emit(name, name)
}

describe("SupervisorSignals", () => {
  const before = new Map(signals.map((name) => [name, process.listeners(name)]))
  let now = 0

  beforeEach(() => {
    now = 0
    vi.spyOn(performance, "now").mockImplementation(() => now)
  })

  afterEach(() => {
    vi.restoreAllMocks()
    for (const name of signals) {
      for (const listener of process.listeners(name)) {
        if (before.get(name)?.includes(listener) !== true) process.off(name, listener)
      }
    }
  })

  it("passes on what each signal asks for, also what came before somebody listened", () => {
    const listening = SupervisorSignals.listen(() => false)
    const commands: Array<string> = []
    emit("SIGHUP", "SIGUSR1")
    listening.connect((command) => void commands.push(command))
    emit("SIGUSR2", "SIGTTIN", "SIGTTOU")
    assert.deepStrictEqual(commands, ["reload", "reopenLogs", "hotRestart", "add", "remove"])
  })

  it("takes two requests to stop at the same time for one, and a later one for the second", () => {
    const listening = SupervisorSignals.listen(() => false)
    const commands: Array<string> = []
    listening.connect((command) => void commands.push(command))
    emit("SIGINT", "SIGTERM")
    now = 499
    emit("SIGINT")
    assert.deepStrictEqual(commands, ["stop"])
    now = 500
    emit("SIGTERM")
    assert.deepStrictEqual(commands, ["stop", "stop"])
  })

  it("ends the process at the second one when nobody listens yet", () => {
    SupervisorSignals.listen(() => false)
    const exit = vi.spyOn(process, "exit").mockImplementation((code) => {
      throw new Error(`exit ${code}`)
    })
    emit("SIGINT")
    now = 500
    assert.throws(() => emit("SIGINT"), "exit 130")
    assert.strictEqual(exit.mock.calls.length, 1)
  })
})
