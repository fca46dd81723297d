import type { ConnectionEnd } from "@pagi/core/observe/ConnectionEnd"
import type { ServerConnection } from "@pagi/core/server/ConnectionRegistry"
import { Deadline, type DeadlineOwner, freshDrainTicks } from "@pagi/core/server/Deadlines"
import type { ServerContext } from "@pagi/core/server/ServerContext"

/**
 * A connection with which nobody can go on yet, since its first bytes, a header or a handshake have not come. It has a time
 * limit, which a drain makes shorter.
 */
export abstract class AwaitedConnection implements ServerConnection, DeadlineOwner {
  readonly protocol = "unknown"
  endReason: ConnectionEnd = "client_closed"
  protected readonly server: ServerContext
  readonly #deadline: Deadline

  /**
   * Adds nothing to the registry, which is for the class that extends this one to do when it is whole.
   *
   * @param limit ticks that it may take; 0 for no limit
   */
  constructor(server: ServerContext, limit: number) {
    this.server = server
    this.#deadline = new Deadline(server.deadlines, this)
    this.#deadline.start(limit)
  }

  /** Closes what carries it. */
  protected abstract destroy(): void

  /** Goes on as the connection that is added to the registry by `begin`. */
  protected handOver<A>(begin: () => A): A {
    this.#deadline.release()
    return this.server.registry.handOver(this, begin)
  }

  /** What carried it has closed. */
  protected leave(): void {
    this.#deadline.release()
    this.server.registry.remove(this)
  }

  protected end(reason: ConnectionEnd): void {
    this.endReason = reason
    this.destroy()
  }

  onDeadline(): void {
    this.end(this.server.registry.isDraining ? "server_shutdown" : "idle_timeout")
  }

  /** A request may be under way behind it. */
  drain(): void {
    if (this.server.isPatient) this.#deadline.start(freshDrainTicks)
    else this.end("server_shutdown")
  }

  abort(): void {
    this.end("server_shutdown")
  }
}
