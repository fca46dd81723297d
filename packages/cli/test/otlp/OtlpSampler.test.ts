import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Option from "effect/Option"
import * as Tracer from "effect/Tracer"
import * as OtlpSampler from "../../src/otlp/OtlpSampler.ts"
import type { SamplerSettings } from "../../src/otlp/OtlpSettings.ts"

const keeping = Tracer.make({ span: (options) => new Tracer.NativeSpan(options) })

const begin = (sampler: SamplerSettings, parent: Tracer.AnySpan | undefined, sampled = parent?.sampled !== false) =>
  OtlpSampler.apply(keeping, sampler).span({
    name: "a",
    parent: Option.fromNullishOr(parent),
    annotations: Context.empty(),
    links: [],
    startTime: 0n,
    kind: "server",
    root: parent === undefined,
    sampled
  })

/** A span of another process; the end of the id decides of ratios. */
const remote = (sampled: boolean, end = "8") =>
  Tracer.externalSpan({ traceId: `${"0".repeat(19)}${end}${"0".repeat(12)}`, spanId: "1".repeat(16), sampled })

const isKept = (name: SamplerSettings["name"], parent?: Tracer.AnySpan, ratio = 0.5): boolean =>
  begin({ name, ratio }, parent).sampled

describe("OtlpSampler", () => {
  it("keeps all or none, whatever the caller says or as it says", () => {
    assert.deepStrictEqual(
      [isKept("always_on"), isKept("always_on", remote(false)), isKept("always_on", remote(true))],
      [true, true, true]
    )
    assert.deepStrictEqual([isKept("always_off"), isKept("always_off", remote(true))], [false, false])
    const parentBased = (name: SamplerSettings["name"]) => [
      isKept(name),
      isKept(name, remote(true)),
      isKept(name, remote(false))
    ]
    assert.deepStrictEqual(parentBased("parentbased_always_on"), [true, true, false])
    assert.deepStrictEqual(parentBased("parentbased_always_off"), [false, true, false])
  })

  it("keeps a part of the traces, by the id where others see it too", () => {
    const kept = Array.from({ length: 2000 }, () => isKept("traceidratio", undefined, 0.25)).filter(Boolean).length
    // Six standard deviations.
    assert.approximately(kept, 500, 117)
    assert.isTrue(isKept("traceidratio", remote(false, "7")))
    assert.isFalse(isKept("traceidratio", remote(true, "8")))
    assert.isTrue(isKept("parentbased_traceidratio", remote(true, "8")))
    assert.isFalse(isKept("parentbased_traceidratio", undefined, 0))
    assert.isTrue(isKept("parentbased_traceidratio", undefined, 1))
  })

  it("keeps what is below a span of this process as that one, and nothing of too low a level", () => {
    const root = begin({ name: "always_off", ratio: 1 }, undefined)
    assert.isFalse(isKept("always_on", root))
    assert.isFalse(begin({ name: "always_on", ratio: 1 }, undefined, false).sampled)
    assert.isFalse(begin({ name: "always_on", ratio: 1 }, remote(true), false).sampled)
  })
})
