import { assert, describe, it } from "@effect/vitest"
import * as ConsoleLog from "../../src/program/ConsoleLog.ts"

const source = { pid: 4711, worker: 2 }
const text = "messages to standard output that were lost, as the disk was full: 3"

describe("a line about what was lost", () => {
  const noticeIn = (format: ConsoleLog.FormatName | undefined): string =>
    ConsoleLog.noticeBy(() => format, source)(text, "stdout")

  it("is a warning in the format of the log", () => {
    for (const format of [undefined, "plain"] as const) {
      assert.strictEqual(noticeIn(format), `worker 2: warning: ${text}`)
    }
    const { time, ...rest } = JSON.parse(noticeIn("json"))
    assert.isString(time)
    assert.deepStrictEqual(rest, { level: "warn", message: text, pid: 4711, worker: 2 })
    assert.match(noticeIn("logfmt"), / level=WARN fiber=#\d+ message="messages to .*: 3" pid=4711 worker=2$/)
    assert.match(noticeIn("pretty"), / WARN .*\[4711 worker 2\].* messages to .*: 3$/)
  })
})

describe("the format of messages", () => {
  it("is for a person in development, unless another one is asked for", () => {
    assert.isUndefined(ConsoleLog.formatOf({ logFormat: undefined, mode: "production" }))
    assert.strictEqual(ConsoleLog.formatOf({ logFormat: undefined, mode: "development" }), "pretty")
    assert.strictEqual(ConsoleLog.formatOf({ logFormat: "json", mode: "development" }), "json")
  })
})
