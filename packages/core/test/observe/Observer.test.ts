import { assert, describe, it } from "@effect/vitest"
import { combine, type ExchangeRecord, type Observer } from "../../src/observe/Observer.ts"
import { record, request } from "./accessLog/Record.ts"

describe("combine", () => {
  it("is nothing of nobody, and the one of one", () => {
    const one: Observer = {}
    assert.isUndefined(combine())
    assert.isUndefined(combine(undefined, undefined))
    assert.strictEqual(combine(undefined, one), one)
  })

  it("tells each observer of the events that it listens to, in their order, as a method of it", () => {
    class Recording implements Observer {
      readonly name: string
      readonly calls: Array<ReadonlyArray<unknown>>

      constructor(name: string, calls: Array<ReadonlyArray<unknown>>) {
        this.name = name
        this.calls = calls
      }

      exchangeEnded(...parts: readonly [ExchangeRecord]): void {
        this.calls.push([this.name, ...parts])
      }
    }
    const calls: Array<ReadonlyArray<unknown>> = []
    const both = combine(
      new Recording("first", calls),
      {
        connectionOpened: (...parts) => calls.push(["opened", ...parts]),
        protocolChanged: (...parts) => calls.push(["changed", ...parts]),
        connectionClosed: (...parts) => calls.push(["closed", ...parts]),
        exchangeStarted: (...parts) => calls.push(["started", ...parts]),
        applicationStarted: () => calls.push(["application"])
      },
      new Recording("second", calls)
    )
    both?.connectionOpened?.("unknown")
    both?.protocolChanged?.("h2", "unknown")
    both?.exchangeStarted?.(request, record)
    both?.applicationStarted?.()
    both?.exchangeEnded?.(record)
    both?.connectionClosed?.("h2", "complete")
    assert.deepStrictEqual(calls, [
      ["opened", "unknown"],
      ["changed", "h2", "unknown"],
      ["started", request, record],
      ["application"],
      ["first", record],
      ["second", record],
      ["closed", "h2", "complete"]
    ])
  })

  it("has no event that nobody listens to", () => {
    const both = combine({ exchangeEnded: () => {} }, { exchangeEnded: () => {} })
    assert.isUndefined(both?.exchangeStarted)
    assert.isDefined(both?.exchangeEnded)
    assert.isUndefined(combine({}, {})?.exchangeEnded)
  })

  it("asks for what one of them uses", () => {
    const uses = (...observers: ReadonlyArray<Observer>) => {
      const all = combine(...observers)
      return [all?.usesFirstByte, all?.usesResponseHeaders]
    }
    assert.deepStrictEqual(uses({}, {}), [false, false])
    assert.deepStrictEqual(uses({}, { usesFirstByte: true }), [true, false])
    assert.deepStrictEqual(uses({ usesResponseHeaders: true }, { usesFirstByte: true }), [true, true])
  })
})
