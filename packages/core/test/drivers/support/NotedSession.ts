import type { SharedMessage } from "../../../src/contract/DirectSend.ts"
import type { ScopedConnection } from "../../../src/server/ConnectionFibers.ts"
import type { DisconnectReason } from "../../../src/contract/DisconnectReason.ts"
import type { OpenWebSocket, UpgradedConnection } from "../../../src/exchange/WebSocketUpgrade.ts"
import type { ServerContext } from "../../../src/server/ServerContext.ts"
import type { TransportHandler } from "../../../src/transport/Transport.ts"

/** A session without a protocol, for tests of drivers: what the driver has handed over, and what has happened since. */
export abstract class NotedSession implements OpenWebSocket, TransportHandler, ScopedConnection {
  readonly protocol = "websocket"
  readonly endReason = "complete"
  readonly connection: UpgradedConnection
  readonly notes: Array<string> = []
  readonly bufferedAmount = 0
  readonly #server: ServerContext
  #isClosed = false
  #running: number

  constructor(server: ServerContext, connection: UpgradedConnection) {
    this.connection = connection
    this.#server = server
    this.#running = connection.running
    connection.transport.open(this)
    connection.fibers.handOver(this)
  }

  abstract onData(bytes: Uint8Array): void
  abstract onEnd(): void

  begin(): void {
    this.connection.transport.resume()
  }

  send(message: string | Uint8Array): void {
    this.connection.transport.write(message)
  }

  sendShared({ event }: SharedMessage): void {
    if (event.type === "websocket.send") this.send(event.text ?? event.bytes)
  }

  close(code: number): undefined {
    this.notes.push(`close ${code}`)
    this.connection.transport.end()
  }

  keepAlive(): undefined {}
  onTaken(): void {}

  onApplicationEnd(): void {
    this.#running--
    this.#finish()
  }

  onFlush(): void {}

  onBlocked(): void {
    this.notes.push("blocked")
  }

  onDrain(): void {
    this.notes.push("drained")
  }

  onClose(_reason: DisconnectReason | undefined): void {
    this.#isClosed = true
    this.#finish()
  }

  drain(): void {
    this.notes.push("drain")
  }

  abort(reason: DisconnectReason): void {
    this.notes.push(`abort ${reason}`)
    this.connection.exchange.disconnect(reason)
    this.connection.transport.destroy()
  }

  onScopeClose(): void {
    if (!this.#isClosed) this.abort("server_shutdown")
  }

  #finish(): void {
    if (!this.#isClosed || this.#running > 0) return
    this.connection.entry?.end("complete")
    this.#server.registry.remove(this)
    this.connection.fibers.close()
  }
}
