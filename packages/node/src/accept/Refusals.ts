import { Deadline, type DeadlineOwner } from "@pagi/core/server/Deadlines"
import { Linger } from "@pagi/core/server/Linger"
import type { Transport, TransportHandler } from "@pagi/core/transport/Transport"
import type { Carrier, Refusal } from "./Listener.ts"
import type { ServerProtocols } from "./ServerProtocols.ts"

/**
 * The clients that are being turned away. Their requests are read and discarded for a while, since a reset for unread
 * bytes could destroy the answer on its way (RFC 9112 §9.6).
 */
export class Refusals {
  readonly protocols: ServerProtocols
  /** The one that came first in front. */
  readonly #refusals = new Set<RefusedClient>()

  constructor(protocols: ServerProtocols) {
    this.protocols = protocols
  }

  /** Answers at once. No more than `room` clients have time to read that, those that came last. */
  add(transport: Transport, alpn: string | undefined, room: number): void {
    const [oldest] = this.#refusals
    if (oldest !== undefined && this.#refusals.size >= room) {
      this.#refusals.delete(oldest)
      oldest.destroy()
    }
    this.#begin(transport).answer(transport, alpn)
  }

  /**
   * Turns a client away to which nothing can be said yet; its time begins now. Nothing is begun where there are `room`
   * such clients: what has to be done before an answer costs more than anybody may have who is turned away.
   */
  reserve(carrier: Carrier, room: number): Refusal | undefined {
    return this.#refusals.size < room ? this.#begin(carrier) : undefined
  }

  end(refusal: RefusedClient): void {
    this.#refusals.delete(refusal)
  }

  destroy(): void {
    for (const refusal of this.#refusals) refusal.destroy()
  }

  #begin(carrier: Carrier): RefusedClient {
    const refusal = new RefusedClient(this, carrier)
    this.#refusals.add(refusal)
    return refusal
  }
}

/** One client that is being turned away. */
class RefusedClient implements Refusal, TransportHandler, DeadlineOwner {
  readonly isDiscarding = true
  readonly #refusals: Refusals
  readonly #carrier: Carrier
  readonly #deadline: Deadline
  readonly #linger: Linger

  constructor(refusals: Refusals, carrier: Carrier) {
    const { deadlines, options } = refusals.protocols.server
    this.#refusals = refusals
    this.#carrier = carrier
    this.#deadline = new Deadline(deadlines, this)
    this.#linger = new Linger(deadlines, this.#deadline, options.maxBodySize)
  }

  /** Tells the client, which has chosen the protocol of this name, and ends the server's side. */
  answer(transport: Transport, alpn: string | undefined): void {
    transport.open(this)
    this.#refusals.protocols.named(alpn).refuse(transport)
    transport.end()
  }

  /** The carrier has closed. */
  readonly end = (): void => {
    this.#deadline.release()
    this.#refusals.end(this)
  }

  destroy(): void {
    this.#carrier.destroy()
  }

  onData({ length }: Uint8Array): void {
    if (!this.#linger.receive(length)) this.destroy()
  }

  onEnd(): void {}

  onFlush(): void {}

  onBlocked(): void {}

  onDrain(): void {}

  onClose(): void {
    this.end()
  }

  onDeadline(): void {
    this.destroy()
  }
}
