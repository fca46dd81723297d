/** The two ways between an application and its exchange. */
import type * as Effect from "effect/Effect"
import type { SendError } from "./SendError.ts"

/** Waits for the next event of the exchange. */
export type Receive<ReceiveEvent> = Effect.Effect<ReceiveEvent>

/** Sends one event; suspends while the peer lags behind. After the peer has gone it does nothing. */
export type Send<SendEvent> = (event: SendEvent) => Effect.Effect<void, SendError>
