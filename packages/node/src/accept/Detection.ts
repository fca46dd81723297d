import type { ServerConnection } from "@pagi/core/server/ConnectionRegistry"
import { closedBy, type ConnectionEnd } from "@pagi/core/observe/ConnectionEnd"
import type { DisconnectReason } from "@pagi/core/contract/DisconnectReason"
import { Deadline, type DeadlineOwner, freshDrainTicks } from "@pagi/core/server/Deadlines"
import type { ServerContext } from "@pagi/core/server/ServerContext"
import type { Transport, TransportHandler } from "@pagi/core/transport/Transport"
import type { PreparedProtocol } from "./Protocol.ts"

const noBytes = new Uint8Array(0)

/** Who knows protocols by their first bytes. */
export interface Recogniser {
  readonly server: ServerContext
  /** Spoken by clients that end before it is known what they speak. */
  readonly fallback: PreparedProtocol
  /** The protocol of a client that has begun with these bytes, or nothing while that cannot be told. */
  recognise(bytes: Uint8Array): PreparedProtocol | undefined
}

/** A connection of which the first bytes have not come. They decide, mostly all at once, who goes on with it. */
export class Detection implements TransportHandler, ServerConnection, DeadlineOwner {
  readonly protocol = "unknown"
  readonly holding = "nothing"
  endReason: ConnectionEnd = "client_closed"
  readonly #recogniser: Recogniser
  readonly #transport: Transport
  readonly #deadline: Deadline
  /** What has come and does not tell yet. */
  #received: Uint8Array = noBytes

  constructor(recogniser: Recogniser, transport: Transport) {
    const { server } = recogniser
    this.#recogniser = recogniser
    this.#transport = transport
    this.#deadline = new Deadline(server.deadlines, this)
    this.#deadline.start(server.limits.headers)
    server.registry.add(this)
    transport.open(this)
  }

  onData(bytes: Uint8Array, isLent: boolean): void {
    const received = this.#received.length === 0 ? bytes : Buffer.concat([this.#received, bytes])
    const protocol = this.#recogniser.recognise(received)
    if (protocol === undefined) this.#received = Buffer.from(received)
    else this.#goOn(protocol).onData(received, isLent && received === bytes)
  }

  onEnd(): void {
    if (this.#received.length === 0) return this.#end("client_closed")
    // With part of a beginning, which is for the driver to answer.
    const driver = this.#goOn(this.#recogniser.fallback)
    driver.onData(this.#received, false)
    driver.onEnd()
  }

  #goOn(protocol: PreparedProtocol): TransportHandler {
    this.#deadline.release()
    return this.#recogniser.server.registry.handOver(this, () => protocol.open(this.#transport))
  }

  onFlush(): void {}

  onBlocked(): void {}

  onDrain(): void {}

  onClose(reason: DisconnectReason | undefined): void {
    if (reason !== undefined) this.endReason = closedBy(reason)
    this.#deadline.release()
    this.#recogniser.server.registry.remove(this)
  }

  onDeadline(): void {
    this.#end(this.#recogniser.server.registry.isDraining ? "server_shutdown" : "idle_timeout")
  }

  /** A request may be under way. */
  drain(): void {
    if (this.#recogniser.server.isPatient) this.#deadline.start(freshDrainTicks)
    else this.#end("server_shutdown")
  }

  abort(): void {
    this.#end("server_shutdown")
  }

  #end(reason: ConnectionEnd): void {
    this.endReason = reason
    this.#transport.destroy()
  }
}
