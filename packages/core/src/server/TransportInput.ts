import type { LingeringConnection } from "./ConnectionRegistry.ts"
import type { Deadline } from "./Deadlines.ts"
import type { DisconnectReason } from "../contract/DisconnectReason.ts"
import { closedBy, type ConnectionEnd, type ConnectionProtocol } from "../observe/ConnectionEnd.ts"
import type { Limit } from "../observe/Observer.ts"
import { Linger, lingerSilenceTicks } from "./Linger.ts"
import type { ServerContext } from "./ServerContext.ts"
import type { Transport } from "../transport/Transport.ts"

/**
 * How a driver reads its transport: it pauses it while there is too much to do, and discards what comes while it lingers.
 * A base class rather than an object of its own, because an idle connection should cost little.
 */
export abstract class TransportInput implements LingeringConnection {
  protected readonly transport: Transport
  protected abstract readonly settings: { readonly server: ServerContext }
  abstract readonly protocol: ConnectionProtocol
  #endReason: ConnectionEnd | undefined = undefined
  /** Whether the peer is not read for a while. */
  isPaused = false
  /** The bounds within which the peer is read although nothing of it is wanted. */
  protected linger: Linger | undefined = undefined

  constructor(transport: Transport) {
    this.transport = transport
  }

  abstract drain(): void
  abstract abort(reason: DisconnectReason): void

  /** Whether an application of this connection has not ended. */
  protected abstract readonly hasRunning: boolean

  get endReason(): ConnectionEnd {
    return this.#endReason ?? "complete"
  }

  /** The connection is about to end for this reason, unless there has been one before. */
  protected endFor(reason: ConnectionEnd): void {
    this.#endReason ??= reason
  }

  /** The transport has closed, with an error for this reason. */
  protected endForClose(reason: DisconnectReason | undefined): void {
    this.endFor(closedBy(reason))
  }

  /** The peer is not read for a while. */
  protected onPaused(): void {}
  /** The peer is read again, after a pause. */
  protected onResumed(): void {}

  /** Stops to read the peer, or goes on. */
  setPaused(paused: boolean): void {
    if (this.isPaused === paused) return
    this.isPaused = paused
    if (paused) {
      this.transport.pause()
      this.onPaused()
    } else {
      this.transport.resume()
      this.onResumed()
    }
  }

  /** From now on nothing is wanted of what the peer sends; `deadline` expires when that has gone on for too long. */
  protected beginLinger(deadline: Deadline, silenceTicks?: number): void {
    const { deadlines, options, registry } = this.settings.server
    if (this.linger === undefined) this.linger = new Linger(deadlines, deadline, options.maxBodySize, silenceTicks)
    else this.linger.proceed()
    if (registry.isDraining) this.linger.hurry()
    this.setPaused(false)
    this.offerPlace()
  }

  /** The peer has taken everything, so that from now on it is read for as long as anybody is. */
  protected restartLinger(): void {
    if (this.linger === undefined) return
    this.linger.restart()
    this.setPaused(false)
  }

  /**
   * The time for writing is over; it begins anew for a peer that has taken some meanwhile, however slowly. Answers whether
   * it does.
   */
  protected mayTakeOn(deadline: Deadline): boolean {
    const tookSome = this.transport.tookSome()
    if (tookSome) deadline.start(this.settings.server.limits.write)
    else this.tellLimit("writeTimeout")
    return tookSome
  }

  /** Tells observers of a limit that the peer has reached, which ends the connection. */
  protected tellLimit(limit: Limit): void {
    this.endFor("limit")
    this.settings.server.observer?.limitHit?.(limit, this.transport)
  }

  /** Whether nobody wants what comes. */
  get isDiscarding(): boolean {
    return this.linger !== undefined
  }

  get isSent(): boolean {
    return this.transport.bufferedAmount === 0
  }

  /** What comes now is wanted again. */
  protected endLinger(): void {
    if (this.linger === undefined) return
    this.linger = undefined
    this.settings.server.registry.reuse(this)
  }

  /** A connection that has nothing left to do but to linger gives way to others. */
  protected offerPlace(): void {
    if (this.linger === undefined || this.hasRunning) return
    this.settings.server.registry.linger(this)
  }

  /** The time for lingering is over. What the peer has still to read has the write deadline to watch over it. */
  protected endUnlessSending(deadline: Deadline, ticks = lingerSilenceTicks): void {
    if (this.transport.bufferedAmount > 0) return deadline.start(ticks)
    this.endFor("idle_timeout")
    this.transport.destroy()
  }

  /** Takes no notice of so many bytes; ends the connection when a peer that has read everything goes on for too long. */
  protected discard(length: number): void {
    if (this.linger === undefined || this.linger.receive(length)) return
    // The peer may still be reading what it was sent; the write deadline watches over that.
    if (this.transport.bufferedAmount > 0) this.setPaused(true)
    else this.transport.destroy()
  }
}
