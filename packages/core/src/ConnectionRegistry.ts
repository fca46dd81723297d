import * as Effect from "effect/Effect"
import type { DisconnectReason } from "./DisconnectReason.ts"

/** A connection as the server sees it from outside. */
export interface ServerConnection {
  /** Finish what was begun and then close; close at once when idle. */
  drain(): void
  /** Give up what is under way: exchanges see this reason, the peer sees the connection end. */
  abort(reason: DisconnectReason): void
}

/** The open connections of a server: how many there are, and how all of them are told to drain. */
export class ConnectionRegistry {
  readonly #connections = new Set<ServerConnection>()
  #draining = false
  #waiters: Array<() => void> = []

  get size(): number {
    return this.#connections.size
  }

  get isDraining(): boolean {
    return this.#draining
  }

  add(connection: ServerConnection): void {
    this.#connections.add(connection)
    if (this.#draining) connection.drain()
  }

  /** A connection goes on as another, whose protocol it has changed to. */
  replace(connection: ServerConnection, successor: ServerConnection): void {
    this.#connections.delete(connection)
    this.add(successor)
  }

  /** To be called when the connection has closed and its exchanges have ended. */
  remove(connection: ServerConnection): void {
    if (!this.#connections.delete(connection) || this.#connections.size > 0) return
    const waiters = this.#waiters
    this.#waiters = []
    for (const waiter of waiters) waiter()
  }

  /** Tells every connection, also those to come, to drain. */
  drain(): void {
    this.#draining = true
    for (const connection of [...this.#connections]) connection.drain()
  }

  /** Tells every connection to give up what is under way. */
  abort(reason: DisconnectReason): void {
    for (const connection of [...this.#connections]) connection.abort(reason)
  }

  /** Completes when no connection is left. */
  readonly empty: Effect.Effect<void> = Effect.callback((resume) => {
    if (this.#connections.size === 0) return resume(Effect.void)
    const waiter = () => resume(Effect.void)
    this.#waiters.push(waiter)
    return Effect.sync(() => {
      this.#waiters = this.#waiters.filter((other) => other !== waiter)
    })
  })
}
