import type { ByteSink } from "@pagi/core/bytes/ByteSink"
import { type ByteString, fromBytes, toBytes } from "@pagi/core/bytes/ByteString"
import type { MemoryTransport } from "@pagi/core/testing/MemoryTransport"
import { Connection } from "../../src/protocol/Connection.ts"
import type { Event } from "../../src/protocol/Event.ts"
import { Rules } from "../../src/protocol/Rules.ts"
import { noLimits } from "./Machine.ts"

const latin1 = (bytes: Uint8Array): ByteString => fromBytes(bytes, 0, bytes.length)

/** An event in one line. */
const describe = (event: Event): string => {
  switch (event.type) {
    case "text":
      return `text ${event.text}`
    case "bytes":
    case "ping":
    case "pong":
      return `${event.type} ${latin1(event.bytes)}`
    case "compressed":
      return `compressed ${event.isText ? "text" : "bytes"} ${latin1(event.bytes)}`
    case "close":
      return `close ${event.code} ${event.reason}`.trimEnd()
    case "error":
      return `error ${event.reason}`
    default:
      return event.type
  }
}

/** The client's end of a session. */
export class SessionPeer implements ByteSink {
  readonly #transport: MemoryTransport
  readonly #machine: Connection
  #keys = 0

  constructor(transport: MemoryTransport, compression: boolean) {
    this.#transport = transport
    const rules = Rules.forClient(noLimits, compression, () => Math.imul(++this.#keys, 0x9e3779b1))
    this.#machine = new Connection(rules)
  }

  /** Sends bytes as they are; each call is a read of its own for the server. */
  write(data: ByteString | Uint8Array): void {
    this.#transport.push(data)
  }

  text(text: string): void {
    this.#machine.sendText(this, text)
  }

  bytes(bytes: Uint8Array): void {
    this.#machine.sendBytes(this, bytes)
  }

  compressed(isText: boolean, payload: Uint8Array): void {
    this.#machine.sendCompressed(this, isText, payload)
  }

  ping(payload: ByteString = ""): void {
    this.#machine.sendPing(this, toBytes(payload))
  }

  pong(payload: ByteString = ""): void {
    this.#machine.sendPong(this, toBytes(payload))
  }

  close(code?: number, reason = ""): void {
    this.#machine.sendClose(this, code, reason)
  }

  /** Closes its side of the connection. */
  end(): void {
    this.#transport.pushEnd()
  }

  /** Reads what has arrived, and gives what it means, one line for each event. */
  read(): ReadonlyArray<string> {
    this.#machine.receive(toBytes(this.#transport.read()))
    const lines: Array<string> = []
    for (;;) {
      const event = this.#machine.next()
      if (event.type === "need-data" || event.type === "closed") return lines
      lines.push(describe(event))
    }
  }
}
