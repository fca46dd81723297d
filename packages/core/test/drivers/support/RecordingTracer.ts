/** A tracer that keeps its spans, for tests. */
import { assert } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Tracer from "effect/Tracer"

/** The spans in the order in which they have begun. */
export class RecordingTracer {
  readonly spans: Array<Tracer.NativeSpan> = []
  readonly tracer: Tracer.Tracer = Tracer.make({
    span: (options) => {
      const span = new Tracer.NativeSpan(options)
      this.spans.push(span)
      return span
    }
  })

  /** Runs a program with it. */
  readonly provide = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
    Effect.provideService(effect, Tracer.Tracer, this.tracer)

  /** The first span of this name. */
  span(name: string): Tracer.NativeSpan {
    const span = this.spans.find((span) => span.name === name)
    assert.isDefined(span, `a span with the name ${name}`)
    return span
  }
}

/** How a span has ended; `undefined` as long as it has not. */
export const exitOf = ({ status }: Tracer.NativeSpan): Exit.Exit<unknown, unknown> | undefined =>
  status._tag === "Ended" ? status.exit : undefined

export const attributesOf = ({ attributes }: Tracer.NativeSpan): Record<string, unknown> =>
  Object.fromEntries(attributes)

export const eventNames = ({ events }: Tracer.NativeSpan): ReadonlyArray<string> => events.map(([name]) => name)

/** The span that it is below, also one that others have made. */
export const parentOf = ({ parent }: Tracer.NativeSpan): Tracer.AnySpan | undefined => Option.getOrUndefined(parent)
