import { fromBytes } from "@pagi/core/bytes/ByteString"
import type { ServerConnection } from "@pagi/core/server/ConnectionRegistry"
import type { ConnectionScopes } from "@pagi/core/server/ConnectionScope"
import { Deadline, type DeadlineOwner } from "@pagi/core/server/Deadlines"
import type { ServerContext } from "@pagi/core/server/ServerContext"
import type { Transport, TransportHandler } from "@pagi/core/transport/Transport"
import { Http1Driver } from "@pagi/http1/Http1Driver"
import * as Http1Settings from "@pagi/http1/Http1Settings"
import { Http2Driver } from "@pagi/http2/Http2Driver"
import * as Http2Settings from "@pagi/http2/stream/Http2Settings"
import { matchPreface, preface } from "@pagi/http2/protocol/Preface"
import * as WebSocketUpgrade from "@pagi/websocket/WebSocketUpgrade"
import { webSocketPlatform } from "../compression/NodeWebSocketPlatform.ts"

/** The HTTP versions of a server: makes the driver of the one that a client speaks. */
export class Protocols {
  readonly server: ServerContext
  readonly #scopes: ConnectionScopes
  readonly #http1: Http1Settings.Http1Settings
  readonly #http2: Http2Settings.Http2Settings | undefined

  constructor(server: ServerContext, scopes: ConnectionScopes) {
    const webSocket = WebSocketUpgrade.make(server, webSocketPlatform)
    this.server = server
    this.#scopes = scopes
    this.#http1 = Http1Settings.makeSettings(server, webSocket)
    this.#http2 = server.options.http2 ? Http2Settings.makeSettings(server, webSocket) : undefined
  }

  /** For a client that has not said what it speaks: it speaks HTTP/2 if it begins with the preface (RFC 9113 §3.3). */
  detect(transport: Transport): void {
    if (this.#http2 === undefined) this.open(transport, false)
    else new Detection(this, transport)
  }

  /** For a client of which that is known, by ALPN for instance (RFC 9113 §3.2). */
  open(transport: Transport, isHttp2: boolean): TransportHandler {
    return isHttp2 && this.#http2 !== undefined
      ? new Http2Driver(this.#http2, transport, this.#scopes)
      : new Http1Driver(this.#http1, transport, this.#scopes)
  }
}

/** Ticks that a client has to begin with its first request when the server drains. */
const drainTicks = 10

/**
 * Whether a first line is not even remotely one of HTTP/1: three words, but neither a target nor a version among them.
 * Whoever sends it may have meant the preface of HTTP/2, and is told so in that protocol (RFC 9113 §3.4).
 */
const isMistakenPreface = (bytes: Uint8Array): boolean =>
  /^[^ \r\n]+ [^ \r\n/:*]+ (?!HTTP)[^ \r\n/]+\r\n/.test(fromBytes(bytes, 0, Math.min(bytes.length, 64)))

const noBytes = new Uint8Array(0)

/** A connection of which the first bytes have not come. They decide, mostly all at once, who goes on with it. */
class Detection implements TransportHandler, ServerConnection, DeadlineOwner {
  readonly #protocols: Protocols
  readonly #transport: Transport
  readonly #deadline: Deadline
  /** What has come of the preface. */
  #received: Uint8Array = noBytes

  constructor(protocols: Protocols, transport: Transport) {
    const { server } = protocols
    this.#protocols = protocols
    this.#transport = transport
    this.#deadline = new Deadline(server.deadlines, this)
    this.#deadline.start(server.limits.headers)
    server.registry.add(this)
    transport.open(this)
  }

  onData(bytes: Uint8Array, isLent: boolean): void {
    const received = this.#received.length === 0 ? bytes : Buffer.concat([this.#received, bytes])
    const matched = matchPreface(received, 0, received.length)
    if (matched >= 0 && matched < preface.length) this.#received = Buffer.from(received)
    else {
      const isHttp2 = matched === preface.length || isMistakenPreface(received)
      this.#decide(isHttp2).onData(received, isLent && received === bytes)
    }
  }

  onEnd(): void {
    // With part of a preface at most, but that is for the driver to answer.
    const driver = this.#decide(false)
    if (this.#received.length > 0) driver.onData(this.#received, false)
    driver.onEnd()
  }

  #decide(isHttp2: boolean): TransportHandler {
    this.#deadline.release()
    const { registry } = this.#protocols.server
    return registry.handOver(this, () => this.#protocols.open(this.#transport, isHttp2))
  }

  onFlush(): void {}

  onBlocked(): void {}

  onDrain(): void {}

  onClose(): void {
    this.#deadline.release()
    this.#protocols.server.registry.remove(this)
  }

  onDeadline(): void {
    this.#transport.destroy()
  }

  /** A request may be under way. */
  drain(): void {
    this.#deadline.start(drainTicks)
  }

  abort(): void {
    this.#transport.destroy()
  }
}
