import { assert, describe, it } from "@effect/vitest"
import type { ServerStatus } from "@pagi/node/admin/ServerStatus"
import { formatAge, render } from "../../src/status/StatusTable.ts"

const status: ServerStatus = {
  version: "0.1.0",
  node: "24.0.0",
  options: {},
  mode: "workers",
  pid: 100,
  phase: "serving",
  age: 93_784_000,
  target: 2,
  isReloading: true,
  listeners: ["http://127.0.0.1:5000/", "unix:/run/a\u001b.sock"],
  workers: [
    {
      pid: 101,
      workerNum: 1,
      phase: "serving",
      age: 61_000,
      requests: 1_234_567,
      connections: 64,
      lag: 1.25,
      memory: 90 * 1024 ** 2,
      lastHeartbeat: 420
    },
    {
      pid: null,
      workerNum: 12,
      phase: "booting",
      age: 0,
      requests: 0,
      connections: 0,
      lag: 0,
      memory: 0,
      lastHeartbeat: null
    }
  ]
}

describe("StatusTable", () => {
  it("says between which numbers the number of workers changes by itself, and why it is what it is", () => {
    const scaling = { minimum: 1, maximum: 4, utilization: 0.614, reason: "workers were busy" } as const
    assert.include(render({ ...status, scaling }), "1 of 2 workers (1 to 4, 61 % busy, workers were busy) on http")
  })

  it("says how the whole is, and each worker", () => {
    assert.strictEqual(
      render(status),
      "pagi-server 100: serving for 1d 2h, replacing workers, 1 of 2 workers on " +
        "http://127.0.0.1:5000/, unix:/run/a\\u001b.sock\n" +
        "WORKER  PID  PHASE      AGE   REQUESTS  CONNECTIONS     LAG    MEMORY     HEARD\n" +
        "     1  101  serving  1m 1s  1,234,567           64  1.3 ms  90.0 MiB  0.4s ago\n" +
        "    12    -  booting     0s          -            -       -         -         -\n"
    )
  })

  it("says how a server in one process is", () => {
    const one: ServerStatus = {
      version: "0.1.0",
      node: "24.0.0",
      options: {},
      mode: "single",
      pid: 7,
      phase: "stopping",
      age: 61_000,
      listeners: ["http://127.0.0.1:5000/"],
      requests: 1234,
      connections: 5,
      lag: 0.25,
      memory: 60 * 1024 ** 2
    }
    assert.strictEqual(
      render(one),
      "pagi-server 7: stopping for 1m 1s on http://127.0.0.1:5000/\n" +
        "PID    AGE  REQUESTS  CONNECTIONS     LAG    MEMORY\n" +
        "  7  1m 1s     1,234            5  0.3 ms  60.0 MiB\n"
    )
  })

  it("writes times in their two largest units", () => {
    const ages = [0, 999, 59_999, 60_000, 61_000, 3_600_000, 3_660_000, 86_400_000 * 3 + 3_600_000 * 5]
    assert.deepStrictEqual(ages.map(formatAge), ["0s", "0s", "59s", "1m", "1m 1s", "1h", "1h 1m", "3d 5h"])
  })
})
