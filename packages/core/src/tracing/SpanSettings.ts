/** What spans of a server have in common by the settings of its program, which do not change while it runs. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Tracer from "effect/Tracer"

export interface SpanSettings {
  readonly tracer: Tracer.Tracer
  /** Whether spans are kept unless the caller's is not. */
  readonly sampled: boolean
  readonly links: ReadonlyArray<Tracer.SpanLink>
  readonly attributes: ReadonlyArray<readonly [name: string, value: unknown]>
}

/**
 * Has Effect make one span, for a tracer that looks at what it is given. To have it make every span would take a fiber
 * for each.
 */
export const of = (context: Context.Context<never>): SpanSettings => {
  let settings: Omit<SpanSettings, "attributes" | "tracer"> = { sampled: true, links: [] }
  const looking = Tracer.make({
    span: (options) => {
      const { links, sampled } = options
      settings = { sampled, links }
      return new Tracer.NativeSpan(options)
    }
  })
  const span = Effect.runSyncWith(Context.add(context, Tracer.Tracer, looking))(
    Effect.makeSpan("settings", { kind: "server", root: true })
  )
  return { ...settings, tracer: Context.get(context, Tracer.Tracer), attributes: [...span.attributes] }
}
