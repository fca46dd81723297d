import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { closeSync, openSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import type { InheritableSockets } from "../../src/supervisor/ChildProcesses.ts"
import {
  commandOf,
  type Predecessor,
  type PredecessorProcess,
  readTickets,
  SuccessorHandle,
  takeOver
} from "../../src/supervisor/HotRestart.ts"
import { TicketKeyring, write } from "../../src/tls/TicketSecrets.ts"
import { temporaryFolder } from "../../../../test/support/TemporaryFolder.ts"
import { FakeProcesses } from "./support/FakeProcesses.ts"

const predecessor: Predecessor = { masterPid: 815, readyDescriptor: 3 }

/** What is done to a predecessor, in its order. */
const doneTo = (who: Predecessor, system: Partial<PredecessorProcess> = {}) =>
  Effect.gen(function* () {
    const done: Array<unknown> = []
    yield* takeOver(who, {
      parentPid: () => 815,
      tell: (descriptor, text, keepsOpen) => done.push([descriptor, text, ...(keepsOpen ? ["kept open"] : [])]),
      stop: (pid) => done.push(pid),
      ...system
    })
    return done
  })

describe("taking over from a predecessor", () => {
  it.effect("tells it first, and then stops it", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* doneTo(predecessor), [[3, "ready\n"], 815])
      assert.deepStrictEqual(yield* doneTo({ ...predecessor, readyDescriptor: undefined }), [815])
      assert.deepStrictEqual(yield* doneTo({ ...predecessor, keepsOpen: true }), [[3, "ready\n", "kept open"], 815])
    })
  )

  it.effect("does nothing when there is none", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* doneTo({ masterPid: undefined, readyDescriptor: 3 }), [])
    })
  )

  it.effect("stops no other process that has its number by now", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* doneTo(predecessor, { parentPid: () => 1 }), [[3, "ready\n"]])
    })
  )

  it.effect("lets it go on when it cannot be told", () =>
    Effect.gen(function* () {
      const tell = () => {
        throw Object.assign(new Error("write EPIPE"), { code: "EPIPE" })
      }
      assert.deepStrictEqual(yield* doneTo(predecessor, { tell }), [])
    })
  )
})

describe("the start of a successor", () => {
  const socketsOf = (name: string, descriptors: ReadonlyArray<number>): InheritableSockets => ({
    descriptors,
    reuse: (numbers) => `${name}:${numbers.join("+")}`,
    reuseFiles: (numbers) => numbers.map((number) => `${number}=1`).join(","),
    reuseForeign: () => ""
  })
  const program = { file: "/bin/server", args: [] }

  it("gives it the socket of the admin listener after the others", () => {
    const heritage = {
      sockets: socketsOf("app", [20, 21]),
      admin: socketsOf("admin", [30]),
      tickets: undefined,
      workers: "2,2,2/2,2,2",
      folder: "/run/pool",
      hasCluster: true
    }
    const { descriptors, environment } = commandOf(program, heritage)
    assert.deepStrictEqual(descriptors.slice(4), [20, 21, 30])
    assert.deepStrictEqual(
      [environment["PAGI_REUSE"], environment["PAGI_REUSE_ADMIN"], environment["PAGI_REUSE_FILES"]],
      ["app:4+5", "admin:6", "4=1,5=1,6=1"]
    )
    assert.strictEqual(environment["PAGI_REUSE_FOREIGN"], "")
    assert.deepStrictEqual([environment["PAGI_REUSE_POOL"], environment["PAGI_REUSE_CLUSTER"]], ["/run/pool", "1"])
  })

  it("says nothing of an admin listener or a cluster that there is not", () => {
    const { environment } = commandOf(program, {
      sockets: socketsOf("app", [20]),
      tickets: undefined,
      workers: "2,2,2/2,2,2",
      folder: "/run/pool",
      hasCluster: false
    })
    assert.isFalse("PAGI_REUSE_ADMIN" in environment || "PAGI_REUSE_CLUSTER" in environment)
    assert.strictEqual(environment["PAGI_REUSE_FILES"], "4=1")
  })
})

describe("what a predecessor has written", () => {
  /** What is read of a file that a program finds open. */
  const readFrom = (text: string) =>
    Effect.gen(function* () {
      const path = join(yield* temporaryFolder, "pipe")
      writeFileSync(path, text)
      const descriptor = openSync(path, "r")
      const { secrets } = readTickets(descriptor)
      closeSync(descriptor)
      return secrets
    })

  it.effect("are the secrets of TLS sessions; there are new ones without it", () =>
    Effect.gen(function* () {
      const keyring = new TicketKeyring()
      assert.deepStrictEqual(yield* readFrom(write(keyring)), keyring.secrets)
      for (const text of ["", "ready\n", "x".repeat(5000)]) assert.notDeepEqual(yield* readFrom(text), keyring.secrets)
      for (const descriptor of [undefined, 999_999]) assert.strictEqual(readTickets(descriptor).age, 0)
    })
  )
})

describe("a successor", () => {
  const start = () => {
    const processes = new FakeProcesses()
    const told: Array<string> = []
    const command = { file: "/bin/server", args: [], environment: { PAGI_READY_FD: "3" }, descriptors: [] }
    const handle = new SuccessorHandle((listener) => processes.service.start(command, listener), {
      onReady: () => told.push("ready"),
      onFailure: (reason) => told.push(reason),
      onExit: (code) => told.push(`exit ${code}`)
    })
    return { child: processes.successor(), handle, told }
  }

  it("is ready when it has written that, in whatever pieces and once", () => {
    const { child, handle, told } = start()
    for (const piece of [..."ready"]) child.say(piece)
    assert.isFalse(handle.isReady)
    for (const text of ["\n", "ready\n", "more"]) child.say(text)
    assert.isTrue(handle.isReady)
    assert.deepStrictEqual(told, ["ready"])
  })

  it("is not ready when it has written something else", () => {
    const { child, handle, told } = start()
    for (const text of ["x", "ready\n", "y".repeat(1000)]) child.say(text)
    assert.isFalse(handle.isReady)
    child.exit(2)
    assert.deepStrictEqual(told, ["exit 2"])
  })
})
