import { assert, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Launch from "../../src/service/Launch.ts"

describe("Launch", () => {
  it("takes out of the environment what is meant for this process alone", () => {
    const environment = {
      PAGI_MASTER_PID: "815",
      PAGI_LAUNCHER_FD: "no number",
      NOTIFY_SOCKET: "/run/notify",
      PAGI_PROCESS_ONE: "{}",
      HOME: "/"
    }
    assert.deepStrictEqual(Launch.claim(environment), {
      isFirst: true,
      predecessor: 815,
      channel: undefined,
      systemd: { socket: "/run/notify", watchdog: undefined }
    })
    // Whoever listens claims the sockets of its predecessor, and with them this.
    assert.deepStrictEqual<NodeJS.ProcessEnv>(environment, { PAGI_MASTER_PID: "815", HOME: "/" })
  })

  it("waits a little longer than workers may, never longer than a timer holds", () => {
    const patience = (seconds: number) => Launch.patienceOf(Duration.seconds(seconds))
    assert.strictEqual(patience(5), 15_000)
    assert.strictEqual(patience(0), Number.POSITIVE_INFINITY)
    // With more, the timer of the launcher would fire at once.
    assert.strictEqual(patience(2_147_483), 2 ** 31 - 1)
  })
})
