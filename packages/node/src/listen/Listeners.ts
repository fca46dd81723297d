import type { Endpoint } from "@pagi/core/options/Endpoint"
import type * as Arr from "effect/Array"
import * as Effect from "effect/Effect"
import type * as EffectScope from "effect/Scope"
import { adoptListeners } from "./AdoptedListeners.ts"
import type { Inheritance } from "./InheritedSockets.ts"
import type { Listener } from "../accept/Listener.ts"
import type { ListenError } from "../accept/ListenError.ts"
import { listen, type ListenOptions } from "./SocketListener.ts"

/**
 * Listens on every endpoint, with the sockets that the process has inherited where there are some. Succeeds when all of
 * them listen; when one cannot, none is left once the scope has closed.
 */
export const listenAll = (
  endpoints: Arr.NonEmptyReadonlyArray<Endpoint>,
  { problems, sockets }: Inheritance,
  options: ListenOptions,
  /** For sockets that the process has inherited, and that others may accept on as well. */
  inheritedOptions: ListenOptions = options
): Effect.Effect<Arr.NonEmptyReadonlyArray<Listener>, ListenError, EffectScope.Scope> =>
  Effect.gen(function* () {
    for (const problem of problems) yield* Effect.logWarning(problem)
    const adopted = yield* adoptListeners(sockets, endpoints, inheritedOptions)
    return yield* Effect.forEach(endpoints, (endpoint) => {
      const listener = adopted.get(endpoint)
      return listener === undefined ? listen(endpoint, options) : Effect.succeed(listener)
    })
  })
