import { assert, describe, it } from "@effect/vitest"
import * as TraceState from "../../src/tracing/TraceState.ts"

describe("tracestate", () => {
  it("keeps its members in their order", () => {
    for (const text of ["rojo=00f067aa0ba902b7", "a=1,b=2", "fw529a3039@dt=FfAz", "1tenant@sys=x y", "a= b"]) {
      assert.strictEqual(TraceState.parse(text)?.serialize(), text)
    }
    assert.strictEqual(TraceState.parse(" a=1\t, ,b=2,")?.serialize(), "a=1,b=2")
    assert.strictEqual(TraceState.parse("a=1")?.get("a"), "1")
    assert.isUndefined(TraceState.parse("a=1")?.get("b"))
  })

  it("counts as absent when anything of it is malformed", () => {
    const many = Array.from({ length: 33 }, (_, index) => `k${index}=v`).join(",")
    for (const text of [
      "",
      ",",
      "a",
      "a=",
      "=1",
      "A=1",
      "a=1,a=2",
      "a=1=2",
      "a=é",
      "1a=1",
      "a=1,b",
      many,
      `a=${"x".repeat(511)}`
    ]) {
      assert.isUndefined(TraceState.parse(text), text)
    }
    assert.isDefined(TraceState.parse(many.slice(0, many.lastIndexOf(","))))
    assert.isDefined(TraceState.parse(`a=${"x".repeat(256)}`))
    assert.isUndefined(TraceState.parse(`a=${"x".repeat(257)}`))
  })

  it("gets new members in front, and none that are malformed", () => {
    const state = TraceState.parse("a=1,b=2")
    assert.strictEqual(state?.set("c", "3").serialize(), "c=3,a=1,b=2")
    assert.strictEqual(state?.set("b", "3").serialize(), "b=3,a=1")
    assert.strictEqual(state?.set("C", "3").serialize(), "a=1,b=2")
    assert.strictEqual(state?.set("c", "a,b").serialize(), "a=1,b=2")
    assert.strictEqual(state?.unset("a").serialize(), "b=2")
    assert.strictEqual(state?.serialize(), "a=1,b=2")
    const full = TraceState.parse(Array.from({ length: 32 }, (_, index) => `k${index}=v`).join(","))
    const more = full?.set("new", "1").serialize().split(",") ?? []
    assert.deepStrictEqual([more.length, more[0], more.at(-1)], [32, "new=1", "k30=v"])
  })
})
