/** Which traces are kept (OTEL_TRACES_SAMPLER): a tracer that decides for each span whether another one keeps it. */
import * as Option from "effect/Option"
import * as Tracer from "effect/Tracer"
import type { SamplerSettings } from "./OtlpSettings.ts"

/** Of a trace that somebody else has begun all who see it decide alike: by its id, which is random. */
const isWithin = (traceId: string, ratio: number): boolean =>
  Number.parseInt(traceId.slice(-13), 16) < ratio * 0x10_0000_0000_0000

type Decision = (parent: Tracer.AnySpan | undefined) => boolean

const decisionOf = ({ name, ratio }: SamplerSettings): Decision => {
  const byRatio: Decision = (parent) => (parent === undefined ? Math.random() < ratio : isWithin(parent.traceId, ratio))
  switch (name) {
    case "always_on":
    case "parentbased_always_on":
      return () => true
    case "always_off":
    case "parentbased_always_off":
      return () => false
    case "traceidratio":
    case "parentbased_traceidratio":
      return byRatio
  }
}

/**
 * The same tracer, with spans that are kept as the sampler wants it. Those below a span of this process are kept as that
 * one is; what comes from elsewhere decides only for the samplers that begin with `parentbased`.
 */
export const apply = (tracer: Tracer.Tracer, sampler: SamplerSettings): Tracer.Tracer => {
  // What Effect does by itself.
  if (sampler.name === "parentbased_always_on") return tracer
  const isKept = decisionOf(sampler)
  const followsParents = sampler.name.startsWith("parentbased")
  const { context } = tracer
  return Tracer.make({
    span: (options) => {
      const parent = Option.getOrUndefined(options.parent)
      if (parent !== undefined && (followsParents || parent._tag === "Span")) return tracer.span(options)
      // Without its parent's decision, that of the level is left, by which spans of less interest are not kept.
      const isWanted = options.sampled || parent?.sampled === false
      return tracer.span({ ...options, sampled: isWanted && isKept(parent) })
    },
    ...(context === undefined ? {} : { context })
  })
}
