import * as Effect from "effect/Effect"
import type { DisconnectReason } from "../contract/DisconnectReason.ts"
import type { ConnectionEnd, ConnectionProtocol } from "../observe/ConnectionEnd.ts"
import type { Observer } from "../observe/Observer.ts"

/**
 * What a connection has of a server: no request, more than the peer takes (it does not read, or asks on without waiting for
 * answers), or one answer that is under way.
 */
export type Holding = "nothing" | "backlog" | "answer"

/** A connection as the server sees it from outside. */
export interface ServerConnection {
  /** What is spoken on it, for observers. */
  readonly protocol: ConnectionProtocol
  /** Why it ends, or has ended, for observers; asked when it is removed. */
  readonly endReason: ConnectionEnd
  /** What it holds, if it may have to give way for that; asked where there are few connections (`dropLeast`). */
  readonly holding?: Holding | undefined
  /** Finish what was begun and then close; close at once when idle. */
  drain(): void
  /** Give up what is under way: exchanges see this reason, the peer sees the connection end. */
  abort(reason: DisconnectReason): void
}

/** A connection that lingers, or will when the peer has taken what was sent. */
export interface LingeringConnection extends ServerConnection {
  /** Whether the peer has taken everything, as far as the system tells. */
  readonly isSent: boolean
}

/** The open connections of a server: how many there are, and how all of them are told to drain. */
export class ConnectionRegistry {
  readonly #observer: Observer | undefined
  readonly #connections = new Set<ServerConnection>()
  /** Those that only linger, the one that began first in front. */
  readonly #lingering = new Map<ServerConnection, LingeringConnection>()
  /** Those that have given way and are about to close. */
  readonly #leaving = new Set<ServerConnection>()
  /** The one that the next to be added follows. */
  #predecessor: ServerConnection | undefined = undefined
  #draining = false
  #waiters: Array<() => void> = []

  /** `observer` is told of connections that open and close. */
  constructor(observer?: Observer) {
    this.#observer = observer
  }

  get size(): number {
    return this.#connections.size - this.#leaving.size
  }

  /** Those that have still something to do: the others only linger, and the peer has taken everything. */
  get unfinished(): number {
    let count = this.#connections.size
    for (const { isSent } of this.#lingering.values()) if (isSent) count--
    return count
  }

  get isDraining(): boolean {
    return this.#draining
  }

  add(connection: ServerConnection): void {
    const predecessor = this.#predecessor
    this.#predecessor = undefined
    const isNew =
      predecessor === undefined ? !this.#connections.has(connection) : !this.#connections.delete(predecessor)
    this.#connections.add(connection)
    if (isNew) this.#observer?.connectionOpened?.(connection.protocol)
    else if (predecessor !== undefined && predecessor.protocol !== connection.protocol) {
      this.#observer?.protocolChanged?.(connection.protocol, predecessor.protocol)
    }
    if (this.#draining) connection.drain()
  }

  /** A connection goes on as another, whose protocol it has changed to. */
  replace(connection: ServerConnection, successor: ServerConnection): void {
    this.handOver(connection, () => this.add(successor))
  }

  /** A connection goes on as the one that is added by `begin`; when that adds none, it has closed. */
  handOver<A>(connection: ServerConnection, begin: () => A): A {
    this.#predecessor = connection
    try {
      return begin()
    } finally {
      this.#predecessor = undefined
      this.remove(connection)
    }
  }

  /** Everything that the connection was for is done, and its application has ended: it may give way to others. */
  linger(connection: LingeringConnection): void {
    if (this.#connections.has(connection)) this.#lingering.set(connection, connection)
  }

  /** The connection does not linger any more but is used again. */
  reuse(connection: LingeringConnection): void {
    this.#lingering.delete(connection)
  }

  /** Whether there may be another connection; where there are `limit`, one that lingers gives way to it. */
  makeRoom(limit: number): boolean {
    while (this.size >= limit) if (!this.giveWay()) return false
    return true
  }

  /** Closes the connection that has lingered for longest; answers whether there was one. */
  giveWay(): boolean {
    for (const connection of this.#lingering.values()) {
      if (!connection.isSent) continue
      this.#evict(connection)
      return true
    }
    return false
  }

  /**
   * Closes a connection for which least is lost: the oldest of those that hold nothing, or else a backlog, or else one
   * answer. Answers whether there was one. It looks at all of them, so it is for servers that have few.
   */
  dropLeast(): boolean {
    for (const holding of ["nothing", "backlog", "answer"] as const) {
      for (const connection of this.#connections) {
        if (connection.holding !== holding || this.#leaving.has(connection)) continue
        this.#evict(connection)
        return true
      }
    }
    return false
  }

  #evict(connection: ServerConnection): void {
    this.#lingering.delete(connection)
    this.#leaving.add(connection)
    this.#tellClosed(connection)
    connection.abort("idle_timeout")
  }

  /** To be called when the connection has closed and its exchanges have ended. */
  remove(connection: ServerConnection): void {
    this.#lingering.delete(connection)
    const hasLeft = this.#leaving.delete(connection)
    if (!this.#connections.delete(connection)) return
    if (!hasLeft) this.#tellClosed(connection)
    if (this.#connections.size > 0) return
    const waiters = this.#waiters
    this.#waiters = []
    for (const waiter of waiters) waiter()
  }

  #tellClosed({ endReason, protocol }: ServerConnection): void {
    this.#observer?.connectionClosed?.(protocol, endReason)
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
