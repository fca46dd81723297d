import * as Effect from "effect/Effect"
import { type Log, runCallbacks } from "./Callbacks.ts"
import type { DisconnectReason } from "./DisconnectReason.ts"

/**
 * What an application can know about its peer while it works, as `scope.connection`. Reads are synchronous. Exactly one
 * of disconnect and complete happens for an exchange.
 */
export interface ConnectionState {
  /** Whether the peer is there, as far as the server knows. */
  readonly isConnected: boolean
  /** Why it is not. */
  readonly disconnectReason: DisconnectReason | undefined
  /** Whether the application has sent the start of its response. */
  readonly responseStarted: boolean
  /** Whether the response is complete, and its last byte on the way. */
  readonly responseComplete: boolean
  /** Runs the callback when the peer has gone; at once when it already has. */
  readonly onDisconnect: (callback: (reason: DisconnectReason) => void) => void
  /** Runs the callback when the response is complete; at once when it already is. */
  readonly onComplete: (callback: () => void) => void
  /** Waits for an abnormal end; never completes when the response does. */
  readonly disconnected: Effect.Effect<DisconnectReason>
}

/** The exchange that a state is about, which knows how far its response has come. */
export interface StartedExchange {
  /** Whether the application has sent the start of its response. */
  readonly hasStarted: boolean
}

/** The server's side of `ConnectionState`. `log` is told of callbacks that throw. */
export class ExchangeState implements ConnectionState {
  disconnectReason: DisconnectReason | undefined = undefined
  responseComplete = false
  readonly #exchange: StartedExchange
  readonly #log: Log
  #waiters: Set<(reason: DisconnectReason) => void> | undefined = undefined
  #disconnectCallbacks: Array<(reason: DisconnectReason) => void> | undefined = undefined
  #completeCallbacks: Array<() => void> | undefined = undefined

  constructor(exchange: StartedExchange, log: Log) {
    this.#exchange = exchange
    this.#log = log
  }

  get responseStarted(): boolean {
    return this.#exchange.hasStarted
  }

  get isConnected(): boolean {
    return this.disconnectReason === undefined
  }

  onDisconnect(callback: (reason: DisconnectReason) => void): void {
    if (this.disconnectReason !== undefined) callback(this.disconnectReason)
    else if (!this.responseComplete) (this.#disconnectCallbacks ??= []).push(callback)
  }

  onComplete(callback: () => void): void {
    if (this.responseComplete) callback()
    else if (this.disconnectReason === undefined) (this.#completeCallbacks ??= []).push(callback)
  }

  get disconnected(): Effect.Effect<DisconnectReason> {
    return Effect.callback((resume) => {
      const waiter = (reason: DisconnectReason) => resume(Effect.succeed(reason))
      if (this.disconnectReason !== undefined) return waiter(this.disconnectReason)
      ;(this.#waiters ??= new Set()).add(waiter)
      return Effect.sync(() => {
        this.#waiters?.delete(waiter)
      })
    })
  }

  /** The peer is gone or was dropped. Without effect once the exchange has ended either way. */
  disconnect(reason: DisconnectReason): boolean {
    if (this.responseComplete || this.disconnectReason !== undefined) return false
    this.disconnectReason = reason
    const waiters = this.#waiters
    const callbacks = this.#disconnectCallbacks
    this.#forget()
    if (waiters !== undefined) for (const waiter of waiters) waiter(reason)
    runCallbacks(callbacks, reason, this.#log)
    return true
  }

  /** The last byte of the response has been handed to the transport. */
  complete(): void {
    if (this.responseComplete || this.disconnectReason !== undefined) return
    this.responseComplete = true
    const callbacks = this.#completeCallbacks
    this.#forget()
    runCallbacks(callbacks, undefined, this.#log)
  }

  #forget(): void {
    this.#waiters = undefined
    this.#disconnectCallbacks = undefined
    this.#completeCallbacks = undefined
  }
}
