import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { chmodSync, readFileSync } from "node:fs"
import { join } from "node:path"
import * as SystemdNotify from "../../src/service/SystemdNotify.ts"
import { collecting } from "../support/Log.ts"
import * as Site from "../support/Site.ts"
import { until } from "../support/Until.ts"

/** A program that writes down where it sends what. */
const recorder = `#!/bin/sh
echo "$NOTIFY_SOCKET $*" >> "\${0%/*}/sent"
`

const makeRecorder = Effect.gen(function* () {
  const cwd = yield* Site.make({ "systemd-notify": recorder, sent: "" })
  const program = join(cwd, "systemd-notify")
  chmodSync(program, 0o755)
  return { program, sent: () => readFileSync(join(cwd, "sent"), "utf8").split("\n").slice(0, -1) }
})

describe("SystemdNotify", () => {
  it("reads what the environment says to this process, and removes it", () => {
    const environment = (pid: string | undefined) => ({
      PATH: "/bin",
      NOTIFY_SOCKET: "/run/notify",
      WATCHDOG_USEC: "3000000",
      WATCHDOG_PID: pid
    })
    const mine = environment("7")
    assert.deepStrictEqual(SystemdNotify.take(mine, 7), { socket: "/run/notify", watchdog: 3000 })
    assert.deepStrictEqual(Object.keys(mine), ["PATH"])
    assert.deepStrictEqual(SystemdNotify.take(environment("8"), 7), { socket: "/run/notify", watchdog: undefined })
    assert.deepStrictEqual(SystemdNotify.take(environment(undefined), 7), { socket: "/run/notify", watchdog: 3000 })
    assert.isUndefined(SystemdNotify.take({ WATCHDOG_USEC: "1" }, 7))
    assert.isUndefined(SystemdNotify.take({ NOTIFY_SOCKET: "" }, 7))
  })

  it("tells a successor the same", () => {
    const target = { socket: "@notify", watchdog: 1500 }
    assert.deepStrictEqual(SystemdNotify.take({ ...SystemdNotify.environmentOf(target) }, 7), target)
    assert.deepStrictEqual(SystemdNotify.environmentOf(undefined), {})
  })

  it.live("sends what happens, in order", () =>
    Effect.gen(function* () {
      const { program, sent } = yield* makeRecorder
      const systemd = SystemdNotify.make({ socket: "@notify", watchdog: undefined }, program)
      for (const step of [systemd.ready, systemd.reloading, systemd.reloaded, systemd.stopping]) yield* step
      const [ready, reloading = "", ...others] = sent()
      const isReady = `@notify READY=1 MAINPID=${process.pid}`
      assert.deepStrictEqual([ready, ...others], [isReady, isReady, "@notify STOPPING=1"])
      assert.match(reloading, /^@notify RELOADING=1 MONOTONIC_USEC=\d+$/)
    })
  )

  it.live("feeds the watchdog twice in its time, from ready until the scope closes", () =>
    Effect.gen(function* () {
      const { program, sent } = yield* makeRecorder
      const systemd = SystemdNotify.make({ socket: "@notify", watchdog: 20 }, program)
      yield* Effect.scoped(
        Effect.andThen(
          systemd.ready,
          until(() => sent().length >= 4)
        )
      )
      assert.deepStrictEqual(new Set(sent().slice(1)), new Set(["@notify WATCHDOG=1"]))
    })
  )

  it.live("warns once when nothing can be sent, and does nothing without systemd", () =>
    Effect.gen(function* () {
      const systemd = SystemdNotify.make({ socket: "@notify", watchdog: undefined }, "/nowhere/systemd-notify")
      const lines = yield* collecting(Effect.andThen(Effect.scoped(systemd.ready), systemd.stopping))
      assert.deepStrictEqual(lines, [
        "warning: systemd is told nothing: the program /nowhere/systemd-notify is not installed"
      ])
      const none = SystemdNotify.make(undefined)
      assert.deepStrictEqual(yield* collecting(Effect.andThen(Effect.scoped(none.ready), none.stopping)), [])
    })
  )
})
