import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import { stripVTControlCharacters, styleText } from "node:util"
import { TopModel } from "../../src/top/TopModel.ts"
import { render, type Screen } from "../../src/top/TopScreen.ts"
import { time } from "../../src/top/Units.ts"
import { pointOf, requestOf, status } from "../support/FakeAdmin.ts"

const plain: Screen = { width: 120, height: 60, hasCharts: false, style: (_, text) => text }

const colored: Screen = {
  ...plain,
  hasCharts: true,
  style: (style, text) => styleText(style, text, { validateStream: false })
}

const whole = (): TopModel => {
  const model = new TopModel()
  model.see(status, 0)
  model.load([
    pointOf(1000, { marks: [{ at: 1000, what: "worker ended", worker: 2, reason: "max-requests" }] }),
    pointOf(2000, { refused: { "max-body-size": 2 } }),
    pointOf(3000, { refused: { "max-body-size": 1, "request-timeout": 1 }, latency: null })
  ])
  model.recent = {
    slowest: [requestOf("/slow", { requestId: "a1", worker: 1 }), requestOf("/less", { duration: 12.345 })],
    failed: [requestOf("/broken\u001b[31m", { status: 500, worker: 1, duration: 0.5 })]
  }
  return model
}

describe("TopScreen", () => {
  it("shows all that an admin listener tells", () => {
    assert.deepStrictEqual(render(whole(), plain), [
      "pagi-server 4711: serving for 1m 1s, 1 of 2 workers on http://127.0.0.1:5000/",
      "",
      "Requests   100/s  2xx 90  3xx 5  4xx 4  5xx 1",
      "Latency    p50 1.25 ms  p90 2.5 ms  p99 12 ms",
      "Bytes      sent 1 MiB/s  received 1 KiB/s",
      "Open       64 connections  3 requests in progress",
      "Processes  loop delay 2 ms  memory 64 MiB",
      "Refused    max-body-size 3, request-timeout 1",
      `Happened   ${time(1000)} worker 2 ended (max-requests)`,
      "",
      "WORKER   PID  PHASE    AGE   REQUESTS  CONNECTIONS  LOOP DELAY  MEMORY",
      "     1  4712  serving   1m  1,234,567           64     1.25 ms  90 MiB",
      "     2     -  booting   0s          -            -           -       -",
      "",
      "SLOWEST  STATUS  METHOD  PATH      ENDED     WORKER  ID",
      `  1.5 s     200  GET     /slow     ${time(0)}       1  a1`,
      `12.3 ms     200  GET     /less     ${time(0)}       -  -`,
      "",
      "FAILING  STATUS  METHOD  PATH               ENDED     WORKER  ID",
      ` 0.5 ms     500  GET     /broken\\u001b[31m  ${time(0)}       1  -`
    ])
  })

  it("shows what a control socket tells, and where there would be more", () => {
    const model = new TopModel()
    model.note = "start the server with --admin"
    model.see(status, 0)
    assert.deepStrictEqual(render(model, plain).slice(0, 6), [
      "pagi-server 4711: serving for 1m 1s, 1 of 2 workers on http://127.0.0.1:5000/",
      "start the server with --admin",
      "",
      "Requests   -/s",
      "Open       64 connections",
      ""
    ])
    model.see(status, 1000)
    assert.include(render(model, plain), "Requests   0/s")
  })

  it("shows between what the number of workers changes, why it is what it is, and why one has come or gone", () => {
    const model = whole()
    const scaling = { minimum: 1, maximum: 4, utilization: 0.614, reason: "workers were busy" } as const
    model.see({ ...status, scaling }, 0)
    assert.include(render(model, plain)[0], "1 of 2 workers (1 to 4, 61 % busy, workers were busy) on http")
    const marks = [{ at: 0, what: "worker started", worker: 4, reason: "scaled_up" }] as const
    model.add(pointOf(9000, { marks }))
    assert.match(render(model, plain).join("\n"), /^Happened +\S+ worker 4 started \(scaled_up\)/m)
  })

  it("keeps what it knows while the server is away, and says that it is", () => {
    const model = whole()
    model.problem = "ECONNREFUSED"
    assert.strictEqual(render(model, plain)[1], "Not connected, trying again: ECONNREFUSED")
    assert.include(render(model, plain), "Bytes      sent 1 MiB/s  received 1 KiB/s")
    assert.deepStrictEqual(render(new TopModel(), plain), ["connecting …"])
  })

  it("draws charts where there is room for them", () => {
    const lines = render(whole(), { ...plain, hasCharts: true })
    assert.strictEqual(lines[2]?.slice(62), "███")
    assert.strictEqual(lines[3]?.slice(62), "██ ")
    assert.isFalse(
      render(whole(), { ...plain, hasCharts: true, width: 71 })
        .join()
        .includes("█")
    )
  })

  const size = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 200 }))

  it.prop("fits every terminal", [size, size], ([width, height]) => {
    const model = whole()
    model.note = "n".repeat(300)
    const lines = render(model, { ...colored, width, height })
    assert.isAtMost(lines.length, height)
    // Narrower than names and figures, lines are cut off by the terminal.
    for (const line of lines) assert.isAtMost(stripVTControlCharacters(line).length, Math.max(width, 12))
  })

  it("leaves room for requests below many workers", () => {
    const model = whole()
    model.see({ ...status, workers: Array.from({ length: 50 }, () => status.workers).flat() }, 1)
    const lines = render(model, { ...plain, height: 40 })
    assert.isAtMost(lines.length, 40)
    assert.isTrue(lines.some((line) => line.includes("/slow")))
    assert.isTrue(lines.some((line) => line.includes("/broken")))
  })
})
