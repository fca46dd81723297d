import type { ByteString } from "@pagi/core/bytes/ByteString"
import type { DisconnectReason } from "@pagi/core/contract/DisconnectReason"
import type { TlsExtension } from "@pagi/core/contract/TlsExtension"
import type { Address } from "@pagi/core/contract/Address"
import type { Transport, TransportHandler } from "@pagi/core/transport/Transport"
import { CANCEL } from "../protocol/wire/ErrorCode.ts"
import type { Stream } from "../protocol/streams/Stream.ts"
import type { ConnectedRequest, RequestConnection } from "./RequestConnection.ts"
import type { RequestContent } from "./RequestContent.ts"

/** A stream as a transport, for a protocol that goes on with it (RFC 8441 §5). */
export class StreamTransport implements Transport {
  /** Whether some of what was written waited for the peer when that was last looked at. */
  isBlocked = false
  readonly #connection: RequestConnection
  readonly #owner: ConnectedRequest
  readonly #stream: Stream<ConnectedRequest>
  readonly #content: RequestContent
  #handler: TransportHandler | undefined = undefined
  /** The protocol says when it is ready to read. */
  #isPaused = true
  /** Whether the handler was told that the peer has ended its side. */
  #isEndTold = false
  #isClosed = false
  /** How much had been sent when progress was last looked at. */
  #sentBytes = 0

  constructor(
    connection: RequestConnection,
    owner: ConnectedRequest,
    stream: Stream<ConnectedRequest>,
    content: RequestContent
  ) {
    this.#connection = connection
    this.#owner = owner
    this.#stream = stream
    this.#content = content
  }

  get client(): Address | undefined {
    return this.#connection.transport.client
  }

  get server(): Address | undefined {
    return this.#connection.transport.server
  }

  get secure(): boolean {
    return this.#connection.transport.secure
  }

  get tls(): TlsExtension | undefined {
    return this.#connection.transport.tls
  }

  get expectedHost(): string | undefined {
    return this.#connection.transport.expectedHost
  }

  get bufferedAmount(): number {
    return this.#connection.machine.backlogOf(this.#stream)
  }

  tookSome(): boolean {
    const { sentBytes } = this.#stream
    const hasSent = sentBytes !== this.#sentBytes
    this.#sentBytes = sentBytes
    return hasSent
  }

  open(handler: TransportHandler): void {
    this.#handler = handler
  }

  write(data: ByteString | Uint8Array): void {
    this.#connection.machine.sendData(this.#stream, data, false)
    this.#connection.onWritten(this.#owner)
  }

  flush(): void {
    this.#connection.flush()
    this.onProgress()
  }

  scheduleFlush(): void {
    this.#connection.transport.scheduleFlush()
  }

  pause(): void {
    this.#isPaused = true
  }

  resume(): void {
    this.#isPaused = false
    this.onContent()
  }

  end(): void {
    this.#connection.machine.sendData(this.#stream, "", true)
    this.#connection.onWritten(this.#owner)
  }

  close(): void {
    this.end()
  }

  truncate(): void {
    this.reset()
  }

  destroy(): void {
    this.reset()
  }

  reset(): void {
    this.#connection.reset(this.#stream, CANCEL)
    this.#connection.onWritten(this.#owner)
    this.#close(undefined)
  }

  // from the stream ----------------------------------------------------------------------------------------------------

  /** Something has come, or the end. */
  onContent(): void {
    while (!this.#isPaused && !this.#isClosed) {
      const bytes = this.#content.take()
      if (bytes === undefined) return this.#onContentTaken()
      this.#handler?.onData(bytes, false)
    }
  }

  #onContentTaken(): void {
    if (!this.#stream.isRemoteClosed || this.#isEndTold) return
    this.#isEndTold = true
    this.#handler?.onEnd()
    this.#checkClosed()
  }

  /** The peer has caught up by something, or the connection's own backlog has changed. */
  onProgress(): void {
    const isBlocked = this.bufferedAmount > 0
    const wasBlocked = this.isBlocked
    this.isBlocked = isBlocked
    this.#sentBytes = this.#stream.sentBytes
    if (wasBlocked) this.#handler?.onDrain()
    else if (isBlocked) this.#handler?.onBlocked()
  }

  /** Our last frame was written. */
  onSent(): void {
    this.#checkClosed()
  }

  /** The stream has ended before its time. */
  onClosed(reason: DisconnectReason): void {
    this.#close(reason)
  }

  #checkClosed(): void {
    if (this.#stream.isClosed && this.#isEndTold) this.#close(undefined)
  }

  /** `onClose` comes in a later step, as it does for a socket. */
  #close(reason: DisconnectReason | undefined): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#content.discard()
    queueMicrotask(() => this.#handler?.onClose(reason))
  }
}
