/** Whether the server makes spans, which is settled once, when it starts. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import { TracerEnabled } from "effect/References"
import { nativeTracer, Tracer } from "effect/Tracer"
import type { PagiApp } from "../contract/PagiApp.ts"
import type { RequestTracer } from "./RequestTracer.ts"

/**
 * What makes the spans of a server; nothing when its application has no `Tracer` but Effect's own, which keeps none of
 * them, or has turned tracing off.
 */
export const make = ({ application, context }: PagiApp["Service"]): Effect.Effect<RequestTracer | undefined> => {
  if (Context.get(context, Tracer) === nativeTracer || !Context.get(context, TracerEnabled)) return Effect.undefined
  // A server without a tracer loads nothing of it.
  return Effect.flatMap(
    Effect.promise(() => import("./RequestTracer.ts")),
    (RequestTracer) => RequestTracer.make(context, application.ownSpans)
  )
}
