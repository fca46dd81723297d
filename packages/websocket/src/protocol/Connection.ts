import type { ByteSink } from "@pagi/core/bytes/ByteSink"
import { type ByteString, encodeText } from "@pagi/core/bytes/ByteString"
import { closePayload } from "./ClosePayload.ts"
import type { Event } from "./Event.ts"
import { FrameDecoder } from "./FrameDecoder.ts"
import { FINAL, FINAL_COMPRESSED, writeFrame, writeMaskedFrame } from "./FrameEncoder.ts"
import { BINARY, CLOSE, MAX_SHORT_LENGTH, PING, PONG, TEXT } from "./Opcode.ts"
import type { Rules } from "./Rules.ts"

/**
 * One end of a WebSocket connection after its handshake (RFC 6455 §5 to §7). `receive` takes bytes in and `next` reports
 * what they mean, one event per call; the send methods write frames. No method throws, whatever the peer or the
 * application does.
 *
 * What a received frame or a call does depends on which close frames have gone (RFC 6455 §5.5.1 and §7.1):
 *
 * ```
 * opcode or call            open                    closeSent          closeReceived      closed
 * ────────────────────────  ──────────────────────  ─────────────────  ─────────────────  ───────
 * 0 continuation            message, when whole     message            dropped            dropped
 * 1 text, 2 binary          message, when whole     message            dropped            dropped
 * 8 close                   close ► closeReceived   close ► closed     dropped            dropped
 * 9 ping, 10 pong           event                   event              dropped            dropped
 * 3–7, 11–15, broken rules  error ► closeReceived   error ► closed     dropped            dropped
 * sendText, sendPing, …     written                 nothing            written            nothing
 * sendClose                 written ► closeSent     nothing            written ► closed   nothing
 * ```
 *
 * Where received frames are dropped, `next` reports `Closed`. An error leads to closeReceived because nothing further is
 * read and a close frame is owed; `isCloseReceived` stays false then.
 */
export class Connection {
  private readonly decoder: FrameDecoder
  private hasSentClose = false

  constructor(rules: Rules) {
    this.decoder = new FrameDecoder(rules)
  }

  /**
   * Takes bytes from the peer, and owns them from then on: it changes them, and messages are views of them. Lent bytes it
   * may use only until `keep` is called, and messages are copies.
   */
  receive(bytes: Uint8Array, isLent = false): void {
    this.decoder.receive(bytes, isLent)
  }

  /** Must be called before lent bytes are used for something else; copies what has not been looked at yet. */
  keep(): void {
    this.decoder.keep()
  }

  /** The next thing that the received bytes mean. */
  next(): Event {
    return this.decoder.next()
  }

  /** Received bytes that `next` has not looked at. Of an unfinished message it has, as far as it has come. */
  get bufferedLength(): number {
    return this.decoder.bufferedLength
  }

  get isCloseSent(): boolean {
    return this.hasSentClose
  }

  get isCloseReceived(): boolean {
    return this.decoder.isCloseReceived
  }

  /** Sends text in one frame; answers how many bytes of payload were sent. */
  sendText(sink: ByteSink, text: string): number {
    return this.send(sink, FINAL | TEXT, encodeText(text))
  }

  /** Sends bytes in one frame, and owns them from then on; answers how many were sent. */
  sendBytes(sink: ByteSink, bytes: Uint8Array): number {
    return this.send(sink, FINAL | BINARY, bytes)
  }

  /** Sends a message whose payload has been compressed (RFC 7692 §7.2.1); answers how many bytes of it were sent. */
  sendCompressed(sink: ByteSink, isText: boolean, payload: Uint8Array): number {
    return this.send(sink, FINAL_COMPRESSED | (isText ? TEXT : BINARY), payload)
  }

  /** Sends a ping with up to 125 bytes; more have no place in it. */
  sendPing(sink: ByteSink, bytes: Uint8Array): void {
    this.send(sink, FINAL | PING, bytes.subarray(0, MAX_SHORT_LENGTH))
  }

  /** Sends a pong with up to 125 bytes. */
  sendPong(sink: ByteSink, bytes: Uint8Array): void {
    this.send(sink, FINAL | PONG, bytes.subarray(0, MAX_SHORT_LENGTH))
  }

  /**
   * Sends a close frame, after which nothing is sent any more. It is empty without a code, and with one that no close
   * frame may have; a reason that is too long loses its end.
   */
  sendClose(sink: ByteSink, code: number | undefined, reason: string): void {
    this.send(sink, FINAL | CLOSE, closePayload(code, reason))
    this.hasSentClose = true
  }

  private send(sink: ByteSink, firstByte: number, payload: ByteString | Uint8Array): number {
    if (this.hasSentClose) return 0
    const { maskingKey } = this.decoder.rules
    if (maskingKey === undefined) writeFrame(sink, firstByte, payload)
    else writeMaskedFrame(sink, firstByte, payload, maskingKey())
    return payload.length
  }
}
