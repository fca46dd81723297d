import { assert, describe, it } from "@effect/vitest"
import type { Child, ChildCommand, ChildListener } from "@pagi/node/supervisor/ChildProcesses"
import { SpareWorkers } from "../../src/reload/SpareWorkers.ts"

/** A program that was started. */
interface Started {
  readonly command: ChildCommand
  readonly listener: ChildListener
  readonly messages: Array<object>
  readonly signals: Array<string>
}

const make = () => {
  const started: Array<Started> = []
  const packages = { version: "1" }
  const start = (command: ChildCommand, listener: ChildListener): Child => {
    const one: Started = { command, listener, messages: [], signals: [] }
    started.push(one)
    return {
      pid: started.length,
      send: (message) => void one.messages.push(message),
      write: () => {},
      kill: (signal) => void one.signals.push(signal)
    }
  }
  return { started, packages, spares: new SpareWorkers(start, () => packages.version) }
}

const worker = (number: number): ChildCommand => ({
  file: "node",
  args: ["worker.ts"],
  environment: { PAGI_WORKER: `{"num":${number}}`, HOME: "/home" },
  descriptors: ["ignore", "inherit", "inherit", "ipc", 20]
})

const listening = () => {
  const told: Array<unknown> = []
  const listener: ChildListener = {
    onMessage: (message) => told.push(message),
    onFailure: (reason) => told.push(reason),
    onExit: (code) => told.push({ code }),
    onDisconnect: () => told.push("disconnected")
  }
  return { told, listener }
}

describe("SpareWorkers", () => {
  it("has one process that waits, and becomes the next worker", () => {
    const { spares, started } = make()
    spares.prepare()
    assert.strictEqual(started.length, 0)
    spares.start(worker(1), listening().listener)
    spares.prepare()
    spares.prepare()
    assert.deepStrictEqual(started[1]?.command, { ...worker(1), environment: { PAGI_SPARE: "1", HOME: "/home" } })
    const { listener, told } = listening()
    const child = spares.start(worker(2), listener)
    assert.strictEqual(child.pid, 2)
    const { environment } = worker(2)
    assert.deepStrictEqual(started[1]?.messages, [{ type: "begin", environment, directory: process.cwd() }])
    started[1]?.listener.onMessage({ type: "ready" })
    started[1]?.listener.onExit(0, null)
    started[1]?.listener.onDisconnect?.()
    assert.deepStrictEqual(told, [{ type: "ready" }, { code: 0 }, "disconnected"])
    assert.strictEqual(spares.start(worker(1), listener).pid, 3)
  })

  it("takes none that has loaded other packages, is of another kind, or has ended", () => {
    const { packages, spares, started } = make()
    const { listener } = listening()
    spares.start(worker(1), listener)
    spares.prepare()
    packages.version = "2"
    assert.strictEqual(spares.start(worker(1), listener).pid, 3)
    assert.deepStrictEqual(started[1]?.signals, ["SIGKILL"])
    spares.prepare()
    assert.strictEqual(spares.start({ ...worker(1), descriptors: ["ipc", 21] }, listener).pid, 5)
    assert.deepStrictEqual(started[3]?.signals, ["SIGKILL"])
    spares.prepare()
    started[5]?.listener.onExit(1, null)
    assert.strictEqual(spares.start(worker(1), listener).pid, 7)
    spares.prepare()
    spares.discard()
    assert.deepStrictEqual(started[7]?.signals, ["SIGKILL"])
    assert.strictEqual(spares.start(worker(1), listener).pid, 9)
  })

  it("leaves other programs alone, and has none when it has ended", () => {
    const { spares, started } = make()
    const { listener } = listening()
    spares.start(worker(1), listener)
    spares.prepare()
    const successor: ChildCommand = { ...worker(1), descriptors: ["inherit", "pipe"] }
    assert.strictEqual(spares.start(successor, listener).pid, 3)
    spares.end()
    spares.prepare()
    assert.deepStrictEqual(started[1]?.signals, ["SIGKILL"])
    assert.strictEqual(started.length, 3)
  })
})
