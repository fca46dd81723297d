import { closedBy } from "@pagi/core/observe/ConnectionEnd"
import type { DisconnectReason } from "@pagi/core/contract/DisconnectReason"
import type { ServerContext } from "@pagi/core/server/ServerContext"
import type { Transport, TransportHandler } from "@pagi/core/transport/Transport"
import { AwaitedConnection } from "./AwaitedConnection.ts"
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
export class Detection extends AwaitedConnection implements TransportHandler {
  readonly holding = "nothing"
  readonly #recogniser: Recogniser
  readonly #transport: Transport
  /** What has come and does not tell yet. */
  #received: Uint8Array = noBytes

  constructor(recogniser: Recogniser, transport: Transport) {
    const { server } = recogniser
    super(server, server.limits.headers)
    this.#recogniser = recogniser
    this.#transport = transport
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
    if (this.#received.length === 0) return this.end("client_closed")
    // With part of a beginning, which is for the driver to answer.
    const driver = this.#goOn(this.#recogniser.fallback)
    driver.onData(this.#received, false)
    driver.onEnd()
  }

  #goOn(protocol: PreparedProtocol): TransportHandler {
    return this.handOver(() => protocol.open(this.#transport))
  }

  onFlush(): void {}

  onBlocked(): void {}

  onDrain(): void {}

  onClose(reason: DisconnectReason | undefined): void {
    if (reason !== undefined) this.endReason = closedBy(reason)
    this.leave()
  }

  protected destroy(): void {
    this.#transport.destroy()
  }
}
