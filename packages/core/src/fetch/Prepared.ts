/** What a fetch handler needs before it can answer; loaded by programs that have one. */
import type * as Effect from "effect/Effect"
import type { HttpReceiveEvent, HttpSendEvent } from "../contract/Event.ts"
import type { NativeHandler } from "../contract/NativeHandler.ts"
import type { Receive, Send } from "../contract/PagiApp.ts"
import type { HttpScope } from "../contract/Scope.ts"
import { FetchRunner, type Handle } from "./FetchRunner.ts"
import * as Globals from "./Globals.ts"
import { runScope } from "./ScopeRequest.ts"

/** A handler that is ready for requests, whichever way they come. */
export interface Prepared {
  readonly native: NativeHandler
  /** Answers a request that comes by events. */
  readonly http: (
    scope: HttpScope,
    receive: Receive<HttpReceiveEvent>,
    send: Send<HttpSendEvent>
  ) => Effect.Effect<void, unknown>
}

export const prepare = (handle: Handle, { lightResponse }: { readonly lightResponse: boolean }): Prepared => {
  Globals.acceptLightRequests()
  if (lightResponse) Globals.makeLightResponses()
  const { native } = new FetchRunner(handle)
  return { native, http: (scope, receive, send) => runScope(native, scope, receive, send) }
}
