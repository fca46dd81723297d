/**
 * Runners of which no request is lost because an entity moves. Effect interrupts what comes to an entity in the moment in
 * which it begins to leave, and what a runner has not begun when it closes; here such a request is sent again, to where the
 * entity is by then.
 */
import { EntityNotAssignedToRunner, RunnerUnavailable } from "effect/cluster/ClusterError"
import * as Runners from "effect/cluster/Runners"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Snowflake from "effect/cluster/Snowflake"

/** Fails in place of an interruption by somebody else; one of the caller itself goes on, as it is not caught. */
const instead =
  <E2>(error: () => E2) =>
  <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E | E2, R> =>
    Effect.catchCause(effect, (cause): Effect.Effect<never, E | E2> =>
      Cause.hasInterruptsOnly(cause) ? Effect.fail(error()) : Effect.failCause(cause)
    )

/** The same runners, with what is interrupted by somebody else as something to try again. */
export const steady = (runners: Runners.Runners["Service"]): Runners.Runners["Service"] => ({
  ...runners,
  send: (options) => instead(() => new RunnerUnavailable({ address: options.address }))(runners.send(options)),
  sendLocal: (options) =>
    instead(() => new EntityNotAssignedToRunner({ address: options.message.envelope.address }))(
      runners.sendLocal(options)
    )
})

/** Runners that reach each other as `Runners.RpcClientProtocol` says. */
export const layer = Layer.effect(Runners.Runners, Effect.map(Runners.makeRpc, steady)).pipe(
  Layer.provide(Snowflake.layerGenerator)
)

/** The only runner. */
export const layerAlone = Layer.effect(Runners.Runners, Effect.map(Runners.makeNoop, steady)).pipe(
  Layer.provide(Snowflake.layerGenerator)
)
