import { fromBytes } from "@pagi/core/bytes/ByteString"
import type { ServerConnection } from "@pagi/core/server/ConnectionRegistry"
import type { ServerContext } from "@pagi/core/server/ServerContext"
import type { Transport, TransportHandler } from "@pagi/core/Transport"
import type { Protocol } from "../../src/accept/Protocol.ts"

/** One connection of a protocol that sends every line back, and that has nothing to do with HTTP. */
class LineEcho implements TransportHandler, ServerConnection {
  readonly protocol = "toy/1"
  endReason: ServerConnection["endReason"] = "client_closed"
  readonly #server: ServerContext
  readonly #transport: Transport
  #line = ""

  constructor(server: ServerContext, transport: Transport) {
    this.#server = server
    this.#transport = transport
    server.registry.add(this)
    transport.open(this)
  }

  onData(bytes: Uint8Array): void {
    const [last = "", ...lines] = (this.#line + fromBytes(bytes, 0, bytes.length)).split("\n").toReversed()
    for (const line of lines.toReversed()) this.#transport.write(`${line}\n`)
    this.#line = last
  }

  onEnd(): void {
    this.#transport.end()
  }

  onFlush(): void {}

  onBlocked(): void {}

  onDrain(): void {}

  onClose(): void {
    this.#server.registry.remove(this)
  }

  drain(): void {
    this.endReason = "server_shutdown"
    this.#transport.write("bye\n")
    this.#transport.end()
  }

  abort(): void {
    this.endReason = "server_shutdown"
    this.#transport.destroy()
  }
}

/** The protocol as a row of a server's table; clients that have not chosen it by ALPN begin with the greeting. */
export const lineEchoAfter = (greeting: string): Protocol => ({
  alpn: "toy/1",
  recognises: (bytes) => {
    const beginning = fromBytes(bytes, 0, Math.min(bytes.length, greeting.length))
    if (!greeting.startsWith(beginning)) return false
    return beginning === greeting ? true : undefined
  },
  prepare: ({ server }) => ({
    open: (transport) => new LineEcho(server, transport),
    refuse: (transport) => transport.write("full\n")
  })
})

export const lineEcho = lineEchoAfter("ECHO\n")
