/** What an application finds when the command serves it: the same without workers and with them, and nothing of the command's own. */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { CurrentLoggers } from "effect/Logger"
import { MetricRegistry } from "effect/Metric"
import { MinimumLogLevel } from "effect/References"
import * as Scope from "effect/Scope"
import { Tracer } from "effect/Tracer"

/** The log of the server, the least level of it that is written, the clock, and where spans and metrics go, if anywhere. */
const select = Context.pick(CurrentLoggers, MinimumLogLevel, Clock.Clock, Tracer, MetricRegistry)

/** Builds an application such that it finds these services and `more` alone, beside those that it brings along. */
export const isolate = <A, E>(
  application: Layer.Layer<A, E>,
  more: Context.Context<never> = Context.empty()
): Layer.Layer<A, E> =>
  Layer.effectContext(
    Effect.flatMap(Effect.scope, (scope) =>
      Layer.build(application).pipe(
        Effect.updateContext((context: Context.Context<never>) =>
          Context.merge(Context.add(select(context), Scope.Scope, scope), more)
        )
      )
    )
  )
